//! The numbers of each instance, as ranges. Pure.

use std::collections::BTreeMap;

use extension_spec::event_type;
use kinesis_telemetry_consumer::Event;
use kinesis_telemetry_report::Instance;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<String, Seen>);

#[derive(Debug, Default)]
struct Seen {
    function: String,
    /// Last number by first number of each range.
    ranges: BTreeMap<u64, u64>,
    events: u64,
    duplicates: u64,
    /// The newest ledger: the number up to which it speaks, and what it says.
    ledger: Option<(u64, Value)>,
}

impl Numbers {
    /// Adds an event; returns false if its number was there before. Events without an identity are always new.
    pub(super) fn add(&mut self, event: &Event) -> bool {
        let source = &event.source;
        if source.instance.is_empty() {
            return true;
        }
        let seen = self.0.entry(source.instance.clone()).or_default();
        if !insert(&mut seen.ranges, source.seq) {
            seen.duplicates += 1;
            return false;
        }
        seen.events += 1;
        if seen.function.is_empty() {
            seen.function = source.function.clone().unwrap_or_default();
        }
        if event.kind == event_type::LEDGER {
            let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
            let up_to = parsed["record"]["upTo"].as_u64().unwrap_or_default();
            if seen.ledger.as_ref().is_none_or(|(known, _)| up_to > *known) {
                seen.ledger = Some((up_to, parsed["record"].clone()));
            }
        }
        true
    }

    /// Returns what the numbers of each instance tell.
    pub(super) fn instances(&self) -> Vec<Instance> {
        self.0.iter().map(|(name, seen)| seen.described(name)).collect()
    }
}

impl Seen {
    fn described(&self, name: &str) -> Instance {
        let mut missing = Vec::new();
        let mut next = self.ranges.first_key_value().map_or(1, |(&first, _)| first);
        for (&first, &last) in &self.ranges {
            if first > next {
                missing.push((next, first - 1));
            }
            next = last + 1;
        }
        let ledger = self.ledger.as_ref().map(|(_, ledger)| ledger);
        let shed = ledger.and_then(|it| it["shedRanges"].as_array()).into_iter().flatten();
        let shed = shed.filter_map(|it| Some((it["first"].as_u64()?, it["last"].as_u64()?)));
        let explained = shed.flat_map(|(first, last)| {
            let overlaps = missing.iter().map(move |&(from, to)| (from.max(first), to.min(last)));
            overlaps.filter(|(from, to)| from <= to).collect::<Vec<_>>()
        });
        Instance {
            name: name.to_owned(),
            function: self.function.clone(),
            first: self.ranges.first_key_value().map_or(0, |(&first, _)| first),
            last: self.ranges.last_key_value().map_or(0, |(_, &last)| last),
            explained: explained.collect(),
            duplicates: self.duplicates,
            sampled_out: ledger
                .and_then(|it| it["sampledOut"]["events"].as_u64())
                .unwrap_or_default(),
            shed: ledger.map(|it| sum(&it["shed"])).unwrap_or_default(),
            has_ledger: ledger.is_some(),
            events: self.events,
            missing,
            ..Instance::default()
        }
    }
}

/// Adds a number to ranges; returns false if one of them has it.
fn insert(ranges: &mut BTreeMap<u64, u64>, number: u64) -> bool {
    let before = ranges.range(..=number).next_back().map(|(&first, &last)| (first, last));
    if before.is_some_and(|(_, last)| last >= number) {
        return false;
    }
    let first = before.filter(|(_, last)| last + 1 == number).map_or(number, |(first, _)| first);
    let last = ranges.remove(&(number + 1)).unwrap_or(number);
    ranges.insert(first, last);
    true
}

fn sum(counts: &Value) -> u64 {
    let counts = counts.as_object().into_iter().flat_map(|it| it.values());
    counts.filter_map(Value::as_u64).fold(0, u64::saturating_add)
}
