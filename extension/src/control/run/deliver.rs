//! Runs deliveries, one at a time: flushes that the phase requires, and deliveries while the function runs.

use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use super::{AFTER_FAILURE, AFTER_FAILURES, Components, Run};
use crate::base::clock;
use crate::base::log;
use crate::buffer::queue::Destination;
use crate::delivery::dispatcher::Outcome;
use crate::pack::Scope;
use crate::pack::sink::{Sink, Trouble};
use crate::policy::flush::NextDelivery;
use crate::policy::lifecycle::{Event, Phase};

/// A delivery in progress.
pub(super) struct Delivery {
    pub(super) task: JoinHandle<Outcome>,
    /// True if the phase requires it; false if it runs while the function does.
    is_flush: bool,
    began: Instant,
    /// When its time is over.
    until: Instant,
    /// The number of records that had been acknowledged before it.
    acknowledged_before: u64,
    /// True if it was told to stop.
    is_abandoned: bool,
}

impl Delivery {
    pub(super) fn abort(&self) {
        self.task.abort();
    }
}

impl<S: Sink, D: Sink> Run<S, D> {
    /// Starts the delivery that the phase requires.
    pub(super) fn flush(&mut self) {
        if self.phase == Phase::Flushing {
            if self.delivery.as_ref().is_some_and(|delivery| self.has_progressed(delivery)) {
                // A probe has shown that Kinesis works again.
                self.close_breaker();
            }
            let longest = Instant::now()
                + self.components.breaker.hold(self.components.deadlines.flush_timeout);
            self.deliver_end = self.deliver_end.min(longest);
            if self.components.breaker.is_open() {
                // Only a probe that is already in progress is awaited.
                if self.delivery.is_none() {
                    self.step(Event::Flushed);
                }
                return;
            }
        }
        // A delivery in progress continues; when it ends, the rest follows.
        match &self.delivery {
            None => self.start(Scope::All, self.deliver_end, true),
            // At SHUTDOWN it must leave time for another delivery.
            Some(delivery)
                if self.phase == Phase::Draining && delivery.until > self.deliver_end =>
            {
                self.abandon();
            }
            Some(_) => {}
        }
    }

    /// Sends events that should not wait for the end of the running function.
    pub(super) fn deliver_while_running(&mut self) {
        let now = Instant::now();
        if self.delivery.is_some() || now < self.not_before {
            return;
        }
        let scope = if self.is_running() {
            let now = now.into_std();
            self.next_delivery(now).filter(|next| next.at <= now).map(|next| next.scope)
        } else if self.phase == Phase::Settling && self.queue().has_full_record() {
            Some(Scope::Full)
        } else {
            None
        };
        if let Some(scope) = scope {
            let mut until = now + self.components.deadlines.flush_timeout;
            if self.phase != Phase::Idle {
                until = until.min(self.deliver_end);
            }
            self.start(scope, until, false);
        }
    }

    /// Returns the next delivery while the function is running.
    pub(super) fn next_delivery(&self, now: std::time::Instant) -> Option<NextDelivery> {
        self.components.policy.next_delivery(&self.backlog(), now, self.can_freeze())
    }

    /// True if `next` has been called, so that the environment freezes when the function has finished.
    fn can_freeze(&self) -> bool {
        let Components { always_awake, is_snapshot_ahead, .. } = self.components;
        self.phase == Phase::Idle && !always_awake && !is_snapshot_ahead
    }

    /// Handles an invocation while the breaker is open. It continues at once, or is held open while its function runs,
    /// so that a freeze does not catch the probe.
    pub(super) fn invoke_unheld(&mut self) {
        let now = Instant::now();
        if !self.components.breaker.wait(clock::now()).is_zero() {
            self.step(Event::InvokePassed);
            return;
        }
        self.step(Event::InvokeHeld);
        if self.delivery.is_none() {
            let until = self.deliver_end.min(now + self.components.deadlines.flush_timeout);
            self.start(Scope::All, until, false);
        }
    }

    /// Returns when a delivery that started while the function ran is abandoned, because the invocation may be held
    /// open no longer.
    pub(super) fn overrun(&self) -> Option<Instant> {
        let may_overrun = |delivery: &&Delivery| !delivery.is_flush && !delivery.is_abandoned;
        let is_overrunning = self.delivery.as_ref().is_some_and(|it| may_overrun(&it));
        (self.phase == Phase::Flushing && is_overrunning).then_some(self.deliver_end)
    }

    /// Cancels a delivery. Its records stay in the queue.
    pub(super) fn abandon(&mut self) {
        if let Some(delivery) = &mut self.delivery {
            delivery.is_abandoned = true;
            delivery.task.abort();
            self.components.dispatcher.reset();
        }
    }

    fn has_progressed(&self, delivery: &Delivery) -> bool {
        self.queue().acknowledged() > delivery.acknowledged_before
    }

    /// True if the delivery had enough time to succeed. Near the function's timeout a flush is cut short, which does
    /// not indicate a problem with Kinesis. A probe is short on purpose.
    fn had_time(&self, delivery: &Delivery) -> bool {
        let time = delivery.until - delivery.began;
        self.components.breaker.is_open() || time >= self.components.deadlines.flush_timeout / 3
    }

    fn start(&mut self, mut scope: Scope, until: Instant, is_flush: bool) {
        if scope == Scope::All && self.phase != Phase::Draining {
            if self.components.is_snapshot_ahead && self.phase == Phase::Idle {
                self.send_ledger();
            } else {
                self.send_ledger_along();
            }
            if self.is_ahead_of_the_function() || self.can_freeze() {
                scope = Scope::Before(Instant::now().into_std());
            }
        }
        let dispatcher = self.components.dispatcher.clone();
        let dead_letters = self.components.dead_letters.clone();
        let first = if self.components.breaker.is_doubtful() { 1 } else { usize::MAX };
        let task = tokio::spawn(async move {
            let outcome = dispatcher.deliver(Destination::Stream, scope, first, until).await;
            if let Some(dead_letters) = dead_letters {
                dead_letters.send(Destination::DeadLetters, until).await;
            }
            outcome
        });
        let acknowledged_before = self.queue().acknowledged();
        self.delivery = Some(Delivery {
            task,
            is_flush,
            began: Instant::now(),
            until,
            acknowledged_before,
            is_abandoned: false,
        });
    }

    /// Reports the result of a delivery to the breaker. A freeze can make a success look like a failure, but never the
    /// reverse.
    fn judge(&mut self, outcome: &Outcome, has_progressed: bool, had_time: bool) {
        match outcome {
            Outcome::Delivered => self.close_breaker(),
            _ if has_progressed => self.close_breaker(),
            // There was too little time for a conclusion.
            Outcome::OutOfTime(None) => {}
            Outcome::OutOfTime(_) if !had_time => {}
            // No invocation is delayed on managed instances, so the breaker is not needed.
            _ if self.components.always_awake => self.failures += 1,
            Outcome::OutOfTime(_) | Outcome::Blocked(_) => {
                let now = clock::now();
                if self.components.breaker.failed(now, fastrand::f64()) {
                    log::info(
                        "invocations do not wait for telemetry until Kinesis accepts records again",
                    );
                }
            }
        }
    }

    fn close_breaker(&mut self) {
        self.failures = 0;
        if self.components.breaker.succeeded() {
            self.not_before = Instant::now();
        }
    }

    /// Pauses deliveries while functions run, after a failure.
    fn pause_deliveries(&mut self, now: Instant) {
        let pause = self.components.breaker.wait(clock::now());
        self.not_before = now + pause.clamp(AFTER_FAILURE, AFTER_FAILURES);
    }

    /// Adds a last ledger to the queue if everything else is delivered at SHUTDOWN and one is due. Returns true if it
    /// did.
    fn send_last_ledger(&mut self, outcome: &Outcome) -> bool {
        let is_owed =
            self.phase == Phase::Draining && *outcome == Outcome::Delivered && self.owes_a_ledger();
        if is_owed {
            self.send_ledger();
        }
        is_owed
    }

    /// True if the invocation is held open only for events queued before it, and its function is running.
    fn is_ahead_of_the_function(&self) -> bool {
        self.phase == Phase::Flushing
            && !self.components.policy.holds_for_the_function()
            && !self.components.is_snapshot_ahead
    }

    /// Continues with the remaining events, or with the lifecycle.
    pub(super) fn on_delivery_ended(&mut self, result: Result<Outcome, JoinError>) {
        let ended = self.delivery.take();
        if let Some(delivery) = ended.as_ref().filter(|delivery| delivery.is_flush) {
            self.queue().stats.flushing += delivery.began.elapsed();
        }
        let was_flush = ended.as_ref().is_some_and(|delivery| delivery.is_flush);
        let outcome = result.unwrap_or_else(|error| {
            // The panic itself has been logged with its location.
            let why = if error.is_cancelled() {
                "kinesis did not answer in time"
            } else {
                "a bug in this extension aborted a delivery"
            };
            Outcome::OutOfTime(Some(Trouble::new(why)))
        });
        let now = Instant::now();
        // After `next` was called a delivery may have slept through a freeze. Its duration says nothing then.
        let is_awake = self.phase != Phase::Idle || self.components.always_awake;
        if is_awake || matches!(outcome, Outcome::Blocked(_)) {
            self.components.dispatcher.report(&outcome);
        }
        let has_progressed = ended.as_ref().is_some_and(|delivery| self.has_progressed(delivery));
        let had_time = is_awake && ended.as_ref().is_some_and(|delivery| self.had_time(delivery));
        self.judge(&outcome, has_progressed, had_time);
        if self.go_on() {
            return;
        }
        if outcome != Outcome::Delivered {
            self.pause_deliveries(now);
        } else if let Some(delivery) = ended.filter(|_| has_progressed && is_awake) {
            self.components.policy.delivered(delivery.began.elapsed());
        }
        if matches!(self.phase, Phase::Flushing | Phase::Draining) {
            // Telemetry that was acknowledged to Lambda meanwhile belongs to this flush.
            self.take_in();
            // A delivery that started before the flush had its own scope and deadline.
            let is_over = match outcome {
                Outcome::Delivered => {
                    let is_enough = self.is_ahead_of_the_function() && !self.queue().is_pressing();
                    is_enough || self.queue().is_drained()
                }
                Outcome::OutOfTime(_) => was_flush,
                Outcome::Blocked(_) => true,
            };
            // The last ledger also covers events that arrived during the last delivery.
            let is_over = is_over && !self.send_last_ledger(&outcome);
            let is_in_vain = self.phase == Phase::Flushing && self.components.breaker.is_open();
            if is_over || is_in_vain || now >= self.deliver_end {
                self.step(Event::Flushed);
            } else {
                self.start(Scope::All, self.deliver_end, true);
            }
        } else {
            let is_held_for_nothing = self.components.breaker.is_open()
                || !self.components.policy.holds_for_the_function();
            if self.phase == Phase::Invoking && is_held_for_nothing {
                self.step(Event::RuntimeDone);
            }
            if self.components.is_snapshot_ahead {
                // No connection may be part of the snapshot.
                self.close_connections();
            }
            self.deliver_while_running();
        }
    }
}
