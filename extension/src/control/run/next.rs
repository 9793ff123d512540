//! Handles the answers of `next`.

use tokio::time::Instant;

use super::Run;
use super::shutdown::Ending;
use crate::base::clock::{self, now_ms};
use crate::base::log;
use crate::lambda;
use crate::lambda::extensions::Next;
use crate::pack::sink::Sink;
use crate::policy::deadline::{self, Call};
use crate::policy::lifecycle::Event;

/// The times that an answer of `next` implies.
struct Limits {
    now: Instant,
    /// When everything must be done.
    end: Instant,
}

/// An answer of `next` that waits for a delivery which a freeze may have caught.
pub(super) struct Thawed {
    answer: Result<Next, lambda::Error>,
    /// When it stops waiting.
    pub(super) until: Instant,
}

impl<S: Sink, D: Sink> Run<S, D> {
    /// Handles an answer of `next`. A freeze catches a delivery that started after the call: either its response
    /// arrives in a moment, or its connection has died without a sign.
    pub(super) fn on_answer(&mut self, answer: Result<Next, lambda::Error>) {
        self.next = None;
        // Whatever the answer is, a process that was waiting to be copied is one of the copies now.
        self.restore();
        if self.delivery.is_none() || self.components.always_awake {
            return self.on_next(answer);
        }
        let until = Instant::now() + self.components.policy.patience();
        self.thawed = Some(Thawed { answer, until });
    }

    /// Abandons a delivery that a freeze has caught. Nothing is lost, because its records are still in the queue.
    pub(super) fn drop_interrupted(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            delivery.abort();
            self.components.dispatcher.reset();
            self.components.policy.lost();
            log::debug("a freeze interrupted a delivery; it starts again");
        }
        self.go_on();
    }

    /// Continues with an answer of `next` that has waited. Returns true if there was one.
    pub(super) fn go_on(&mut self) -> bool {
        let thawed = self.thawed.take();
        let has_waited = thawed.is_some();
        if let Some(Thawed { answer, .. }) = thawed {
            self.on_next(answer);
        }
        has_waited
    }

    fn on_next(&mut self, answer: Result<Next, lambda::Error>) {
        match answer {
            Ok(Next::Invoke { request_id, deadline_ms }) => self.on_invoke(request_id, deadline_ms),
            Ok(Next::Shutdown { reason, deadline_ms }) => self.on_shutdown(&reason, deadline_ms),
            Ok(Next::Unknown(event_type)) => {
                log::warn(&format!("Lambda sent an event of unknown type {event_type:?}"));
                self.step(Event::InvokePassed);
            }
            Err(error) => {
                log::error(&format!("Lambda rejected this extension: {error}"));
                let now = Instant::now();
                self.deliver_end = now + self.components.deadlines.flush_timeout / 2;
                self.ending = Ending::refused(now + self.components.deadlines.flush_timeout);
                self.step(Event::Refused);
            }
        }
    }

    fn on_invoke(&mut self, request_id: String, deadline_ms: u64) {
        self.last_invoke = Some((request_id.clone(), deadline_ms));
        self.learn_timeout();
        self.has_gap = false;
        let now = self.limit_invocation();
        let has_ended = self.requests.begin(&request_id);
        self.open = (!has_ended).then_some(request_id);
        self.components.policy.record(clock::now());
        if self.components.breaker.is_open() {
            self.invoke_unheld();
        } else {
            let event = self.components.policy.on_invoke(&self.backlog(), now.into_std());
            // Without `platform.runtimeDone` each invocation would wait until the timeout.
            let in_vain = event == Event::InvokeHeld && self.runtime_done_unreliable && !has_ended;
            self.step(if in_vain { Event::InvokeSent } else { event });
        }
        if has_ended {
            self.step(Event::RuntimeDone);
        }
        self.deliver_while_running();
    }

    /// Sets the time limits of the last invocation, counted from now. Returns now.
    pub(super) fn limit_invocation(&mut self) -> Instant {
        let deadline_ms = self.last_invoke.as_ref().map_or(0, |(_, deadline_ms)| *deadline_ms);
        let timeout = self.timeout.known();
        self.limit(Call::Invoke { timeout }, deadline_ms).now
    }

    fn on_shutdown(&mut self, reason: &str, deadline_ms: u64) {
        let has_dead_letters = self.components.dead_letters.is_some();
        let Limits { now, end } = self.limit(Call::Shutdown { has_dead_letters }, deadline_ms);
        let left = end.saturating_duration_since(now).as_millis();
        log::info(&format!("shutdown ({reason}), {left} ms left"));
        let open = self.open.take();
        self.ending = Ending::shutdown(reason, end);
        if let Some(open) = open.filter(|_| matches!(reason, "timeout" | "failure")) {
            let failed = self.components.intake.fail(&open, clock::now());
            self.absorb(failed);
        }
        self.step(Event::Shutdown);
    }

    /// Sets the time limits of this phase.
    fn limit(&mut self, call: Call, deadline_ms: u64) -> Limits {
        let now = Instant::now();
        let budget = deadline::budget(call, deadline_ms, now_ms(), &self.components.deadlines);
        self.wait_end = now + budget.wait;
        self.deliver_end = now + budget.deliver;
        Limits { now, end: now + budget.end }
    }
}
