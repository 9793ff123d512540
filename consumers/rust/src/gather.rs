//! Records put in order: events joined from their parts, numbers judged, instance by instance. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::report::{Instance, Quoted};
use crate::stream::Record;
use crate::unpack::{self, Event};

/// Events by the numbers that they came under, so far.
#[derive(Debug, Default)]
pub struct Gathering(BTreeMap<String, BTreeMap<u64, Slot>>);

/// Everything that came under one number of one instance, by part; 0 is an event in one piece.
#[derive(Debug, Default)]
struct Slot {
    parts: BTreeMap<u32, (Event, i64)>,
    doubled: bool,
    conflicting: bool,
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

/// Gathers records; gives the lines that are no events as well, with the reason.
pub fn gather(records: &[Record]) -> (Gathering, Quoted) {
    let mut gathering = Gathering::default();
    let mut broken = Quoted::default();
    for record in records {
        for line in unpack::record(&record.data) {
            match line {
                Ok(event) => gathering.add(event, record.arrived_ms),
                Err(line) => broken.push(format!("{}: {}", line.why, line.line)),
            }
        }
    }
    (gathering, broken)
}

impl Gathering {
    /// One more, which its record brought to the stream at this time, in milliseconds since 1970.
    pub fn add(&mut self, event: Event, at_ms: i64) {
        let source = &event.source;
        let part = source.part.unwrap_or(0);
        let slots = self.0.entry(source.instance.clone()).or_default();
        let Slot { parts, doubled, conflicting } = slots.entry(source.seq).or_default();
        // One number is one event, and one part of it: the same again is a double, anything else a contradiction.
        match parts.get(&part) {
            Some((known, _)) if *known == event => *doubled = true,
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
        if slot.doubled {
            instance.doubled.push(seq);
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
