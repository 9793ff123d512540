//! Deliveries: begun because the phase asks for it, or beside the running function; one at a time.

use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use super::{AFTER_FAILURE, Run};
use crate::dispatcher::{Outcome, Sink};
use crate::lifecycle::{Event, Phase};
use crate::log;
use crate::pack::Scope;

/// A delivery under way.
pub(super) struct Delivery {
    pub(super) task: JoinHandle<Outcome>,
    /// Begun because of the phase, not beside a running function.
    is_flush: bool,
}

impl<S: Sink> Run<S> {
    /// Delivers because the phase asks for it.
    pub(super) fn flush(&mut self) {
        if self.phase == Phase::Flushing {
            let longest = Instant::now() + self.parts.flush_timeout;
            self.deliver_end = self.deliver_end.min(longest);
        }
        // A delivery that is under way continues; when it has ended, the rest follows.
        if self.delivery.is_none() {
            self.start(Scope::All, self.deliver_end, true);
        }
    }

    /// Sends beside the running function what should not wait for its end.
    pub(super) fn deliver_beside(&mut self) {
        let now = Instant::now();
        if self.delivery.is_some() || now < self.not_before {
            return;
        }
        let backlog = self.backlog();
        let scope = if self.is_running() {
            self.parts.policy.while_running(&backlog, now.into_std())
        } else if self.phase == Phase::Settling && backlog.has_full_record {
            Some(Scope::Full)
        } else {
            None
        };
        if let Some(scope) = scope {
            let mut until = now + self.parts.flush_timeout;
            if self.phase != Phase::Idle {
                until = until.min(self.deliver_end);
            }
            self.start(scope, until, false);
        }
    }

    fn start(&mut self, scope: Scope, until: Instant, is_flush: bool) {
        let dispatcher = self.parts.dispatcher.clone();
        let task = tokio::spawn(async move { dispatcher.deliver(scope, until).await });
        self.delivery = Some(Delivery { task, is_flush });
    }

    /// Goes on with what is left, or with the lifecycle.
    pub(super) fn on_delivery_ended(&mut self, result: Result<Outcome, JoinError>) {
        let was_flush = self.delivery.take().is_some_and(|delivery| delivery.is_flush);
        let outcome = result.unwrap_or_else(|error| {
            log::error(&format!("a delivery broke off, its events are kept: {error}"));
            Outcome::OutOfTime(None)
        });
        // After `next` was called a delivery may have slept through a freeze: its time tells nothing then.
        if self.phase != Phase::Idle || matches!(outcome, Outcome::Blocked(_)) {
            self.parts.dispatcher.say(&outcome);
        }
        let now = Instant::now();
        if matches!(self.phase, Phase::Flushing | Phase::Draining) {
            // What was acknowledged to Lambda meanwhile belongs to this flush.
            while let Ok(body) = self.parts.bodies.try_recv() {
                self.on_body(body);
            }
            // A delivery that was under way when the flush began had a scope and a deadline of its own.
            let is_over = match outcome {
                Outcome::Delivered => self.queue().is_empty(),
                Outcome::OutOfTime(_) => was_flush,
                Outcome::Blocked(_) => true,
            };
            if is_over || now >= self.deliver_end {
                self.step(Event::Flushed);
            } else {
                self.start(Scope::All, self.deliver_end, true);
            }
        } else {
            if outcome != Outcome::Delivered {
                self.not_before = now + AFTER_FAILURE;
            }
            self.deliver_beside();
        }
    }
}
