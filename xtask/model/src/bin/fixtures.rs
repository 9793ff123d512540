//! Writes records as a stream would hold them, with the events that a consumer must read: a JSON file for each combination of
//! format, compression and envelope, in the folder given as an argument. The tests of `consumers` read them.
//!
//! Two processes each number a log line beyond ASCII, a line that looks like an identity, a line too large for a record, and
//! input that is not an event. Of their records one is missing, two are duplicated, and none is in order. Two more events were
//! discarded, as the ledger states.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use extension_spec::packing::{COMBINATIONS, Combination};
use extension_spec::{Compression, Envelope, PartitionKey, RecordFormat, event_type};
use kinesis_telemetry_extension::{
    Event, Intake, Ledger, Limits, Moment, Packer, Packing, Record, Scope, Source,
};
use serde_json::{Value, json};

/// Small, so that a short text makes several records, and a short line has parts.
const LIMITS: Limits = Limits {
    record_bytes: 4_096,
    target_bytes: 900,
    inflated_bytes: 3_000,
    request_bytes: 10_000_000,
    request_records: 500,
};
/// Ids of the processes.
const INSTANCES: [&str; 2] = ["k3J9x0QvT2aB", "p7Lw2RzYc4Du"];
/// The numbers of the events that are discarded.
const SHED: [u64; 2] = [9, 11];

/// The records of one process.
struct Sent {
    instance: &'static str,
    events: Vec<Event>,
    records: Vec<Record>,
}

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).expect("its argument is a folder");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for Combination { format, compressions, envelopes, .. } in COMBINATIONS {
        for compression in compressions {
            for envelope in envelopes {
                write(&folder, format, *compression, *envelope);
            }
        }
    }
}

fn write(folder: &Path, format: RecordFormat, compression: Compression, envelope: Envelope) {
    let partition_key = PartitionKey::Instance;
    let packing = Packing { format, compression, envelope, partition_key };
    let words = [format.word(), compression.word(), envelope.word()];
    let expected = expected(packing, INSTANCES.map(|instance| sent(packing, instance)).into());
    let document = serde_json::to_string_pretty(&expected).expect("a value can be written");
    let path = folder.join(format!("{}.json", words.join("-")));
    std::fs::write(path, document + "\n").expect("the file can be written");
}

fn sent(packing: Packing, instance: &'static str) -> Sent {
    let source = Source::new("orders", "$LATEST", instance).in_envelope(packing.envelope);
    let types = extension_spec::load::<&str, &str>([]).config.types;
    let mut intake = Intake::new(source.clone(), types, true);
    let now = Moment { monotonic: Instant::now(), wall: SystemTime::now() };
    let mut events = intake.accept(body().as_bytes(), now).events;
    let mut ledger = Ledger { received: events.len() as u64, ..Ledger::default() };
    ledger.shed.memory = SHED.len() as u64;
    for number in SHED {
        ledger.shed.ranges.add(number, number, 1);
    }
    events.retain(|event| !SHED.contains(&event.seq));
    let held = events.len() as u64;
    let record = ledger.record(instance, intake.last_seq(), held);
    events.push(intake.own(event_type::LEDGER, &record, now));
    let mut packer = Packer::new(LIMITS, packing, source);
    let mut waiting: VecDeque<Event> = events.iter().cloned().collect();
    let mut records = Vec::new();
    while !waiting.is_empty() {
        records.extend(packer.pack(&mut waiting, Scope::All));
    }
    Sent { instance, events, records }
}

/// Returns a batch as Lambda posts it.
fn body() -> String {
    let at = |ms: u32| format!("2026-11-22T21:52:50.{ms:03}Z");
    let id = "6d68ca91-49c9-4f1c-9d0a-3a2b1c0d9e8f";
    let start = json!({ "time": at(1), "type": "platform.start", "record": { "requestId": id } });
    let line = |ms, record: Value| json!({ "time": at(ms), "type": "function", "record": record });
    let trap = json!({ "source": { "function": "a", "instance": "b", "seq": 1, "part": 1 } });
    let mut members = vec![
        start.to_string(),
        line(2, "naïve \"quoted\" \\ tab\t 🦀 日本語 \u{2028} end".into()).to_string(),
        line(3, trap).to_string(),
        // JSON in another style than our own, over several lines.
        format!(
            "{{\r\n\t\"time\": \"{}\",\n\t\"type\": \"function\",\n\t\"record\": {{ \"n\": 1.00e2, \"s\": \"\\u00e9\" }}\n}}",
            at(4)
        ),
        "{}".to_owned(),
        "17".to_owned(),
        line(5, format!("\"é🦀\"{}", noise(9_000)).into()).to_string(),
    ];
    members.extend((10..99).map(|ms| line(ms, format!("order {ms} accepted").into()).to_string()));
    format!("[{}]", members.join(","))
}

/// Returns text that hardly compresses, the same each time.
fn noise(len: usize) -> String {
    let mut state = 1_u64;
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(letters[usize::try_from(state >> 58).expect("six bits")])
    };
    (0..len).map(letter).collect()
}

/// Returns the records as the stream holds them, and their events.
fn expected(packing: Packing, processes: Vec<Sent>) -> Value {
    let has_numbers = packing.envelope != Envelope::None;
    let (mut arriving, mut events, mut anonymous) = (Vec::new(), Vec::new(), Vec::new());
    let (mut missing, mut duplicates) = (Vec::new(), 0);
    for Sent { instance, events: all, mut records } in processes {
        // A record in the middle, because a consumer cannot notice a missing record at the end.
        let lost = records.iter().position(|it| it.span.first > SHED[1]);
        let lost = records.remove(lost.expect("there are many events"));
        let first = records.iter().find(|it| it.part.is_none()).expect("most have none").clone();
        let part = records.iter().find(|it| it.part.is_some()).expect("one is too large").clone();
        duplicates += if has_numbers { first.events + 1 } else { 1 };
        records.extend([first, part]);
        // The order of the records does not matter.
        records.rotate_left(3);
        let split: BTreeSet<u64> =
            records.iter().filter(|it| it.part.is_some()).map(|it| it.span.first).collect();
        let holds = |record: &Record, event: &Event| {
            (record.span.first..=record.span.last).contains(&event.seq)
        };
        for event in &all {
            if holds(&lost, event) && has_numbers {
                missing.push(json!([instance, event.seq]));
            } else if split.contains(&event.seq) {
                events.push(described(instance, event, false));
            } else if has_numbers {
                events.push(described(instance, event, packing.envelope == Envelope::Event));
            }
        }
        for record in records.iter().filter(|it| it.part.is_none() && !has_numbers) {
            anonymous.extend(all.iter().filter(|event| holds(record, event)).map(text));
        }
        arriving.extend(records);
    }
    let shed = INSTANCES.iter().flat_map(|it| SHED.map(|number| json!([it, number])));
    let shed: Vec<Value> = shed.filter(|_| has_numbers).collect();
    let records = arriving.iter().map(|record| {
        let data = base64_simd::STANDARD.encode_to_string(&record.data);
        json!({ "key": &*record.key, "data": data, "isAggregate": record.is_aggregate })
    });
    json!({
        "format": packing.format.word(),
        "compression": packing.compression.word(),
        "envelope": packing.envelope.word(),
        "records": records.collect::<Vec<_>>(),
        "events": events,
        "anonymous": anonymous,
        "duplicates": duplicates,
        "missing": missing,
        "shed": shed,
    })
}

/// An event with its number, and as the line that it is where it carries its own identity.
fn described(instance: &str, event: &Event, has_line: bool) -> Value {
    let line = std::str::from_utf8(&event.line).expect("a line is text").trim_end();
    let line = has_line.then_some(line);
    json!({ "instance": instance, "seq": event.seq, "text": text(event), "line": line })
}

/// An event as it was before it got its identity.
fn text(event: &Event) -> String {
    let own = std::str::from_utf8(&event.line[..event.own_len]).expect("a line is text");
    format!("{own}}}")
}
