//! `SnapStart`: what is done before the snapshot is taken, and what a restored process does anew.
//!
//! Many environments begin as copies of one process. So nothing may be under way while the snapshot is taken; and from
//! the restore on nothing may be shared: neither identity nor numbers, connections, credentials or dice. What still
//! waits keeps the identity that it has: each copy delivers it, and a consumer takes it once.

use tokio::time::Instant;

use super::{Run, Teller};
use crate::chance;
use crate::lifecycle::{Event, Phase};
use crate::log;
use crate::sink::Sink;

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
        (self.parts.seed)();
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
