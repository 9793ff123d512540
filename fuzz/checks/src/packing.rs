//! Checks how events become records, and how a consumer reads them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use extension_spec::packing::COMBINATIONS;
use extension_spec::{Envelope, PartitionKey};
use kinesis_telemetry_extension::{
    Event, Limits, Packer, Packing, PartitionKeys, Record, Scope, Source,
};

use crate::choices::Choices;
use kinesis_telemetry_consumer::strict::Arrived;

/// Packs the events that the bytes describe, with the settings and limits that they describe. Checks that every record
/// and every request is within its limit with any partition key, and that a consumer reads what was packed.
pub fn packing(data: &[u8]) {
    let mut choices = Choices::of(data);
    let packing = packing_of(&mut choices);
    let limits = limits_of(&mut choices);
    // Names as long as Lambda allows.
    let function = "f".repeat(choices.within(0, 64));
    let source = Source::new(&function, "$LATEST", "k3J9x0QvT2aB").in_envelope(packing.envelope);
    let events = events_of(&mut choices, &source);
    let expected: BTreeMap<u64, String> = events.iter().map(own).collect();
    let records = records(limits, packing, source, events);
    let arrived = Arrived::of(records.iter().map(|record| &record.data));
    assert_eq!(arrived.duplicates, 0);
    if packing.envelope == Envelope::None {
        let mut texts: Vec<&String> = arrived.events.values().collect();
        let mut expected: Vec<&String> = expected.values().collect();
        texts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(texts, expected);
    } else {
        let texts = arrived.events.into_iter().map(|((_, seq), text)| (seq, text));
        assert_eq!(texts.collect::<BTreeMap<_, _>>(), expected);
    }
}

/// Makes records as the queue does, and sends them.
fn records(
    limits: Limits,
    packing: Packing,
    source: Source,
    mut events: VecDeque<Event>,
) -> Vec<Record> {
    let mut packer = Packer::new(limits, packing, source);
    let mut keys = PartitionKeys::new(packing.partition_key);
    let mut all = Vec::new();
    for scope in [Scope::Full, Scope::All] {
        loop {
            let mut records = packer.pack(&mut events, scope);
            let (mut before_last, mut bytes) = (0, 0);
            for record in &mut records {
                (before_last, bytes) = (bytes, bytes + record.size());
                keys.assign(record, limits.record_bytes, Instant::now());
                let size = record.size();
                assert!(size <= limits.record_bytes, "{size} of {}", limits.record_bytes);
                assert!((1..=256).contains(&record.key.chars().count()), "{:?}", record.key);
            }
            // At most what the next request can hold, except for the parts of one event.
            let has_parts = records.iter().any(|record| record.part.is_some());
            assert!(before_last <= limits.request_bytes || has_parts, "{bytes}");
            assert!(records.len() <= limits.request_records || has_parts);
            if records.is_empty() {
                break;
            }
            all.append(&mut records);
        }
    }
    assert!(events.is_empty(), "everything is packed");
    all
}

fn packing_of(choices: &mut Choices<'_>) -> Packing {
    let combination = choices.one(&COMBINATIONS);
    Packing {
        format: combination.format,
        compression: choices.one(combination.compressions),
        envelope: choices.one(combination.envelopes),
        partition_key: choices.one(PartitionKey::ALL),
    }
}

/// Returns limits from the smallest possible to somewhat larger ones.
fn limits_of(choices: &mut Choices<'_>) -> Limits {
    let record_bytes = choices.within(4_096, 20_000);
    Limits {
        record_bytes,
        target_bytes: choices.within(1_024, 22_000).min(record_bytes),
        inflated_bytes: choices.within(1_024, 60_000),
        request_bytes: record_bytes + choices.number(),
        request_records: choices.within(1, 500),
    }
}

/// Returns events whose texts may repeat, whose numbers may have gaps, and which belong to several invocations.
fn events_of(choices: &mut Choices<'_>, source: &Source) -> VecDeque<Event> {
    const MOST_BYTES: usize = 100_000;
    let (mut events, mut seq, mut bytes) = (VecDeque::new(), 0, 0);
    while !choices.is_over() && bytes < MOST_BYTES {
        let kind = choices.byte();
        seq += 1 + u64::from(kind & 1);
        let times = if kind & 2 == 0 { 1 } else { 1 + choices.number() % 300 };
        let len = usize::from(choices.byte());
        let text = String::from_utf8_lossy(choices.bytes(len)).repeat(times);
        // Between its tokens an event may have tabs.
        let space = if kind & 4 == 0 { "" } else { "\t" };
        let text = serde_json::Value::from(text).to_string();
        let object = format!("{{{space}\"record\":{space}{text}}}");
        let mut event = source.identify(&object, seq, None, Instant::now());
        let request = format!("6d68ca91-49c9-448d-89b8-7ca3e6dc66a{}", kind >> 4 & 1);
        event.request = (kind & 8 > 0).then(|| request.into());
        bytes += event.line.len();
        events.push_back(event);
    }
    events
}

/// Returns the number of an event, and its text without what was added.
fn own(event: &Event) -> (u64, String) {
    let own = std::str::from_utf8(&event.line[..event.own_len]).expect("a line is text");
    (event.seq, format!("{own}}}"))
}
