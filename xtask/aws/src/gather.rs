//! Records put in order: events joined from their parts, numbers judged, instance by instance. Pure.

use std::collections::BTreeMap;

use crate::report::{Instance, Quoted};
use crate::stream::Record;
use crate::unpack::{self, Event};

/// What records hold.
pub(crate) struct Gathered {
    /// Each event once, whole.
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) instances: Vec<Instance>,
    /// Lines that are no events, with the reason.
    pub(crate) broken: Quoted,
}

/// An event, and when its (last) record reached the stream.
pub(crate) struct Arrival {
    pub(crate) event: Event,
    pub(crate) at_ms: i64,
}

/// Everything that came under one number of one instance, by part; 0 is an event in one piece.
#[derive(Default)]
struct Slot {
    parts: BTreeMap<u32, Arrival>,
    doubled: bool,
}

pub(crate) fn gather(records: &[Record]) -> Gathered {
    let mut broken = Quoted::default();
    let mut slots: BTreeMap<String, BTreeMap<u64, Slot>> = BTreeMap::new();
    for record in records {
        for line in unpack::record(&record.data) {
            match line {
                Ok(event) => file(&mut slots, Arrival { event, at_ms: record.arrived_ms }),
                Err(line) => broken.push(format!("{}: {}", line.why, line.line)),
            }
        }
    }
    let mut arrivals = Vec::new();
    let instances =
        slots.into_iter().map(|(name, slots)| instance(name, slots, &mut arrivals)).collect();
    Gathered { arrivals, instances, broken }
}

fn file(slots: &mut BTreeMap<String, BTreeMap<u64, Slot>>, arrival: Arrival) {
    let source = &arrival.event.source;
    let part = source.part.unwrap_or(0);
    let slot = slots.entry(source.instance.clone()).or_default().entry(source.seq).or_default();
    // One number is one event: the same part twice, or an event both whole and in parts, is double.
    let other_form = slot.parts.keys().any(|&other| (other == 0) != (part == 0));
    if other_form || slot.parts.contains_key(&part) {
        slot.doubled = true;
    } else {
        slot.parts.insert(part, arrival);
    }
}

/// Judges the numbers of one instance, and hands on the events that are whole.
fn instance(name: String, slots: BTreeMap<u64, Slot>, arrivals: &mut Vec<Arrival>) -> Instance {
    let first = slots.first_key_value().map_or(0, |(&seq, _)| seq);
    let last = slots.last_key_value().map_or(0, |(&seq, _)| seq);
    let mut found = Instance {
        name,
        first,
        last,
        missing: Vec::new(),
        doubled: Vec::new(),
        unjoinable: BTreeMap::new(),
    };
    let mut next = 1;
    for (seq, mut slot) in slots {
        if seq > next {
            found.missing.push((next, seq - 1));
        }
        next = seq + 1;
        if slot.doubled {
            found.doubled.push(seq);
        }
        if let Some(whole) = slot.parts.remove(&0) {
            arrivals.push(whole);
            continue;
        }
        let parts: Vec<&Event> = slot.parts.values().map(|part| &part.event).collect();
        match unpack::join(&parts) {
            Ok(event) => {
                let at_ms = slot.parts.values().map(|part| part.at_ms).max().unwrap_or_default();
                arrivals.push(Arrival { event, at_ms });
            }
            Err(why) => {
                found.unjoinable.insert(seq, why);
            }
        }
    }
    found
}
