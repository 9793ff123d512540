//! An invocation: runs the function and the extensions, and publishes the platform's events about them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Failure, Sandbox};
use crate::clock::{epoch_ms, ms, timestamp};
use crate::http::uuid;
use crate::options::{Mode, Options};
use crate::report::{Invocation, Status};
use crate::state::{self, Next, Response, Shared};
use crate::telemetry::event::{self, Before, Done};

/// An invocation that has started.
struct Started {
    n: u64,
    request_id: String,
    time: SystemTime,
    instant: Instant,
    deadline: Instant,
}

impl Sandbox {
    /// Invokes the function, and waits until the function and the extensions are idle.
    pub async fn invoke(&mut self, payload: impl Into<Bytes>) -> Invocation {
        self.invocations += 1;
        if !self.is_initialised && !self.was_initialised {
            self.init().await;
        }
        let mut started = Started::now(self.invocations, &self.shared.options);
        if !self.is_initialised {
            // Lambda repeats a failed init within the invocation, under the function's timeout.
            let init = self.init_until("invoke", started.deadline).await;
            if init.status != Status::Success {
                let done = done(&started, None, Duration::ZERO);
                let done = Done { status: init.status, error_type: init.error_type, ..done };
                let told = told(&self.shared, started.n, &done, Duration::ZERO, None);
                return Invocation { message: init.message, ..told };
            }
        }
        self.thaw();
        if self.is_snapshot
            && let Err(failure) = self.restore().await
        {
            return self.fail(&started, failure).await;
        }
        (started.time, started.instant) = (SystemTime::now(), Instant::now());
        hand_out(&self.shared, &started, payload.into());
        self.attend(&started).await
    }

    /// Invokes the function of a managed instance with each of these payloads, as many at a time as it has workers.
    /// Returns the reports in the same order.
    ///
    /// # Panics
    ///
    /// Panics if the environment is not a managed instance, or was not initialised.
    pub async fn invoke_together<P: Into<Bytes>>(
        &mut self,
        payloads: impl IntoIterator<Item = P>,
    ) -> Vec<Invocation> {
        assert_eq!(self.shared.options.mode, Mode::ManagedInstances, "one at a time elsewhere");
        assert!(self.is_initialised, "a managed instance is initialised ahead of traffic");
        let mut running = JoinSet::new();
        for payload in payloads {
            self.invocations += 1;
            let started = Started::now(self.invocations, &self.shared.options);
            hand_out(&self.shared, &started, payload.into());
            let shared = self.shared.clone();
            running.spawn(async move { attend_alone(&shared, &started).await });
        }
        let mut all = running.join_all().await;
        all.sort_by_key(|(invocation, _)| invocation.n);
        let failure = all.iter_mut().find_map(|(_, failure)| failure.take());
        self.settle(failure).await;
        all.into_iter().map(|(invocation, _)| invocation).collect()
    }

    /// Waits for the function and then for the extensions, publishes the report, and freezes or ends the environment.
    async fn attend(&mut self, started: &Started) -> Invocation {
        let options = self.shared.options.clone();
        if options.mode == Mode::ManagedInstances {
            let (invocation, failure) = attend_alone(&self.shared, started).await;
            self.settle(failure).await;
            return invocation;
        }
        let mut failure = function_ends(&self.shared, started).await.err();
        let function = started.instant.elapsed();
        let response = close(&self.shared, started);
        let mut done = done(started, response.as_ref(), function);
        if let Some(failure) = &failure {
            (done.status, done.error_type) = (failure.status, Some(failure.error_type.clone()));
        }
        self.shared.hub.publish(&event::runtime_done(&options, &done));
        if failure.is_none() {
            let is_done = |agent: &state::Agent| agent.is_idle() || !agent.has_event("INVOKE");
            failure = self.all_agents(started.deadline, is_done).await.err();
            if let Some(failure) = &failure {
                (done.status, done.error_type) = (failure.status, Some(failure.error_type.clone()));
            }
        }
        let extensions = started.instant.elapsed().saturating_sub(function);
        let before = self.unreported.take();
        self.shared.hub.publish(&event::report(&options, &done, extensions, before));
        let told = told(&self.shared, started.n, &done, extensions, response.as_ref());
        self.settle(failure).await;
        let restore_ms = match before {
            Some(Before::Restore(duration)) => Some(ms(duration)),
            _ => None,
        };
        Invocation { restore_ms, ..told }
    }

    /// Ends an invocation that could not begin, and returns its report.
    async fn fail(&mut self, started: &Started, failure: Failure) -> Invocation {
        let done = done(started, None, Duration::ZERO);
        let (status, error_type) = (failure.status, Some(failure.error_type.clone()));
        let done = Done { status, error_type, ..done };
        let told = told(&self.shared, started.n, &done, Duration::ZERO, None);
        self.settle(Some(failure)).await;
        told
    }

    /// Freezes the environment after an invocation, or ends it after a failure.
    async fn settle(&mut self, failure: Option<Failure>) {
        match failure {
            None => self.freeze(),
            Some(failure) => {
                self.echo_function(&failure);
                self.end(failure.shutdown_reason, Signal::SIGKILL).await;
            }
        }
    }
}

impl Started {
    fn now(n: u64, options: &Options) -> Self {
        let instant = Instant::now();
        let deadline = instant + options.timeout;
        Self { n, request_id: uuid(), time: SystemTime::now(), instant, deadline }
    }
}

/// Gives the payload to the runtime, and INVOKE to the extensions that have registered for it.
fn hand_out(shared: &Shared, started: &Started, payload: Bytes) {
    let Started { request_id, instant, deadline, .. } = started;
    shared.hub.publish(&event::start(&shared.options, request_id));
    let remaining = deadline.saturating_duration_since(Instant::now());
    let deadline_ms = epoch_ms(shared.clocks.wall() + remaining);
    shared.update(|state| {
        state.runtime.invocations.push(state::Invocation {
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

/// Waits for the end of a concurrent invocation, without waiting for extensions. A timeout fails only the request. Also
/// returns the failure that ends the environment, if there is one.
async fn attend_alone(shared: &Shared, started: &Started) -> (Invocation, Option<Failure>) {
    let failure = function_ends(shared, started).await.err();
    let function = started.instant.elapsed();
    let response = close(shared, started);
    let mut done = done(started, response.as_ref(), function);
    if let Some(failure) = &failure {
        (done.status, done.error_type) = (failure.status, Some(failure.error_type.clone()));
    }
    shared.hub.publish(&event::report(&shared.options, &done, Duration::ZERO, None));
    let invocation = told(shared, started.n, &done, Duration::ZERO, response.as_ref());
    (invocation, failure.filter(|failure| failure.status != Status::Timeout))
}

/// Removes the invocation from the runtime, and returns its response if there is one.
fn close(shared: &Shared, started: &Started) -> Option<Response> {
    shared.update(|state| state.runtime.close(&started.request_id)).and_then(|it| it.response)
}

/// Waits until the function has responded and, unless it runs concurrent invocations, has called `next`.
async fn function_ends(shared: &Shared, started: &Started) -> Result<(), Failure> {
    let is_alone = shared.options.mode == Mode::ManagedInstances;
    let end = shared.until_deadline(started.deadline, |state| {
        if state.is_answered(&started.request_id) && (is_alone || state.runtime.waiting > 0) {
            return Some(Ok(()));
        }
        if state.runtime.is_over() {
            return Some(Err(Failure::error("Runtime.ExitError")));
        }
        state.failure().map(|error_type| Err(Failure::error(error_type)))
    });
    end.await.unwrap_or_else(|| Err(Failure::timeout(shared.options.mode)))
}

fn told(
    shared: &Shared,
    n: u64,
    done: &Done<'_>,
    extensions: Duration,
    response: Option<&Response>,
) -> Invocation {
    Invocation {
        n,
        request_id: done.request_id.to_owned(),
        status: done.status,
        error_type: done.error_type.clone(),
        message: None,
        start_time: timestamp(done.start),
        restore_ms: None,
        function_ms: ms(done.function),
        extension_ms: ms(extensions),
        response: answer(response, done, shared.options.timeout),
    }
}

/// Returns the function's status so far, if nothing else has failed.
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

/// Returns the response that the caller gets.
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
