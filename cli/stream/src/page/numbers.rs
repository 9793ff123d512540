//! The sequence numbers of each instance, as ranges. Pure.

use std::collections::BTreeMap;

use kinesis_telemetry_consumer::{Completeness, Due, Event, Ledger, Ranges};
use kinesis_telemetry_report::Instance;
use serde_json::Value;

use super::short;

#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    function: String,
    arrived: Ranges,
    first: u64,
    last: u64,
    events: u64,
    duplicates: u64,
    /// The newest ledger and its counts.
    ledger: Option<(Ledger, Value)>,
}

impl Numbers {
    /// Adds an event; returns false if its number has already arrived. Events without an identity are always new.
    pub(super) fn add(&mut self, event: &Event) -> bool {
        let source = &event.source;
        if source.instance.is_empty() {
            return true;
        }
        let seen = self.0.entry(source.instance.clone()).or_insert_with(|| Seen {
            function: source.function.clone().unwrap_or_default(),
            arrived: Ranges::default(),
            first: source.seq,
            last: source.seq,
            events: 0,
            duplicates: 0,
            ledger: None,
        });
        if !seen.arrived.insert(source.seq) {
            seen.duplicates += 1;
            return false;
        }
        seen.events += 1;
        (seen.first, seen.last) = (seen.first.min(source.seq), seen.last.max(source.seq));
        if let Some(ledger) = Ledger::of(event)
            && seen.ledger.as_ref().is_none_or(|(newest, _)| ledger.is_newer(newest))
        {
            let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
            seen.ledger = Some((ledger, parsed["record"].clone()));
        }
        true
    }

    /// Returns the findings about each instance's numbers. `completeness` decides which are missing.
    pub(super) fn instances(&self, completeness: &Completeness) -> Vec<Instance> {
        let due = |name: &str| completeness.instance(name).unwrap_or_default();
        self.0.iter().map(|(name, seen)| seen.described(name, due(name))).collect()
    }
}

impl Seen {
    fn described(&self, name: &str, due: Due) -> Instance {
        let Due { explanation, conflicting } = due;
        let mut missing = [explanation.missing, explanation.shed.clone()].concat();
        missing.sort_unstable();
        let counts = self.ledger.as_ref().map(|(_, counts)| counts);
        let sampled_out = counts.and_then(|it| it["sampledOut"]["events"].as_u64());
        Instance {
            name: short(name),
            function: short(&self.function),
            first: self.first,
            last: self.last,
            missing,
            explained: explanation.shed,
            uncounted: explanation.uncounted,
            duplicates: self.duplicates.saturating_sub(conflicting),
            conflicting,
            sampled_out: sampled_out.unwrap_or_default(),
            shed: counts.map(|it| sum(&it["shed"])).unwrap_or_default(),
            has_ledger: counts.is_some(),
            events: self.events,
        }
    }
}

fn sum(counts: &Value) -> u64 {
    let counts = counts.as_object().into_iter().flat_map(|it| it.values());
    counts.filter_map(Value::as_u64).fold(0, u64::saturating_add)
}
