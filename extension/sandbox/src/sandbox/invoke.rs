//! An invocation: the function and the extensions at work, and what the platform says of them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::{Failure, Sandbox};
use crate::clock::{epoch_ms, ms, timestamp};
use crate::http::uuid;
use crate::options::Mode;
use crate::report::{Invocation, Status};
use crate::state::{self, Next, Response};
use crate::telemetry::event::{self, Done};

/// An invocation under way.
struct Started {
    request_id: String,
    time: SystemTime,
    instant: Instant,
    deadline: Instant,
}

impl Sandbox {
    /// Invokes the function, and waits until the environment has come to rest.
    pub async fn invoke(&mut self, payload: impl Into<Bytes>) -> Invocation {
        self.invocations += 1;
        if !self.is_initialised && !self.was_initialised {
            self.init().await;
        }
        let mut started = Started {
            request_id: uuid(),
            time: SystemTime::now(),
            instant: Instant::now(),
            deadline: Instant::now() + self.shared.options.timeout,
        };
        if !self.is_initialised {
            // Lambda repeats a failed init within the invocation, under the function's timeout.
            let init = self.init_until("invoke", started.deadline).await;
            if init.status != Status::Success {
                let done = done(&started, None, Duration::ZERO);
                let done = Done { status: init.status, error_type: init.error_type, ..done };
                let told = self.told(&done, Duration::ZERO, None);
                return Invocation { message: init.message, ..told };
            }
            (started.time, started.instant) = (SystemTime::now(), Instant::now());
        }
        self.thaw();
        self.hand_out(&started, payload.into());
        self.attend(&started).await
    }

    /// Gives the payload to the runtime, and INVOKE to the extensions that want it.
    fn hand_out(&self, started: &Started, payload: Bytes) {
        let Started { request_id, instant, deadline, .. } = started;
        self.shared.hub.publish(&event::start(&self.shared.options, request_id));
        let remaining = deadline.saturating_duration_since(Instant::now());
        let deadline_ms = epoch_ms(SystemTime::now() + remaining);
        self.shared.update(|state| {
            state.runtime.invocation = Some(state::Invocation {
                request_id: request_id.clone(),
                payload,
                deadline_ms,
                started: *instant,
                is_handed_out: false,
                response: None,
            });
            for agent in state.agents.iter_mut().filter(|agent| agent.has_event("INVOKE")) {
                agent.inbox.push_back(Next::Invoke { request_id: request_id.clone(), deadline_ms });
            }
        });
    }

    /// Waits for the function, then for the extensions; reports; and freezes the environment, or ends it.
    async fn attend(&mut self, started: &Started) -> Invocation {
        let options = self.shared.options.clone();
        let mut failure = self.function_ends(started.deadline).await.err();
        let function = started.instant.elapsed();
        let invocation = self.shared.update(|state| state.runtime.invocation.take());
        let response = invocation.and_then(|it| it.response);
        let mut done = done(started, response.as_ref(), function);
        if let Some(failure) = &failure {
            (done.status, done.error_type) = (failure.status, Some(failure.error_type.clone()));
        }
        if options.mode == Mode::OnDemand {
            self.shared.hub.publish(&event::runtime_done(&done));
        }
        if failure.is_none() {
            let is_done = |agent: &state::Agent| agent.is_idle() || !agent.has_event("INVOKE");
            failure = self.all_agents(started.deadline, is_done).await.err();
            if let Some(failure) = &failure {
                (done.status, done.error_type) = (failure.status, Some(failure.error_type.clone()));
            }
        }
        let extensions = started.instant.elapsed().saturating_sub(function);
        let init = self.unreported_init.take();
        self.shared.hub.publish(&event::report(&options, &done, extensions, init));
        let invocation = self.told(&done, extensions, response.as_ref());
        match failure {
            None => self.freeze(),
            // On managed instances only the request fails.
            Some(Failure { status: Status::Timeout, .. })
                if options.mode == Mode::ManagedInstances => {}
            Some(failure) => {
                self.echo_function(&failure);
                self.end(failure.shutdown_reason, Signal::SIGKILL).await;
            }
        }
        invocation
    }

    async fn function_ends(&self, deadline: Instant) -> Result<(), Failure> {
        let end = self.shared.until_deadline(deadline, |state| {
            if state.is_function_done() {
                return Some(Ok(()));
            }
            if state.runtime.is_over() {
                return Some(Err(Failure::error("Runtime.ExitError")));
            }
            state.failure().map(|error_type| Err(Failure::error(error_type)))
        });
        end.await.unwrap_or_else(|| Err(Failure::timeout(self.shared.options.mode)))
    }

    fn told(
        &self,
        done: &Done<'_>,
        extensions: Duration,
        response: Option<&Response>,
    ) -> Invocation {
        Invocation {
            n: self.invocations,
            request_id: done.request_id.to_owned(),
            status: done.status,
            error_type: done.error_type.clone(),
            message: None,
            start_time: timestamp(done.start),
            function_ms: ms(done.function),
            extension_ms: ms(extensions),
            response: answer(response, done, self.shared.options.timeout),
        }
    }
}

/// What the function has done by now, if nothing else went wrong.
fn done<'a>(started: &'a Started, response: Option<&Response>, function: Duration) -> Done<'a> {
    let error_type = response.and_then(|it| it.error_type.clone());
    Done {
        request_id: &started.request_id,
        status: if error_type.is_some() { Status::Error } else { Status::Success },
        error_type,
        start: started.time,
        response: response.map(|it| it.after),
        produced_bytes: response.map_or(0, |it| it.body.len()),
        function,
    }
}

/// What the caller gets.
fn answer(response: Option<&Response>, done: &Done<'_>, timeout: Duration) -> String {
    match (response, done.status) {
        (Some(response), _) => String::from_utf8_lossy(&response.body).into_owned(),
        (None, Status::Timeout) => {
            format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
        }
        (None, _) => {
            let message = "the environment was reset";
            serde_json::json!({ "errorType": done.error_type, "errorMessage": message }).to_string()
        }
    }
}
