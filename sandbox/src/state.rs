//! The state of the environment, its extensions and its runtime, and a way to wait for a change.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clocks;
use crate::http::uuid;
use crate::lock::lock;
use crate::options::Options;
use crate::process::Group;
use crate::telemetry::Hub;

/// The number of a function's last lines that are kept, because they usually state why it has failed.
const LAST_LINES: usize = 20;

/// Everything that the APIs and the sandbox share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Arc<Options>,
    pub(crate) hub: Hub,
    pub(crate) clocks: Clocks,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

/// The changing part.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) agents: Vec<Agent>,
    pub(crate) runtime: Runtime,
    /// True once the runtime has called `next`: from then on no internal extension can register.
    pub(crate) is_registration_closed: bool,
    /// Every line that an extension has printed, with its name.
    pub(crate) printed: Vec<(String, String)>,
    /// The requests to Kinesis that were in flight at each `next` of an extension.
    pub(crate) in_flight_at_next: Vec<Vec<u64>>,
}

/// An extension.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) is_external: bool,
    pub(crate) state: AgentState,
    pub(crate) events: Vec<String>,
    pub(crate) inbox: VecDeque<Next>,
    pub(crate) error_type: Option<String>,
    pub(crate) group: Option<Group>,
    pub(crate) exit: Option<(Option<ExitStatus>, Instant)>,
    /// True once the last line of its process was read.
    pub(crate) is_silent: bool,
}

/// The state of an extension, in Lambda's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentState {
    Started,
    Registered,
    /// It called `next`, and waits.
    Ready,
    /// It was given an event.
    Running,
    InitError,
    ExitError,
}

/// The answer to `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Invoke { request_id: String, deadline_ms: u64 },
    Shutdown { reason: String, deadline_ms: u64 },
}

/// The runtime, which is the function's process.
#[derive(Debug, Default)]
pub(crate) struct Runtime {
    pub(crate) group: Option<Group>,
    /// The number of its calls of `next` that wait: one, or on managed instances one for each worker.
    pub(crate) waiting: usize,
    /// Its call of `restore/next` waits: it is done with init, and knows of snapshots.
    pub(crate) awaits_restore: bool,
    pub(crate) init_error: Option<String>,
    /// The invocations that it runs: one at a time, except on managed instances.
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) has_exited: bool,
    /// True once its last line was read; until then its end is not reported.
    pub(crate) is_silent: bool,
    /// The last lines that it printed, for a person who watches.
    pub(crate) last_lines: VecDeque<String>,
}

impl Runtime {
    /// Keeps a line, and forgets an old one.
    pub(crate) fn keep(&mut self, line: &str) {
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line.to_owned());
    }

    /// Returns true if it has done everything that comes before an invocation.
    pub(crate) fn is_ready(&self) -> bool {
        self.waiting > 0 || self.awaits_restore
    }

    /// Returns an invocation that the runtime has, or will take.
    pub(crate) fn invocation(&mut self, request_id: &str) -> Option<&mut Invocation> {
        self.invocations.iter_mut().find(|it| it.request_id == request_id)
    }

    /// Removes an invocation. Later calls about it have no effect.
    pub(crate) fn close(&mut self, request_id: &str) -> Option<Invocation> {
        let index = self.invocations.iter().position(|it| it.request_id == request_id)?;
        Some(self.invocations.remove(index))
    }

    /// Returns true if it has exited and its output was read.
    pub(crate) fn is_over(&self) -> bool {
        self.has_exited && self.is_silent
    }
}

/// An invocation as the runtime sees it.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) deadline_ms: u64,
    pub(crate) started: Instant,
    pub(crate) is_handed_out: bool,
    pub(crate) response: Option<Response>,
}

/// The function's response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) after: Duration,
    pub(crate) body: Bytes,
    pub(crate) error_type: Option<String>,
}

impl Agent {
    pub(crate) fn new(name: String, is_external: bool, group: Option<Group>) -> Self {
        Self {
            name,
            id: uuid(),
            is_external,
            state: AgentState::Started,
            events: Vec::new(),
            inbox: VecDeque::new(),
            error_type: None,
            group,
            exit: None,
            is_silent: false,
        }
    }

    pub(crate) fn has_event(&self, event: &str) -> bool {
        self.events.iter().any(|it| it == event)
    }

    /// Returns true if it has called `next` since its last event.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == AgentState::Ready && self.inbox.is_empty()
    }

    /// Returns the error type that it reported for its failure, or else Lambda's.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error_type.as_deref().or(self.failure())
    }

    /// Returns Lambda's error type if the extension has failed.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        match self.state {
            AgentState::InitError => Some("Extension.InitError"),
            AgentState::ExitError => Some("Extension.ExitError"),
            _ if self.exit.is_some() => Some("Extension.Crash"),
            _ => None,
        }
    }
}

impl State {
    pub(crate) fn agent(&mut self, id: &str) -> Option<&mut Agent> {
        self.agents.iter_mut().find(|agent| agent.id == id)
    }

    /// Returns the groups of all processes that have not exited. The id of an exited process may belong to another one
    /// by now.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let running = self.agents.iter().filter(|agent| agent.exit.is_none());
        let runtime = self.runtime.group.filter(|_| !self.runtime.has_exited);
        running.filter_map(|agent| agent.group).chain(runtime).collect()
    }

    /// Returns the error type of the first extension that has failed.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.agents.iter().find_map(Agent::failure)
    }

    /// Returns true if the function has responded to this invocation.
    pub(crate) fn is_answered(&mut self, request_id: &str) -> bool {
        self.runtime.invocation(request_id).is_some_and(|it| it.response.is_some())
    }
}

impl Shared {
    pub(crate) fn new(options: Arc<Options>) -> std::io::Result<Self> {
        let (changed, _) = watch::channel(0);
        let clocks = Clocks::new(options.clock.is_some())?;
        let hub = Hub::new(options.clone());
        Ok(Self { hub, clocks, options, state: Mutex::default(), changed })
    }

    /// Changes the state, and wakes every task that waits for a change.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.send_modify(|version| *version += 1);
        result
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Waits until the state gives an answer.
    pub(crate) async fn until<T>(&self, mut answer: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(answer) = answer(&mut lock(&self.state)) {
                return answer;
            }
            // The sender lives as long as this does.
            let _ = changed.changed().await;
        }
    }

    /// Waits for the condition, at most until this time.
    pub(crate) async fn until_deadline<T>(
        &self,
        deadline: Instant,
        answer: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        tokio::time::timeout_at(deadline, self.until(answer)).await.ok()
    }
}
