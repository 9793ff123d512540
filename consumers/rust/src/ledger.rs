//! Explains missing numbers by the ledgers of an instance. Pure.
//!
//! Every principal that may write to the stream can write a ledger. So a ledger counts only if the extension can have written it,
//! and never for more events than it states.

use serde::Deserialize;

use crate::ranges::{self, Range};
use crate::unpack::Event;
use crate::wire;

/// Longest text of a ledger. The extension lists at most 100 ranges, which is below 16 KiB.
pub(crate) const MOST_BYTES: usize = 262_144;

/// A ledger, as far as it explains missing numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// It describes the numbers up to this one.
    up_to: u64,
    instance: Option<String>,
    #[serde(default)]
    shed_ranges: Vec<Shed>,
}

/// Numbers of which so many events were shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Shed {
    first: u64,
    last: u64,
    events: u64,
}

/// Which of the numbers that are missing a ledger explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Numbers that the ledger does not name.
    pub missing: Vec<Range>,
    /// Numbers that the ledger reports as shed.
    pub shed: Vec<Range>,
    /// The count of `shed` numbers that exceed the ledger's counts: its ranges may contain more numbers than were
    /// discarded.
    pub uncounted: u64,
}

impl Ledger {
    /// Returns the ledger that an event is; `None` for other events, and for a ledger that the extension cannot have written.
    pub fn of(event: &Event) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            record: Ledger,
        }
        if event.kind != wire::LEDGER || event.text.len() > MOST_BYTES {
            return None;
        }
        let Line { record: ledger } = serde_json::from_str(&event.text).ok()?;
        let source = &event.source;
        let is_own = ledger.instance.as_ref().is_none_or(|it| *it == source.instance);
        // A ledger describes the numbers before its own.
        (is_own && ledger.up_to < source.seq && ledger.is_plausible()).then_some(ledger)
    }

    /// Returns true if the ranges are in order, hold their events, and end before `upTo`.
    fn is_plausible(&self) -> bool {
        let mut before = 0;
        self.shed_ranges.iter().all(|&Shed { first, last, events }| {
            let is_next = first > std::mem::replace(&mut before, last);
            is_next && first <= last && last <= self.up_to && events <= last - first + 1
        })
    }

    /// Returns true if this ledger describes more than the other.
    pub fn is_newer(&self, other: &Self) -> bool {
        self.up_to > other.up_to
    }

    /// Returns the last number that this ledger describes.
    pub fn up_to(&self) -> u64 {
        self.up_to
    }

    /// Returns the ranges that this ledger names, in order and without overlaps, each with how many of its events were shed.
    pub fn shed_ranges(&self) -> impl ExactSizeIterator<Item = (Range, u64)> {
        self.shed_ranges.iter().map(|it| ((it.first, it.last), it.events))
    }

    /// Divides the numbers that are missing, which are in order, into those that this ledger explains and all others.
    pub fn explain(&self, absent: &[Range]) -> Explanation {
        let named: Vec<Range> = self.shed_ranges.iter().map(|it| (it.first, it.last)).collect();
        let shed = ranges::common(absent, &named);
        let missing = ranges::without(absent, &named);
        let mut uncounted = 0;
        let mut rest = &*shed;
        for range in &self.shed_ranges {
            let (within, behind) = rest.split_at(rest.partition_point(|it| it.1 <= range.last));
            uncounted += ranges::count(within).saturating_sub(range.events);
            rest = behind;
        }
        Explanation { missing, shed, uncounted }
    }
}

/// Divides missing numbers as the ledger does; without a ledger none is explained.
pub(crate) fn explain(ledger: Option<&Ledger>, absent: Vec<Range>) -> Explanation {
    match ledger {
        Some(ledger) => ledger.explain(&absent),
        None => Explanation { missing: absent, ..Explanation::default() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::unpack::record;

    fn ledger(seq: u64, record: &Value) -> Option<Ledger> {
        let record = self::record(
            format!(
                "{{\"type\":\"kinesis-telemetry.ledger\",\"record\":{record},\"source\":{{\"instance\":\"i\",\"seq\":{seq}}}}}\n"
            )
            .as_bytes(),
        );
        Ledger::of(&record[0].clone().unwrap())
    }

    fn shed(up_to: u64, ranges: &[(u64, u64, u64)]) -> Value {
        let range =
            |&(first, last, events): &_| json!({ "first": first, "last": last, "events": events });
        json!({ "upTo": up_to, "shedRanges": ranges.iter().map(range).collect::<Vec<_>>() })
    }

    #[test]
    fn a_shed_range_explains_its_numbers_and_no_others() {
        let ledger = ledger(12, &shed(11, &[(3, 5, 3), (8, 9, 2)])).unwrap();
        let explained = ledger.explain(&[(2, 4), (9, 10)]);
        assert_eq!(explained.missing, [(2, 2), (10, 10)]);
        assert_eq!((explained.shed, explained.uncounted), (vec![(3, 4), (9, 9)], 0));
        assert_eq!(ledger.up_to(), 11);
        assert!(ledger.shed_ranges().eq([((3, 5), 3), ((8, 9), 2)]));
    }

    #[test]
    fn a_range_explains_no_more_events_than_it_counts() {
        let ledger = ledger(7, &shed(6, &[(1, 6, 2)])).unwrap();
        let explained = ledger.explain(&[(1, 6)]);
        assert_eq!(explained, Explanation { missing: vec![], shed: vec![(1, 6)], uncounted: 4 });
        assert_eq!(ledger.explain(&[(5, 6)]).uncounted, 0);
    }

    #[test]
    fn counts_of_one_range_do_not_serve_another() {
        let ledger = ledger(21, &shed(20, &[(1, 9, 9), (11, 19, 1)])).unwrap();
        assert_eq!(ledger.explain(&[(2, 2), (12, 13)]).uncounted, 1);
    }

    #[test]
    fn a_ledger_that_cannot_be_genuine_explains_nothing() {
        let range = json!({ "first": 1, "last": 6, "events": 6 });
        let with = |name: &str, value: Value| {
            let mut range = range.clone();
            range[name] = value;
            json!({ "upTo": 6, "shedRanges": [range] })
        };
        assert!(ledger(7, &json!({ "upTo": 6, "shedRanges": [range] })).is_some());
        for implausible in [
            json!("x"),
            json!({ "shedRanges": [range] }),
            json!({ "upTo": 1_000_000_000_000_u64, "shedRanges": [range] }),
            json!({ "upTo": 7, "shedRanges": [range] }),
            json!({ "upTo": "6", "shedRanges": [range] }),
            json!({ "upTo": 6.5, "shedRanges": [range] }),
            json!({ "upTo": 6, "shedRanges": { "first": 1 } }),
            json!({ "upTo": 6, "shedRanges": null }),
            json!({ "upTo": 6, "instance": "another", "shedRanges": [range] }),
            with("first", Value::Null),
            with("first", json!(0)),
            with("last", json!(9)),
            with("last", json!(1e40)),
            with("last", json!(0)),
            // One more than the range has.
            with("events", json!(7)),
            with("events", json!(-1)),
            with("events", json!(true)),
            shed(6, &[(1, 3, 1), (3, 6, 1)]),
            shed(6, &[(4, 6, 1), (1, 3, 1)]),
        ] {
            assert_eq!(ledger(7, &implausible), None, "{implausible}");
        }
    }

    #[test]
    fn members_of_later_releases_are_ignored() {
        let later =
            json!({ "instance": "i", "upTo": 1, "sampledOut": { "events": 90 }, "other": null });
        assert_eq!(ledger(2, &later).unwrap().up_to, 1);
    }
}
