//! The state of one extension process.

use std::time::Duration;

use kinesis_telemetry_consumer::Event;

use super::forgotten::Totals;
use crate::top::facts::{Facts, Memory};
use crate::top::lag::Lag;
use crate::top::numbers::Numbers;
use crate::top::once::Once;
use crate::top::rates::Rate;
use crate::top::row::{Counts, higher};

/// One extension process.
#[derive(Debug)]
pub(super) struct Instance {
    numbers: Numbers,
    pub(super) rate: Rate,
    pub(super) lag: Lag,
    pub(super) latest_ms: i64,
    /// Counts of events, without those of `numbers` and `totals`, which are added on request.
    counts: Counts,
    pub(super) memory: Option<Memory>,
    /// The totals. Their ledger is the one with the largest `upTo`.
    totals: Totals,
}

/// A fact that is counted only once.
#[derive(Hash)]
enum Counted {
    Invocation,
    Failure,
    ColdStart,
    Dropped(u64),
}

impl Instance {
    pub(super) fn new(period: Duration, at_ms: i64) -> Self {
        Self {
            numbers: Numbers::default(),
            rate: Rate::over(period),
            lag: Lag::new(),
            latest_ms: at_ms,
            counts: Counts::default(),
            memory: None,
            totals: Totals::default(),
        }
    }

    /// Adds the number and the arrival of an event.
    pub(super) fn add(&mut self, event: &Event, at_ms: i64, is_of_period: bool) {
        self.latest_ms = self.latest_ms.max(at_ms);
        self.counts.events = self.counts.events.saturating_add(1);
        // Without an identity (`ENVELOPE=none`) there is no number.
        if event.source.seq > 0 {
            self.numbers.add(event.source.seq, at_ms, is_of_period);
        }
    }

    /// Counts the facts of an event, unless another event or a duplicate already stated them.
    ///
    /// Events without an identity (`ENVELOPE=none`) may come from several functions and instances. Their cold starts are counted
    /// by request.
    pub(super) fn learn(&mut self, event: &Event, facts: Facts, once: &mut Once) {
        let source = &event.source;
        let process = (source.function.as_deref(), source.instance.as_str());
        let has_identity = !source.instance.is_empty();
        let request = event.request_id.as_deref().unwrap_or_default();
        // `platform.initReport` has no request ID, so it would count the cold start of the instance's first report again.
        let is_cold_start = facts.is_cold_start && (has_identity || !request.is_empty());
        let cold_start = if has_identity { "" } else { request };
        let mut is_first = |counted: Counted, name: &str| once.is_first((counted, process, name));
        let counts = &mut self.counts;
        for (count, is_said, counted, name) in [
            (&mut counts.invocations, facts.is_invocation, Counted::Invocation, request),
            (&mut counts.failures, facts.is_failure, Counted::Failure, request),
            (&mut counts.cold_starts, is_cold_start, Counted::ColdStart, cold_start),
        ] {
            if is_said && is_first(counted, name) {
                *count = count.saturating_add(1);
            }
        }
        if facts.dropped > 0 && (!has_identity || is_first(Counted::Dropped(source.seq), "")) {
            self.totals.dropped = self.totals.dropped.saturating_add(facts.dropped);
        }
        self.memory = higher(self.memory, facts.memory);
        let known = self.totals.ledger.as_ref().map(|it| it.up_to);
        if let Some(ledger) = facts.ledger.filter(|it| known.is_none_or(|known| it.up_to > known)) {
            self.totals.ledger = Some(ledger);
        }
    }

    /// Returns the counts. Gaps that opened after `settled_ms` may still be filled, and do not count.
    pub(super) fn counts(&self, settled_ms: i64) -> Counts {
        let shed = self.totals.ledger.as_ref().map_or(&[][..], |it| &it.ranges);
        let missing = self.numbers.missing(settled_ms, shed);
        let mut counts = Counts { missing, ..self.counts };
        self.totals.add_to(&mut counts);
        counts
    }

    /// Continues the totals that the instance had before it was forgotten.
    pub(super) fn resume(&mut self, totals: Totals) {
        self.totals = totals;
    }

    /// Returns the totals without the ranges of the ledger, whose numbers were already counted.
    pub(super) fn into_totals(self) -> Totals {
        let mut totals = self.totals;
        if let Some(ledger) = &mut totals.ledger {
            ledger.ranges = Vec::new();
        }
        totals
    }
}
