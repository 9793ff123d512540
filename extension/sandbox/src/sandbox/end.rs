//! The end: shutdown, and the resets after a timeout or a crash.

use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::Sandbox;
use crate::clock::{epoch_ms, ms};
use crate::report::{Exit, Shutdown};
use crate::state::{self, Agent, Next};
use crate::telemetry::JournalEntry;

/// What the runtime gets of the shutdown, after SIGTERM.
const RUNTIME_SHUTDOWN: Duration = Duration::from_millis(300);

/// What was seen of an environment that has ended.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Its end.
    pub shutdown: Shutdown,
    /// The ground truth of telemetry.
    pub journal: Vec<JournalEntry>,
    /// Every line of every extension, with its name.
    pub printed: Vec<(String, String)>,
}

impl Sandbox {
    /// Ends the environment as Lambda does when it is not needed any more.
    pub async fn shutdown(mut self) -> Shutdown {
        self.thaw();
        self.end("spindown", Signal::SIGTERM).await
    }

    /// The same, with all that was seen until the end.
    pub async fn shutdown_with_witness(self) -> Witness {
        let shared = self.shared.clone();
        let shutdown = self.shutdown().await;
        let journal = shared.hub.journal.entries().clone();
        Witness { shutdown, journal, printed: shared.look(|state| state.printed.clone()) }
    }

    /// Ends all processes: the runtime first, then the extensions, by SHUTDOWN and at the deadline by SIGKILL. The same
    /// environment can be initialised again.
    pub(super) async fn end(&mut self, reason: &'static str, runtime_signal: Signal) -> Shutdown {
        let start = Instant::now();
        let shared = &self.shared;
        let deadline = start + shared.options.shutdown_timeout;
        shared.hub.close_subscription();
        if let Some(group) = shared.look(|state| state.runtime.group) {
            group.signal(runtime_signal);
            let patience = Instant::now() + RUNTIME_SHUTDOWN;
            shared.until_deadline(patience, |state| state.runtime.has_exited.then_some(())).await;
            group.signal(Signal::SIGKILL);
        }
        let deadline_ms =
            epoch_ms(SystemTime::now() + deadline.saturating_duration_since(Instant::now()));
        shared.update(|state| {
            for agent in &mut state.agents {
                agent.inbox.clear();
                if agent.has_event("SHUTDOWN") {
                    let reason = reason.to_owned();
                    agent.inbox.push_back(Next::Shutdown { reason, deadline_ms });
                } else if let Some(group) = agent.group {
                    group.signal(Signal::SIGKILL);
                }
            }
        });
        // An extension without a process is done when it has taken its event.
        let is_gone =
            |agent: &Agent| agent.exit.is_some() || agent.group.is_none() && agent.inbox.is_empty();
        shared
            .until_deadline(deadline, |state| state.agents.iter().all(is_gone).then_some(()))
            .await;
        shared.update(|state| {
            for group in state.agents.iter().filter_map(|agent| agent.group) {
                group.signal(Signal::SIGKILL);
            }
        });
        let with_process = |agent: &Agent| agent.group.is_none() || agent.exit.is_some();
        let patience = Instant::now() + Duration::from_secs(5);
        shared
            .until_deadline(patience, |state| state.agents.iter().all(with_process).then_some(()))
            .await;
        let driven = shared.look(|state| state.agents.iter().any(|agent| agent.group.is_none()));
        // A listener without a process still listens.
        let patience = if driven { Duration::from_secs(1) } else { Duration::ZERO };
        shared.hub.end(patience).await;
        let agents = shared.update(|state| {
            state.runtime = state::Runtime::default();
            state.is_registration_closed = false;
            std::mem::take(&mut state.agents)
        });
        self.is_initialised = false;
        let exits = agents
            .into_iter()
            .filter_map(|agent| {
                let (status, at) = agent.exit?;
                let code = status.and_then(|status| status.code());
                let duration_ms = ms(at.saturating_duration_since(start));
                Some(Exit { name: agent.name, code, duration_ms })
            })
            .collect();
        Shutdown { reason: reason.to_owned(), duration_ms: ms(start.elapsed()), exits }
    }
}
