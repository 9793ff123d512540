//! Supports `SnapStart`: what happens before the snapshot, and what a restored process renews.
//!
//! Many environments start as copies of one process. Lambda does not announce when it takes the snapshot, so as little
//! as possible should be queued or in flight then. After the restore the copies must share nothing: no identity,
//! numbers, connections, credentials or random numbers. Events that are still queued keep their identity: each copy
//! delivers them, and consumers drop the duplicates.

use std::time::Duration;

use tokio::time::Instant;

use super::{Reporter, Run};
use crate::base::clock;
use crate::base::log;
use crate::base::random;
use crate::pack::sink::Sink;
use crate::policy::lifecycle::{Event, Phase};

/// A wall clock that jumps by more than this was not just corrected.
const JUMP: Duration = Duration::from_secs(1);

impl<S: Sink, D: Sink> Run<S, D> {
    /// Takes the first step of the lifecycle.
    pub(super) fn begin(&mut self) {
        if !self.components.is_snapshot_ahead {
            return self.step(Event::Started);
        }
        // While a version is published no invocation waits. If the platform reports the end of the function's init only
        // after ours, this bounds the wait.
        self.wait_end = Instant::now() + self.components.deadlines.flush_timeout;
        self.deliver_end = self.wait_end + self.components.deadlines.flush_timeout;
        self.step(Event::SnapshotAhead);
    }

    /// Handles the end of the function's own init, after which little telemetry follows.
    pub(super) fn on_init_done(&mut self) {
        if self.phase == Phase::Capturing {
            self.step(Event::Settled);
        }
    }

    /// Handles an init that is repeated within an invocation, after a timeout or a crash. The invocation waits, and
    /// Lambda takes no snapshot.
    pub(super) fn on_init_repeated(&mut self) {
        if self.phase == Phase::Capturing {
            self.components.is_snapshot_ahead = false;
            self.components.intake.reopen();
            self.step(Event::Started);
        }
    }

    /// Detects a restore by the clocks. While a snapshot is ahead, nothing else freezes the environment. If the wall
    /// clock has advanced and the monotonic clock has not, this process may already be a copy, so it takes a new
    /// identity. If the clock was only set, the real restore takes another one.
    pub(super) fn look_at_the_clocks(&mut self) {
        if clock::now().standstill_since(self.born) > JUMP {
            self.restore();
            self.components.is_snapshot_ahead = true;
        }
    }

    /// Closes connections, because a snapshot may be taken from now on.
    pub(super) fn close_connections(&self) {
        self.components.dispatcher.reset();
        if let Some(dead_letters) = &self.components.dead_letters {
            dead_letters.restart();
        }
    }

    /// Renews everything if this process was waiting to be copied: it is one of many copies now.
    pub(super) fn restore(&mut self) {
        if !std::mem::take(&mut self.components.is_snapshot_ahead) {
            return;
        }
        if let Some(delivery) = self.delivery.take() {
            // The snapshot interrupted this delivery.
            delivery.abort();
        }
        self.conclude();
        if self.owes_of_shed() {
            // This is the last ledger of the old identity, equal in every copy.
            self.send_ledger();
        }
        self.born = clock::now();
        (self.components.on_restore)();
        let source = self.components.intake.source().of_instance(&random::new_instance());
        self.components.intake.restart(source.clone());
        self.queue().restart(source);
        if let Some(selection) = self.components.intake.selection() {
            self.queue().note_selected(selection.counts(), selection.memory());
        }
        self.components.dispatcher.restart();
        if let Some(dead_letters) = &self.components.dead_letters {
            dead_letters.restart();
        }
        self.components.policy.restart();
        self.components.breaker.succeeded();
        self.components.reporter = Reporter::new(self.components.metrics);
        self.not_before = Instant::now();
        log::debug("restored from a snapshot, under a new identity");
    }
}
