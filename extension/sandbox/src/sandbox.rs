//! The environment's life: init, invocations, resets, shutdown.

mod end;
mod init;

pub use end::Witness;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::api;
use crate::clock::{epoch_ms, ms, timestamp};
use crate::http::{Server, uuid};
use crate::options::{Mode, Options};
use crate::report::{Invocation, Status};
use crate::state::{self, Next, Response, Shared};
use crate::telemetry::JournalEntry;
use crate::telemetry::event::{self, Category, Done, Event};

/// An execution environment. Dropping it kills its processes.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    server: Server,
    log_stream: String,
    is_initialised: bool,
    /// Whether an init was ever tried: the next one is part of an invocation.
    was_initialised: bool,
    /// Time of an init that no invocation has reported yet.
    unreported_init: Option<Duration>,
    invocations: u64,
    frozen_in_flight: Vec<u64>,
}

/// Why an invocation could not go on.
struct Failure {
    status: Status,
    error_type: String,
    /// What the extensions are told.
    shutdown_reason: &'static str,
}

impl Failure {
    fn error(error_type: &str) -> Self {
        Self {
            status: Status::Error,
            error_type: error_type.to_owned(),
            shutdown_reason: "failure",
        }
    }

    fn timeout() -> Self {
        Self {
            status: Status::Timeout,
            error_type: "Sandbox.Timedout".to_owned(),
            shutdown_reason: "timeout",
        }
    }
}

impl Sandbox {
    /// An environment in which nothing runs yet.
    pub async fn new(options: Options) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(Arc::new(options)));
        let handler = shared.clone();
        let server = Server::start(move |request| api::handle(handler.clone(), request)).await?;
        let stream = uuid().replace('-', "");
        let day = timestamp(SystemTime::now())[..10].replace('-', "/");
        Ok(Self {
            log_stream: format!("{day}/[{}]{stream}", shared.options.function_version),
            shared,
            server,
            is_initialised: false,
            was_initialised: false,
            unreported_init: None,
            invocations: 0,
            frozen_in_flight: Vec::new(),
        })
    }

    /// `host:port` of the APIs, for whoever calls them without a process.
    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// The ground truth of telemetry.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.hub.journal.entries().clone()
    }

    /// Requests to Kinesis that were in flight when an extension called `next`, and that it did not give up.
    pub fn in_flight_at_next(&self) -> usize {
        let requests = self.shared.look(|state| state.in_flight_at_next.concat());
        self.not_abandoned(&requests)
    }

    /// Requests to Kinesis that a freeze has caught.
    pub fn caught_by_freeze(&self) -> usize {
        self.frozen_in_flight.len()
    }

    fn not_abandoned(&self, requests: &[u64]) -> usize {
        let kinesis = self.shared.options.kinesis.as_ref();
        requests
            .iter()
            .filter(|it| kinesis.is_some_and(|kinesis| !kinesis.was_abandoned(**it)))
            .count()
    }

    /// The lines that an extension has printed so far, in all its lives.
    pub fn printed_by(&self, extension: &str) -> Vec<String> {
        let is_its = |(name, line): &(String, String)| (name == extension).then(|| line.clone());
        self.shared
            .look(|state| state.printed.iter().filter_map(is_its).collect())
    }

    /// The port on which an extension listens for telemetry, once it has subscribed.
    pub fn listener_of(&self, extension: &str) -> Option<u16> {
        self.shared.hub.port(extension)
    }

    /// Publishes an event to all subscribers of `platform`, whatever its JSON text says: what the platform may invent.
    pub fn publish(&self, event: &str) {
        self.shared.hub.publish(&Event::whole(event));
    }

    /// Prints a line as if the function had: for a function without a process.
    pub fn print(&self, line: &str) {
        self.shared
            .hub
            .publish(&Event::line(Category::Function, line.to_owned()));
    }

    /// Invokes the function, and waits until the environment has come to rest.
    pub async fn invoke(&mut self, payload: impl Into<Bytes>) -> Invocation {
        let options = self.shared.options.clone();
        self.invocations += 1;
        let request_id = uuid();
        let (start, started) = (SystemTime::now(), Instant::now());
        let deadline = started + options.timeout;
        if !self.is_initialised {
            // Lambda repeats a failed init within the invocation, under the function's timeout.
            let phase = if self.invocations == 1 {
                "init"
            } else {
                "invoke"
            };
            let init = self.init_until(phase, deadline).await;
            if init.status != Status::Success {
                return self.told(
                    request_id,
                    start,
                    init.status,
                    init.error_type,
                    String::new(),
                );
            }
        }
        self.thaw();
        let (start, started) = (SystemTime::now(), Instant::now());
        self.shared
            .hub
            .publish(&event::start(&options, &request_id));
        let deadline_ms = epoch_ms(state::wall(deadline.saturating_duration_since(started)));
        self.shared.update(|state| {
            state.runtime.invocation = Some(state::Invocation {
                request_id: request_id.clone(),
                payload: payload.into(),
                deadline_ms,
                started,
                is_handed_out: false,
                response: None,
            });
            for agent in state
                .agents
                .iter_mut()
                .filter(|agent| agent.has_event("INVOKE"))
            {
                let request_id = request_id.clone();
                agent.inbox.push_back(Next::Invoke {
                    request_id,
                    deadline_ms,
                });
            }
        });
        let function_failure = self.function_ends(deadline).await.err();
        let function = started.elapsed();
        let response = self
            .shared
            .update(|state| state.runtime.invocation.take())
            .and_then(|it| it.response);
        let mut done = Done {
            request_id: &request_id,
            status: Status::Success,
            error_type: None,
            start,
            response: response.as_ref().map(|it| it.after),
            produced_bytes: response.as_ref().map_or(0, |it| it.body.len()),
            function,
        };
        if let Some(error_type) = response.as_ref().and_then(|it| it.error_type.as_deref()) {
            (done.status, done.error_type) = (Status::Error, Some(error_type));
        }
        if let Some(failure) = &function_failure {
            (done.status, done.error_type) = (failure.status, Some(failure.error_type.as_str()));
        }
        if options.mode == Mode::OnDemand {
            self.shared.hub.publish(&event::runtime_done(&done));
        }
        let extension_failure = match function_failure {
            Some(_) => None,
            None => self
                .all_agents(deadline, |agent| {
                    agent.is_idle() || !agent.has_event("INVOKE")
                })
                .await
                .err(),
        };
        if let Some(failure) = &extension_failure {
            (done.status, done.error_type) = (failure.status, Some(failure.error_type.as_str()));
        }
        let extensions = started.elapsed() - function;
        let init = self.unreported_init.take();
        self.shared
            .hub
            .publish(&event::report(&options, &done, extensions, init));
        let invocation = Invocation {
            function_ms: ms(function),
            extension_ms: ms(extensions),
            ..self.told(
                request_id.clone(),
                start,
                done.status,
                done.error_type.map(str::to_owned),
                answer(response.as_ref(), done.error_type, options.timeout),
            )
        };
        match function_failure.or(extension_failure) {
            // On managed instances only the request fails.
            Some(failure)
                if failure.status == Status::Timeout && options.mode == Mode::ManagedInstances => {}
            Some(failure) => {
                self.end(failure.shutdown_reason, Signal::SIGKILL).await;
            }
            None => self.freeze(),
        }
        invocation
    }

    fn told(
        &self,
        request_id: String,
        start: SystemTime,
        status: Status,
        error_type: Option<String>,
        response: String,
    ) -> Invocation {
        Invocation {
            n: self.invocations,
            request_id,
            status,
            error_type,
            start_time: timestamp(start),
            function_ms: 0.0,
            extension_ms: 0.0,
            response,
        }
    }

    async fn function_ends(&self, deadline: Instant) -> Result<(), Failure> {
        let end = self.shared.until_deadline(deadline, |state| {
            if state.is_function_done() {
                return Some(Ok(()));
            }
            if state.runtime.has_exited {
                return Some(Err(Failure::error("Runtime.ExitError")));
            }
            state
                .failure()
                .map(|error_type| Err(Failure::error(error_type)))
        });
        end.await.unwrap_or_else(|| Err(Failure::timeout()))
    }

    /// No code runs from here on, and no telemetry is delivered.
    fn freeze(&mut self) {
        let options = &self.shared.options;
        if !options.freezes || options.mode == Mode::ManagedInstances {
            return;
        }
        self.shared.hub.freeze(true);
        self.signal(Signal::SIGSTOP);
        if let Some(kinesis) = &options.kinesis {
            self.frozen_in_flight.extend(kinesis.in_flight());
            if options.freeze_closes_connections {
                kinesis.close_connections();
            }
        }
    }

    fn thaw(&self) {
        self.signal(Signal::SIGCONT);
        self.shared.hub.freeze(false);
    }

    /// To every process.
    fn signal(&self, signal: Signal) {
        self.shared.look(|state| {
            let groups = state
                .agents
                .iter()
                .filter(|agent| agent.exit.is_none())
                .filter_map(|agent| agent.group);
            let runtime = state.runtime.group.filter(|_| !state.runtime.has_exited);
            groups.chain(runtime).for_each(|group| group.signal(signal));
        });
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// What the caller gets.
fn answer(response: Option<&Response>, error_type: Option<&str>, timeout: Duration) -> String {
    match (response, error_type) {
        (Some(response), _) => String::from_utf8_lossy(&response.body).into_owned(),
        (None, Some("Sandbox.Timedout")) => {
            format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
        }
        (None, error_type) => {
            serde_json::json!({ "errorType": error_type, "errorMessage": "the environment was reset" }).to_string()
        }
    }
}
