//! Measures each step separately.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use extension_spec::{Compression, RecordFormat, variable};
use kinesis_telemetry_extension::{
    Event, Importance, Packing, Read, Record, Scope, Selection, Spill, new_instance,
};

use crate::{QUEUE_BYTES, body, events, intake, now, packer};
use xtask_model::{Logs, Typical};

/// Splits a body and gives each event its identity.
#[divan::bench(args = [Logs::Text, Logs::Json])]
fn intake_of_a_body(bencher: Bencher<'_, '_>, logs: Logs) {
    take(bencher, &body(logs));
}

/// Splits the events that the platform adds to an invocation, and gives them their identity.
#[divan::bench]
fn intake_of_platform_events(bencher: Bencher<'_, '_>) {
    take(bencher, &Typical::new(Logs::Text).invocation(0));
}

/// Reads the body of a successful invocation, with every line delivered, and with lines held until the end
/// (`SAMPLE=0`).
#[divan::bench(args = [(Logs::Text, "1"), (Logs::Text, "0"), (Logs::Json, "1"), (Logs::Json, "0")])]
fn intake_with_a_sample(bencher: Bencher<'_, '_>, (logs, share): (Logs, &str)) {
    let body = body(logs);
    let config = extension_spec::load([(variable::SAMPLE, share)]).config;
    let selecting = || {
        let intake = intake(Packing::default().envelope);
        intake.with_selection(Selection::new(&config, QUEUE_BYTES))
    };
    let events = intake(Packing::default().envelope).accept(&body, now()).events.len();
    bencher
        .counter(ItemsCount::new(events))
        .with_inputs(selecting)
        .bench_local_values(|mut intake| intake.accept(&body, now()));
}

fn take(bencher: Bencher<'_, '_>, body: &[u8]) {
    let mut intake = intake(Packing::default().envelope);
    let events = intake.accept(body, now()).events.len();
    bencher
        .counter(BytesCount::of_slice(body))
        .counter(ItemsCount::new(events))
        .bench_local(|| intake.accept(body, now()));
}

const PACKINGS: [(RecordFormat, Compression); 4] = [
    (RecordFormat::Ndjson, Compression::None),
    (RecordFormat::Kpl, Compression::None),
    (RecordFormat::Ndjson, Compression::Gzip),
    (RecordFormat::Ndjson, Compression::Zstd),
];

/// Packs events into full records.
#[divan::bench(args = PACKINGS)]
fn packing(bencher: Bencher<'_, '_>, (format, compression): (RecordFormat, Compression)) {
    let packing = Packing { format, compression, ..Packing::default() };
    let events = events(Logs::Text, packing.envelope);
    let mut packer = packer(packing);
    bencher
        .counter(BytesCount::new(bytes(&events)))
        .with_inputs(|| VecDeque::from(events.clone()))
        .bench_local_values(|mut events| packer.pack(&mut events, Scope::All));
}

/// Moves a full aggregate to another key.
#[divan::bench]
fn rekeying_an_aggregate(bencher: Bencher<'_, '_>) {
    let record = records(RecordFormat::Kpl).swap_remove(0);
    bencher
        .counter(BytesCount::of_slice(&record.data))
        .with_inputs(|| record.clone())
        .bench_local_refs(|record| record.set_key("k3J9x0QvT2aB-1".into()));
}

/// Determines the importance of events.
#[divan::bench(args = [Logs::Text, Logs::Json])]
fn importance(bencher: Bencher<'_, '_>, logs: Logs) {
    let events = events(logs, Packing::default().envelope);
    bencher
        .counter(BytesCount::new(bytes(&events)))
        .counter(ItemsCount::new(events.len()))
        .bench_local(|| {
            events.iter().filter(|it| Importance::of(&it.line) > Importance::Chatter).count()
        });
}

/// Writes records to a spill file and reads them back.
#[divan::bench]
fn spill_and_back(bencher: Bencher<'_, '_>) {
    let records = records(RecordFormat::Ndjson);
    let folder = Folder::new();
    let bytes: usize = records.iter().map(Record::size).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .with_inputs(|| {
            Spill::create(&folder.0, &new_instance(), u64::MAX).expect("the folder is ours")
        })
        .bench_local_values(|mut spill| {
            for record in &records {
                assert!(spill.append(record).expect("there is a disk"));
            }
            for _ in &records {
                assert!(matches!(spill.read(now().monotonic), Some(Read::Record(_))));
            }
            spill.remove();
        });
}

fn records(format: RecordFormat) -> Vec<Record> {
    let packing = Packing { format, ..Packing::default() };
    packer(packing).pack(&mut events(Logs::Text, packing.envelope).into(), Scope::All)
}

fn bytes(events: &[Event]) -> usize {
    events.iter().map(|event| event.line.len()).sum()
}

/// A temporary folder that is deleted afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("bench-{}", new_instance()));
        fs::create_dir(&path).expect("there is a folder for temporary files");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If this fails, the folder remains among the temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
