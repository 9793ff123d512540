//! `SnapStart`: what is done before the snapshot is taken, and what a restored process does anew.
//!
//! Many environments begin as copies of one process. So as little as can be may wait or be under way while the snapshot is
//! taken, of which nobody tells; and from the restore on nothing may be shared: neither identity nor numbers,
//! connections, credentials or dice. What still waits keeps the identity that it has: each copy delivers it, and a
//! consumer takes it once.

use std::time::Duration;

use tokio::time::Instant;

use super::{Run, Teller};
use crate::chance;
use crate::clock;
use crate::lifecycle::{Event, Phase};
use crate::log;
use crate::sink::Sink;

/// A wall clock that is set by more than this has not been trimmed.
const JUMP: Duration = Duration::from_secs(1);

impl<S: Sink, D: Sink> Run<S, D> {
    /// The first step of a life.
    pub(super) fn begin(&mut self) {
        if !self.parts.is_snapshot_ahead {
            return self.step(Event::Started);
        }
        // A version is being published, and nobody waits for an answer. Should the platform tell of the end of the
        // function's init only after ours, this is how long that costs.
        self.wait_end = Instant::now() + self.parts.deadlines.flush_timeout;
        self.deliver_end = self.wait_end + self.parts.deadlines.flush_timeout;
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
            self.parts.is_snapshot_ahead = false;
            self.step(Event::Started);
        }
    }

    /// While a snapshot is ahead nothing else freezes the environment. So if the wall clock has gone on and the monotonic
    /// one has not, this may be a copy already, though nobody has said so yet: then it takes another identity. Should the
    /// clock only have been set, the next one is another again.
    pub(super) fn look_at_the_clocks(&mut self) {
        let (monotonic, wall) = clock::now();
        let (since, then) = self.born;
        let by_wall = wall.duration_since(then).unwrap_or_default();
        if by_wall.saturating_sub(monotonic - since) > JUMP {
            self.restore();
            self.parts.is_snapshot_ahead = true;
        }
    }

    /// A snapshot may be taken from here on.
    pub(super) fn close_connections(&self) {
        self.parts.dispatcher.reset();
        if let Some(dead_letters) = &self.parts.dead_letters {
            dead_letters.restart();
        }
    }

    /// This process is one of many now, if it was waiting for that.
    pub(super) fn restore(&mut self) {
        if !std::mem::take(&mut self.parts.is_snapshot_ahead) {
            return;
        }
        if let Some(delivery) = self.delivery.take() {
            // The snapshot has caught it.
            delivery.abort();
        }
        if self.owes_of_shed() {
            // All that can be said of the old identity, in every copy alike.
            self.send_ledger();
        }
        self.born = clock::now();
        (self.parts.on_restore)();
        let source = self.parts.intake.source().of_instance(&chance::new_instance());
        self.parts.intake.restart(source.clone());
        self.queue().restart(source);
        self.parts.dispatcher.restart();
        if let Some(dead_letters) = &self.parts.dead_letters {
            dead_letters.restart();
        }
        self.parts.policy.restart();
        self.parts.breaker.succeeded();
        self.parts.teller = Teller::new(self.parts.metrics);
        self.not_before = Instant::now();
        log::debug("restored from a snapshot, under a new identity");
    }
}
