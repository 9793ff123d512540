//! Handles the bodies that Lambda posts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use extension_spec::variable;
use tokio::time::Instant;

use super::Run;
use crate::base::clock;
use crate::base::log;
use crate::buffer::memory_budget::BufferedBody;
use crate::buffer::queue::Overflow;
use crate::ingest::intake::{Accepted, Part, Signal, parts, restored};
use crate::pack::sink::Sink;

impl<S: Sink, D: Sink> Run<S, D> {
    pub(super) fn on_body(&mut self, body: BufferedBody) {
        if self.components.is_snapshot_ahead {
            if let Some((before, rest)) = restored(&body) {
                self.take(body.with_body(before));
                self.restore();
                return self.take(body.with_body(rest));
            }
            self.look_at_the_clocks();
        }
        self.take(body);
    }

    fn take(&mut self, body: BufferedBody) {
        let parts = parts(body);
        if parts.len() > 1 {
            self.components.intake.foresee(&parts, clock::now());
        }
        for part in parts {
            self.take_part(part);
        }
        self.deliver_while_running();
    }

    fn take_part(&mut self, part: Part) {
        let now = clock::now();
        let intake = &mut self.components.intake;
        let taken = catch_unwind(AssertUnwindSafe(|| intake.accept_part(&part, now)));
        let (Part::Body(body) | Part::Raw(body)) = part;
        let length = body.len();
        // From here on its events count instead of the body.
        drop(body);
        let taken = taken.unwrap_or_else(|_| {
            log::error(&format!("a telemetry batch of {length} bytes was lost to a panic"));
            intake.gap();
            Accepted { signals: vec![Signal::Gap], ..Accepted::default() }
        });
        self.absorb(taken);
    }

    /// Handles the result of reading a body.
    pub(super) fn absorb(&mut self, taken: Accepted) {
        let overflow = {
            let mut queue = self.queue();
            if let Some(selection) = self.components.intake.selection() {
                queue.note_selected(selection.counts(), selection.memory());
            }
            queue.ledger.read += taken.read;
            queue.ledger.filtered += taken.filtered;
            queue.ledger.logs_dropped.add(taken.logs_dropped);
            queue.push(taken.events)
        };
        self.report_overflow(overflow);
        for signal in taken.signals {
            match signal {
                Signal::RuntimeDone { request_id, duration } => {
                    if let Some(duration) = duration {
                        self.components.policy.ran(duration);
                    }
                    self.on_runtime_done(&request_id);
                }
                Signal::Started { request_id, time_ms } => self.on_started(request_id, time_ms),
                Signal::InitDone => self.on_init_done(),
                Signal::InitRepeated => self.on_init_repeated(),
                Signal::Tenant => self.queue().rename(self.components.intake.source()),
                Signal::OtherTenant(tenant) => self.report_other_tenant(&tenant),
                // The end of the function may be missing, and its timeout may be far away.
                Signal::Gap => {
                    self.has_gap = true;
                    self.wait_end =
                        self.wait_end.min(Instant::now() + self.components.deadlines.flush_timeout);
                }
            }
        }
    }

    /// Reports that an invocation names another tenant than the first one did.
    fn report_other_tenant(&self, other: &str) {
        let other: String = other.chars().take(256).collect();
        let tenant = self.components.intake.source().tenant().unwrap_or_default();
        log::warn(&format!(
            "an invocation names the tenant {other:?}, but this environment serves {tenant:?}: its events keep {tenant:?}. \
             If the function did not post that event itself, report this"
        ));
    }

    /// Reports once each that memory is full, and that events are discarded.
    fn report_overflow(&mut self, Overflow { spilled, shed }: Overflow) {
        let reported = self.reported_overflow;
        self.reported_overflow.spilled += spilled;
        self.reported_overflow.shed += shed;
        if spilled > 0 && reported.spilled == 0 {
            log::warn(&format!(
                "memory for telemetry is full ({}): further events wait in the spill file",
                variable::QUEUE_MAX_BYTES
            ));
        }
        if shed > 0 && reported.shed == 0 {
            log::error(&format!(
                "events are discarded, the least important first: memory ({}) and the spill file ({}) are full",
                variable::QUEUE_MAX_BYTES,
                variable::SPILL_MAX_BYTES
            ));
        }
    }

    /// Decides on every invocation with held lines, because this identity may end here.
    pub(super) fn conclude(&mut self) {
        let concluded = self.components.intake.conclude(clock::now());
        self.absorb(concluded);
    }
}
