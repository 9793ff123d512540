//! `SnapStart`: what is done before the snapshot is taken, and what a restored process does anew.
//!
//! Many environments begin as copies of one process. So as little as can be may wait or be under way while the snapshot is
//! taken, of which nobody tells; and from the restore on nothing may be shared: neither identity nor numbers,
//! connections, credentials or random numbers. What still waits keeps the identity that it has: each copy delivers it, and a
//! consumer takes it once.

use std::time::Duration;

use tokio::time::Instant;

use super::{Reporter, Run};
use crate::base::clock;
use crate::base::log;
use crate::base::random;
use crate::pack::sink::Sink;
use crate::policy::lifecycle::{Event, Phase};

/// A wall clock that is set by more than this has not been trimmed.
const JUMP: Duration = Duration::from_secs(1);

impl<S: Sink, D: Sink> Run<S, D> {
    /// The first step of a life.
    pub(super) fn begin(&mut self) {
        if !self.components.is_snapshot_ahead {
            return self.step(Event::Started);
        }
        // A version is being published, and nobody waits for an answer. Should the platform tell of the end of the
        // function's init only after ours, this is how long that costs.
        self.wait_end = Instant::now() + self.components.deadlines.flush_timeout;
        self.deliver_end = self.wait_end + self.components.deadlines.flush_timeout;
        self.step(Event::SnapshotAhead);
    }

    /// The function's own init is over: what is generated from here on is little.
    pub(super) fn on_init_done(&mut self) {
        if self.phase == Phase::Capturing {
            self.step(Event::Settled);
        }
    }

    /// After a timeout or a crash, within an invocation: somebody waits, and no snapshot will be taken.
    pub(super) fn on_init_repeated(&mut self) {
        if self.phase == Phase::Capturing {
            self.components.is_snapshot_ahead = false;
            self.components.intake.reopen();
            self.step(Event::Started);
        }
    }

    /// While a snapshot is ahead nothing else freezes the environment. So if the wall clock has gone on and the monotonic
    /// one has not, this may be a copy already, though nobody has said so yet: then it takes another identity. Should the
    /// clock only have been set, the next one is another again.
    pub(super) fn look_at_the_clocks(&mut self) {
        if clock::now().standstill_since(self.born) > JUMP {
            self.restore();
            self.components.is_snapshot_ahead = true;
        }
    }

    /// A snapshot may be taken from here on.
    pub(super) fn close_connections(&self) {
        self.components.dispatcher.reset();
        if let Some(dead_letters) = &self.components.dead_letters {
            dead_letters.restart();
        }
    }

    /// This process is one of many now, if it was waiting for that.
    pub(super) fn restore(&mut self) {
        if !std::mem::take(&mut self.components.is_snapshot_ahead) {
            return;
        }
        if let Some(delivery) = self.delivery.take() {
            // The snapshot has caught it.
            delivery.abort();
        }
        self.conclude();
        if self.owes_of_shed() {
            // All that can be said of the old identity, in every copy alike.
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
