//! The end: shutdown, and the resets after a timeout or a crash.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::Sandbox;
use crate::clock::{epoch_ms, ms};
use crate::report::{Exit, Shutdown};
use crate::state::{self, Agent, Next};
use crate::telemetry::JournalEntry;

/// The share of the shutdown time that the runtime gets, after SIGTERM.
const RUNTIME_SHUTDOWN: Duration = Duration::from_millis(300);
/// The time that a process may take to end after SIGKILL, which it cannot refuse.
const KILLED: Duration = Duration::from_secs(5);
/// The time of the whole shutdown if there is no external extension.
const INTERNAL_ONLY: Duration = Duration::from_millis(500);
/// The share of the shutdown time for the delivery of buffered telemetry before SHUTDOWN. It is at most half.
const FLUSH: Duration = Duration::from_secs(1);

/// The observations of an environment from its start to its end.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The report of the shutdown.
    pub shutdown: Shutdown,
    /// Every telemetry event that was generated for an extension, and whether it was acknowledged.
    pub journal: Vec<JournalEntry>,
    /// Every line that an extension printed, with the extension's name.
    pub printed: Vec<(String, String)>,
}

impl Sandbox {
    /// Ends the environment as Lambda does when it is not needed any more.
    pub async fn shutdown(mut self) -> Shutdown {
        self.thaw();
        self.end("spindown", Signal::SIGTERM).await
    }

    /// Ends the environment like [`Sandbox::shutdown`], and returns everything that was observed.
    pub async fn shutdown_with_recording(self) -> Recording {
        let shared = self.shared.clone();
        let shutdown = self.shutdown().await;
        let journal = shared.hub.journal.entries().clone();
        Recording { shutdown, journal, printed: shared.look(|state| state.printed.clone()) }
    }

    /// Ends all processes: the runtime first, then the extensions, by SHUTDOWN and at the deadline by SIGKILL. The same
    /// environment can be initialised again.
    pub(super) async fn end(&mut self, reason: &'static str, runtime_signal: Signal) -> Shutdown {
        let start = Instant::now();
        let shared = &self.shared;
        let budget = self.shutdown_budget();
        let deadline = start + budget;
        shared.hub.close_subscription();
        self.end_runtime(runtime_signal, RUNTIME_SHUTDOWN.min(budget)).await;
        let listening: Vec<String> = shared.look(|state| {
            let alive = state.agents.iter().filter(|agent| agent.exit.is_none());
            alive.map(|agent| agent.name.clone()).collect()
        });
        shared.hub.flush(&listening, FLUSH.min(budget / 2)).await;
        let deadline_ms =
            epoch_ms(shared.clocks.wall() + deadline.saturating_duration_since(Instant::now()));
        shared.update(|state| {
            for agent in &mut state.agents {
                agent.inbox.clear();
                if agent.has_event("SHUTDOWN") {
                    let reason = reason.to_owned();
                    agent.inbox.push_back(Next::Shutdown { reason, deadline_ms });
                } else if let (Some(group), None) = (agent.group, agent.exit) {
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
        self.signal(Signal::SIGKILL);
        let with_process = |agent: &Agent| agent.group.is_none() || agent.is_silent;
        let patience = Instant::now() + KILLED;
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

    /// Returns the time that Lambda grants. It depends on the extensions that have registered.
    fn shutdown_budget(&self) -> Duration {
        self.shared.look(|state| {
            if state.agents.is_empty() {
                Duration::ZERO
            } else if state.agents.iter().any(|agent| agent.is_external) {
                self.shared.options.shutdown_timeout
            } else {
                INTERNAL_ONLY.min(self.shared.options.shutdown_timeout)
            }
        })
    }

    /// Ends the function's process by a signal, and after `patience` by SIGKILL. Reads its output to the end.
    async fn end_runtime(&self, signal: Signal, patience: Duration) {
        let signal = if patience.is_zero() { Signal::SIGKILL } else { signal };
        for (signal, patience) in [(signal, patience), (Signal::SIGKILL, KILLED)] {
            let running =
                self.shared.look(|state| state.runtime.group.filter(|_| !state.runtime.has_exited));
            if let Some(group) = running {
                group.signal(signal);
            }
            let has_process = |state: &mut state::State| state.runtime.group.is_some();
            let is_over = |state: &mut state::State| {
                (state.runtime.is_over() || !has_process(state)).then_some(())
            };
            if self.shared.until_deadline(Instant::now() + patience, is_over).await.is_some() {
                return;
            }
        }
    }
}
