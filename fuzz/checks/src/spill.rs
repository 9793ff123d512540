//! Checks the adoption of any file that has the name of a spill file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use extension_spec::EXTENSION_NAME;
use kinesis_telemetry_extension::{
    Answer, Destination, Limits, MemoryBudget, Packer, Packing, Queue, Read, Record, Scope, Source,
    Spill, SpillSettings, adopt,
};

use crate::choices::Choices;

/// The beginning of every spill file.
const MAGIC: &[u8] = b"kinesis-telemetry-extension spill 1\n";

/// Makes a file of the bytes: some whole records first, then the rest as it is, or as the body of a frame. Checks that
/// the whole records are read back whatever follows them, that nothing panics, and that not more is read than was
/// written.
pub fn spill(data: &[u8]) {
    let mut choices = Choices::of(data);
    let kind = choices.byte();
    let written = records(usize::from(kind >> 4));
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut file = if kind & 1 == 0 { saved(folder.path(), &written) } else { Vec::new() };
    let intact = if kind & 1 == 0 { written.len() } else { 0 };
    if kind & 2 == 0 {
        file.extend_from_slice(choices.bytes(usize::MAX));
    } else {
        while !choices.is_over() {
            let len = choices.number();
            let body = choices.bytes(len);
            let len = u32::try_from(body.len()).expect("it is at most as long as two bytes say");
            file.extend(len.to_le_bytes());
            file.extend(crc32fast::hash(body).to_le_bytes());
            file.extend_from_slice(body);
        }
    }
    let path = folder.path().join(format!("{EXTENSION_NAME}-before.spill"));
    fs::write(&path, &file).expect("the folder is ours");
    let read = read_all(folder.path(), "after");
    assert!(read.len() >= intact, "{} of {intact} records come back", read.len());
    for (read, written) in read.iter().zip(&written[..intact]) {
        assert_eq!(
            *read,
            Record { oldest: read.oldest, released: read.released, ..written.clone() }
        );
    }
    let bytes: usize = read.iter().map(|record| record.data.len()).sum();
    assert!(bytes <= file.len(), "{bytes} of {}", file.len());
    if !file.starts_with(MAGIC) {
        assert!(read.is_empty());
        if MAGIC.starts_with(&file) {
            assert!(!path.exists(), "the beginning of a first line is what a full disk leaves");
        } else {
            assert_eq!(fs::read(&path).expect("it stays"), file, "what is not ours stays as it is");
        }
    }
    // The process that adopts them is killed, and the next one finds the same records.
    assert_eq!(without_time(&read_all(folder.path(), "again")), without_time(&read));
    queue_adopts(folder.path());
}

/// Returns the records that another process adopts.
fn read_all(folder: &Path, instance: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let adopted = adopt(folder, instance);
    for problem in &adopted.problems {
        assert!(!problem.contains('\n'), "a problem is one line: {problem}");
    }
    for mut spill in adopted.spills {
        while let Some(read) = spill.read(Instant::now()) {
            match read {
                Read::Record(record) => records.push(record),
                // Its data is not what was written.
                Read::Lost { why, .. } => assert!(!why.contains('\n'), "{why}"),
            }
        }
    }
    records
}

/// Checks that the counts of a queue that adopts them balance.
fn queue_adopts(folder: &Path) {
    let nothing: [(&str, &str); 0] = [];
    let limits = Limits::new(&extension_spec::load(nothing).config, 8 * 1024 * 1024);
    let packer = Packer::new(limits, Packing::default(), Source::new("orders", "1", "queue"));
    let settings = SpillSettings::new(folder.to_owned(), 1_000_000);
    let memory = Arc::new(MemoryBudget::new(8 * 1024 * 1024));
    let mut queue = Queue::new(packer, memory).with_spill(settings);
    let (events, _) = queue.adopt();
    assert_eq!((events, events), (queue.held(), queue.ledger.adopted));
    assert!(queue.ledger.balances(queue.held()));
    deliver(&mut queue);
}

/// Delivers everything that the queue has, and checks that its counts balance after each request.
fn deliver(queue: &mut Queue) {
    let now = Instant::now();
    loop {
        let request = queue.request(Destination::Stream, Scope::All, usize::MAX, now);
        if request.records.is_empty() {
            break;
        }
        let answers: Vec<Answer> = request.records.iter().map(|_| Ok(())).collect();
        queue.settle(&request, Destination::Stream, &answers, now, now);
        assert!(queue.ledger.balances(queue.held()), "{}", queue.ledger);
    }
    assert!(queue.is_drained(), "nothing waits");
}

/// Returns the file of a process that has written these records.
fn saved(folder: &Path, records: &[Record]) -> Vec<u8> {
    let mut spill = Spill::create(folder, "writer", u64::MAX).expect("the folder is ours");
    for record in records {
        assert!(spill.append(record).expect("there is a disk"), "there is room");
    }
    let path = folder.join(format!("{EXTENSION_NAME}-writer.spill"));
    let bytes = fs::read(path).expect("it was written");
    spill.remove();
    bytes
}

/// Returns this many records, of one event each.
fn records(count: usize) -> Vec<Record> {
    let nothing: [(&str, &str); 0] = [];
    let limits = Limits::new(&extension_spec::load(nothing).config, 8 * 1024 * 1024);
    let source = Source::new("orders", "1", "k3J9x0QvT2aB");
    let mut packer = Packer::new(limits, Packing::default(), source.clone());
    let one = |seq: usize| {
        let object = format!(r#"{{"record":"{}"}}"#, "x".repeat(seq * seq));
        let event = source.identify(&object, seq as u64, None, Instant::now());
        packer.pack(&mut [event].into(), Scope::All)
    };
    (1..=count).flat_map(one).collect()
}

fn without_time(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| {
        let Record { data, base_key, key, is_aggregate, events, span, part, .. } = record;
        format!("{data:?} {base_key} {key} {is_aggregate} {events} {span:?} {part:?}")
    };
    records.iter().map(text).collect()
}
