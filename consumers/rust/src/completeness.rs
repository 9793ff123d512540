//! Judges whether any event of a period is missing, in memory that does not grow with the number of events. Pure.
//!
//! A number of an instance is *due* if its event must have arrived within the period:
//!
//! - From the lowest number whose event was generated within the period. The events before it may have arrived before the
//!   period began, also if one of them came late. So an instance that began within the period is judged from number 1, if
//!   that arrived: nothing shows that the first events of an instance are lost.
//! - Up to the highest number that arrived at least [`Period::settle_ms`] before the end of the period. The events after it
//!   may still be late.
//!
//! A due number that did not arrive is missing, unless the newest ledger of the instance reports it as shed. Numbers that the
//! extension holds, hands over to the next process or puts into the dead-letter queue are missing until they arrive.

mod fingerprints;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ledger::{self, Explanation, Ledger};
use crate::parts::{Outcome, Parts};
use crate::ranges::Ranges;
use crate::unpack::{self, Event};
use fingerprints::{Fingerprints, Seen};
pub use verdict::{Incomplete, Verdict};

/// Events count as generated within the period from so many milliseconds after its beginning on: the clocks of Lambda, which
/// states when an event was generated, and of Kinesis, which states when a record arrived, may differ.
const CLOCKS_DIFFER_MS: i64 = 10_000;

/// The period of a stream that is judged. Times are in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The beginning. Every record that arrived since then has to be read.
    pub since_ms: i64,
    /// The end. Records that arrived later may be added, and fill gaps.
    pub until_ms: i64,
    /// The longest time by which an event may arrive after one with a higher number of the same instance.
    pub settle_ms: i64,
}

impl Period {
    /// Returns the length that a period must exceed, because no event of a shorter one can be judged: `settle` and ten seconds,
    /// by which the clocks of Lambda and Kinesis may differ.
    pub const fn too_short(settle: Duration) -> Duration {
        settle.saturating_add(Duration::from_millis(CLOCKS_DIFFER_MS.unsigned_abs()))
    }
}

/// Collects the numbers of the events of a stream, and judges whether any is missing.
///
/// It keeps ranges of numbers and no events, so its memory grows with the number of instances and of gaps.
#[derive(Debug, Default)]
pub struct Completeness {
    period: Period,
    names: BTreeMap<String, usize>,
    instances: Vec<Numbers>,
    parts: Parts,
    fingerprints: Fingerprints,
    events: u64,
    duplicates: u64,
    conflicting: u64,
    unreadable: u64,
    anonymous: u64,
}

/// The verdict on the due numbers of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The numbers that did not arrive.
    pub explanation: Explanation,
    /// The count of events that arrived with the number of a different event.
    pub conflicting: u64,
}

/// The numbers of one instance.
#[derive(Debug, Default)]
struct Numbers {
    function: Option<String>,
    arrived: Ranges,
    /// The lowest number whose event was generated within the period.
    first_due: Option<u64>,
    /// Events that arrived under the number of a different one.
    conflicting: u64,
    /// The highest number that had arrived when the last events began that may still be late.
    last_due: u64,
    /// The newest ledger, with its own number.
    ledger: Option<(u64, Ledger)>,
}

impl Completeness {
    /// Begins with no event.
    pub fn new(period: Period) -> Self {
        Self {
            period,
            names: BTreeMap::new(),
            instances: Vec::new(),
            parts: Parts::default(),
            fingerprints: Fingerprints::default(),
            events: 0,
            duplicates: 0,
            conflicting: 0,
            unreadable: 0,
            anonymous: 0,
        }
    }

    /// Adds the events of a record.
    ///
    /// `at_ms` is the time at which it reached the stream (`ApproximateArrivalTimestamp`), in milliseconds since
    /// 1970-01-01T00:00:00Z. Records may come in any order and more than once.
    pub fn record(&mut self, data: &[u8], at_ms: i64) {
        for line in unpack::record(data) {
            match line {
                Ok(event) => self.add(&event, at_ms),
                // With `ENVELOPE=none` an event has no number, so nothing can be said about it.
                Err(broken) if Event::without_identity(&broken.line).is_some() => {
                    self.anonymous += 1;
                }
                Err(_) => self.unreadable += 1,
            }
        }
    }

    /// Adds an event or a part of one. Times are as in [`record`](Self::record).
    pub fn add(&mut self, event: &Event, at_ms: i64) {
        let index = self.index(&event.source.instance);
        let (seq, is_part) = (event.source.seq, event.source.part.is_some());
        let seen = self.fingerprints.add(index, event);
        let Self { period, instances, parts, .. } = self;
        let numbers = &mut instances[index];
        if event.source.function.is_some() {
            numbers.function.clone_from(&event.source.function);
        }
        if at_ms <= period.until_ms.saturating_sub(period.settle_ms) {
            numbers.last_due = numbers.last_due.max(seq);
        }
        // The extension numbers an event after it was generated. So this number and all after it were given within the period.
        let due_from = period.since_ms.saturating_add(CLOCKS_DIFFER_MS);
        if event.time_ms.is_some_and(|time| time >= due_from) {
            numbers.first_due = Some(numbers.first_due.map_or(seq, |it| it.min(seq)));
        }
        if seen == Seen::Other {
            self.conflicting += 1;
            numbers.conflicting += 1;
            // Which of the two events is genuine cannot be known, so neither explains anything.
            numbers.ledger.take_if(|(number, _)| *number == seq);
            return;
        }
        if seen == Seen::Same || numbers.arrived.contains(seq) {
            self.duplicates += 1;
            return;
        }
        let joined;
        let whole = if is_part {
            match parts.add(index, event.clone()) {
                Outcome::Waiting | Outcome::Unjoinable => return,
                Outcome::Duplicate => {
                    self.duplicates += 1;
                    return;
                }
                Outcome::Whole(event) => {
                    joined = event;
                    joined.as_deref()
                }
            }
        } else {
            let conflicting = u64::from(parts.forget(index, seq));
            self.conflicting += conflicting;
            numbers.conflicting += conflicting;
            Some(event)
        };
        numbers.arrived.insert(seq);
        self.events += 1;
        if let Some(ledger) = whole.and_then(Ledger::of)
            && numbers.ledger.as_ref().is_none_or(|(_, newest)| ledger.is_newer(newest))
        {
            numbers.ledger = Some((seq, ledger));
        }
    }

    /// Returns the verdict on the numbers of an instance; none if no event of it was added.
    pub fn instance(&self, name: &str) -> Option<Due> {
        let numbers = &self.instances[*self.names.get(name)?];
        Some(Due { explanation: numbers.judge(), conflicting: numbers.conflicting })
    }

    fn index(&mut self, instance: &str) -> usize {
        if let Some(&index) = self.names.get(instance) {
            return index;
        }
        let index = self.instances.len();
        self.names.insert(instance.to_owned(), index);
        self.instances.push(Numbers::default());
        index
    }
}

impl Numbers {
    /// Returns which of the due numbers did not arrive.
    fn judge(&self) -> Explanation {
        let Some(first) = self.first_due else { return Explanation::default() };
        let absent = self.arrived.gaps(first, self.last_due);
        ledger::explain(self.ledger.as_ref().map(|(_, ledger)| ledger), absent)
    }
}

#[cfg(test)]
mod tests;
