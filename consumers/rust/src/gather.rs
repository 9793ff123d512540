//! Sorts events, joins parts and judges the numbers of each instance. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::ledger::{self, Explanation, Ledger};
use crate::ranges;
use crate::unpack::{self, Event};

/// Collects the events of any number of records, in any order.
///
/// Every event and part stays in memory until the value is dropped.
#[derive(Debug, Default)]
pub struct Gathering(BTreeMap<String, BTreeMap<u64, Slot>>);

/// Everything that arrived under one number of one instance, by part. Part 0 is a whole event.
#[derive(Debug, Default)]
struct Slot {
    parts: BTreeMap<u32, (Event, i64)>,
    duplicates: bool,
    conflicting: bool,
}

/// Says which events of one extension process arrived. The process numbers its events 1, 2, 3 and so on.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The `source.instance` of its events.
    pub name: String,
    /// The lowest number that arrived.
    pub first: u64,
    /// The highest number that arrived.
    pub last: u64,
    /// Ranges of numbers below `last` that did not arrive, each with its first and last number. Numbers after `last` are
    /// unknown.
    pub missing: Vec<(u64, u64)>,
    /// Numbers whose event, or a part of it, arrived more than once.
    pub duplicates: Vec<u64>,
    /// Numbers under which different events arrived. The extension never writes them.
    pub conflicting: Vec<u64>,
    /// Numbers whose parts cannot be joined, most often because one is missing, with the reason.
    pub unjoinable: BTreeMap<u64, String>,
    /// Ranges of the numbers in `missing` and `unjoinable` that the newest ledger reports as shed, each with its first and
    /// last number.
    pub explained: Vec<(u64, u64)>,
    /// The count of `explained` numbers that exceed the ledger's counts: a ledger may merge ranges, and counts the
    /// events in them.
    pub uncounted: u64,
}

impl Instance {
    /// Returns true if every event up to `last` arrived exactly once.
    pub fn is_whole(&self) -> bool {
        self.duplicates.is_empty() && self.has_all()
    }

    /// Returns true if every event up to `last` arrived at least once, which is what the extension promises.
    pub fn has_all(&self) -> bool {
        self.missing.is_empty() && self.conflicting.is_empty() && self.unjoinable.is_empty()
    }

    /// Returns true if every event up to `last` arrived, or a ledger reports it as shed.
    pub fn is_explained(&self) -> bool {
        let explained = ranges::count(&self.explained);
        let absent = ranges::count(&self.missing).saturating_add(self.unjoinable.len() as u64);
        self.conflicting.is_empty() && self.uncounted == 0 && explained == absent
    }
}

/// The events of one instance, de-duplicated and whole.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Which numbers arrived, and which are missing.
    pub instance: Instance,
    /// The events in the order of their numbers, each once. Events with a missing part are left out.
    pub arrivals: Vec<Arrival<'a>>,
}

/// An event and the time at which it was complete in the stream.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// The event, joined from its parts if it came in several.
    pub event: Cow<'a, Event>,
    /// The time at which its record reached the stream, in milliseconds since 1970-01-01T00:00:00Z; for an event in parts,
    /// the time of the latest part.
    pub at_ms: i64,
}

impl Gathering {
    /// Adds an event or a part of one.
    ///
    /// `at_ms` is the time at which its record reached the stream (`ApproximateArrivalTimestamp`), in milliseconds since
    /// 1970-01-01T00:00:00Z.
    pub fn add(&mut self, event: Event, at_ms: i64) {
        let source = &event.source;
        let part = source.part.unwrap_or(0);
        let slots = self.0.entry(source.instance.clone()).or_default();
        let Slot { parts, duplicates, conflicting } = slots.entry(source.seq).or_default();
        // A number and a part identify one text: the same text again is a duplicate, another text a conflict.
        match parts.get(&part) {
            Some((known, _)) if *known == event => *duplicates = true,
            Some(_) => *conflicting = true,
            None if parts.keys().any(|&other| (other == 0) != (part == 0)) => *conflicting = true,
            None => _ = parts.insert(part, (event, at_ms)),
        }
    }

    /// Returns the instances in the order of their names, with their events and what their numbers tell.
    pub fn judged(&self) -> impl Iterator<Item = Judged<'_>> {
        self.0.iter().map(|(name, slots)| judge(name, slots))
    }
}

fn judge<'a>(name: &str, slots: &'a BTreeMap<u64, Slot>) -> Judged<'a> {
    let mut arrivals = Vec::new();
    let mut instance = Instance {
        name: name.to_owned(),
        first: slots.first_key_value().map_or(0, |(&seq, _)| seq),
        last: slots.last_key_value().map_or(0, |(&seq, _)| seq),
        ..Instance::default()
    };
    let mut next = 1;
    for (&seq, slot) in slots {
        if seq > next {
            instance.missing.push((next, seq - 1));
        }
        next = seq + 1;
        if slot.duplicates {
            instance.duplicates.push(seq);
        }
        if slot.conflicting {
            instance.conflicting.push(seq);
        }
        if let Some((whole, at_ms)) = slot.parts.get(&0) {
            arrivals.push(Arrival { event: Cow::Borrowed(whole), at_ms: *at_ms });
            continue;
        }
        let parts: Vec<&Event> = slot.parts.values().map(|(part, _)| part).collect();
        match unpack::join(&parts) {
            Ok(event) => {
                let at_ms = slot.parts.values().map(|part| part.1).max().unwrap_or_default();
                arrivals.push(Arrival { event: Cow::Owned(event), at_ms });
            }
            Err(why) => _ = instance.unjoinable.insert(seq, why),
        }
    }
    let mut newest: Option<Ledger> = None;
    for arrival in &arrivals {
        // Which of several events under a number is genuine cannot be known, so none explains anything.
        let is_certain = instance.conflicting.binary_search(&arrival.event.source.seq).is_err();
        let ledger = Ledger::of(&arrival.event).filter(|_| is_certain);
        newest = match (newest, ledger) {
            (Some(newest), Some(ledger)) if !ledger.is_newer(&newest) => Some(newest),
            (newest, ledger) => ledger.or(newest),
        };
    }
    let mut absent = instance.missing.clone();
    absent.extend(instance.unjoinable.keys().map(|&seq| (seq, seq)));
    absent.sort_unstable();
    let Explanation { shed, uncounted, .. } = ledger::explain(newest.as_ref(), absent);
    (instance.explained, instance.uncounted) = (shed, uncounted);
    Judged { instance, arrivals }
}
