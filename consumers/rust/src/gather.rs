//! Records put in order: events joined from their parts, numbers judged, instance by instance. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::unpack::{self, Event};

/// Events by the numbers that they came under, so far.
#[derive(Debug, Default)]
pub struct Gathering(BTreeMap<String, BTreeMap<u64, Slot>>);

/// Everything that came under one number of one instance, by part; 0 is an event in one piece.
#[derive(Debug, Default)]
struct Slot {
    parts: BTreeMap<u32, (Event, i64)>,
    duplicates: bool,
    conflicting: bool,
}

/// One extension process, which numbers its events 1, 2, 3 and so on.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The `instance` of its events' `source`.
    pub name: String,
    /// The lowest number that arrived.
    pub first: u64,
    /// The highest number that arrived.
    pub last: u64,
    /// Numbers up to `last` that did not arrive, from and to.
    pub missing: Vec<(u64, u64)>,
    /// Numbers that arrived more than once, with the same event.
    pub duplicates: Vec<u64>,
    /// Numbers under which different events arrived.
    pub conflicting: Vec<u64>,
    /// Numbers whose parts cannot be joined, and why.
    pub unjoinable: BTreeMap<u64, String>,
}

impl Instance {
    /// Whether each event arrived once.
    pub fn is_whole(&self) -> bool {
        self.duplicates.is_empty() && self.has_all()
    }

    /// Whether each event arrived, be it several times: that is what delivery at least once means.
    pub fn has_all(&self) -> bool {
        self.missing.is_empty() && self.conflicting.is_empty() && self.unjoinable.is_empty()
    }
}

/// One instance, and its events: each once, whole.
pub struct Judged<'a> {
    /// What its numbers tell.
    pub instance: Instance,
    /// In the order of their numbers.
    pub arrivals: Vec<Arrival<'a>>,
}

/// An event, and when its (last) record reached the stream.
pub struct Arrival<'a> {
    /// The event.
    pub event: Cow<'a, Event>,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

impl Gathering {
    /// One more, which its record brought to the stream at this time, in milliseconds since 1970.
    pub fn add(&mut self, event: Event, at_ms: i64) {
        let source = &event.source;
        let part = source.part.unwrap_or(0);
        let slots = self.0.entry(source.instance.clone()).or_default();
        let Slot { parts, duplicates, conflicting } = slots.entry(source.seq).or_default();
        // One number is one event, and one part of it: the same again is a double, anything else a contradiction.
        match parts.get(&part) {
            Some((known, _)) if *known == event => *duplicates = true,
            Some(_) => *conflicting = true,
            None if parts.keys().any(|&other| (other == 0) != (part == 0)) => *conflicting = true,
            None => _ = parts.insert(part, (event, at_ms)),
        }
    }

    /// Judges the numbers of each instance.
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
    Judged { instance, arrivals }
}
