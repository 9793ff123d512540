//! Reports ledgers in the stream, and metrics.
//!
//! Neither causes a request of its own before SHUTDOWN: a ledger is sent with other events.

use std::io::Write as _;
use std::time::Duration;

use extension_spec::{Metrics, event_type};
use tokio::time::Instant;

use super::Run;
use crate::base::clock::{self, now_ms};
use crate::base::sync::lock;
use crate::pack::sink::Sink;
use crate::report::metrics::Meter;

/// The interval between ledgers. A ledger takes some 600 bytes, and more of them would tell consumers little more.
const LEDGER_INTERVAL: Duration = Duration::from_mins(1);
/// The interval between metrics, because CloudWatch aggregates them by the minute.
const METRICS_INTERVAL: Duration = Duration::from_mins(1);

/// The state of ledgers and metrics.
#[derive(Debug)]
pub(crate) struct Reporter {
    meter: Meter,
    last_ledger: Instant,
    last_line: Instant,
    /// The number of events that had been discarded when the last ledger was written.
    shed: u64,
    /// The number of the last ledger.
    ledger_seq: u64,
}

impl Reporter {
    /// Creates the state at the start of the process.
    pub(crate) fn new(metrics: Metrics) -> Self {
        let now = Instant::now();
        Self {
            meter: Meter::new(metrics),
            last_ledger: now,
            last_line: now,
            shed: 0,
            ledger_seq: 0,
        }
    }
}

impl<S: Sink, D: Sink> Run<S, D> {
    /// Adds a ledger to the events that are sent now if one is due: a minute has passed, or events were discarded since
    /// the last one.
    pub(super) fn send_ledger_along(&mut self) {
        let is_due = self.components.reporter.last_ledger.elapsed() >= LEDGER_INTERVAL
            || self.owes_of_shed();
        if is_due && !self.queue().is_drained() {
            self.send_ledger();
        }
    }

    /// Adds a ledger after everything that is queued.
    pub(super) fn send_ledger(&mut self) {
        let now = clock::now();
        let seq = self.components.intake.last_seq();
        let mut queue = lock(&self.components.queue);
        let record = queue.ledger_up_to(seq);
        self.components.reporter.shed = queue.ledger.shed.total();
        self.components.reporter.last_ledger = Instant::now();
        queue.push_own(self.components.intake.own(event_type::LEDGER, &record, now));
        self.components.reporter.ledger_seq = self.components.intake.last_seq();
    }

    /// True if events were discarded that no ledger reports.
    pub(super) fn owes_of_shed(&self) -> bool {
        self.queue().ledger.shed.total() > self.components.reporter.shed
    }

    /// True if events were received that no ledger reports.
    pub(super) fn owes_a_ledger(&self) -> bool {
        self.components.intake.last_seq() > self.components.reporter.ledger_seq
    }

    /// Prints metrics if they are due.
    pub(super) fn print_metrics(&mut self, is_end: bool) {
        if !is_end && self.components.reporter.last_line.elapsed() < METRICS_INTERVAL {
            return;
        }
        self.components.reporter.last_line = Instant::now();
        let mut queue = lock(&self.components.queue);
        let lags = queue.stats.take_lags();
        let held = queue.held();
        let line =
            self.components.reporter.meter.line(&queue.ledger, &queue.stats, &lags, held, now_ms());
        drop(queue);
        if let Some(line) = line {
            // A closed stdout is no reason to stop.
            let _ = std::io::stdout().write_all((line + "\n").as_bytes());
        }
    }
}
