//! Measures what a large spill file costs: `cargo test --release large -- --ignored --nocapture`.

use std::io::Write as _;

use super::spill::Folder;
use super::*;

/// Leaves a file of this many bytes, in frames with this much data each, as a killed process does.
fn leave(folder: &Folder, bytes: u64, data: usize) {
    let mut spill = crate::buffer::spill::Spill::create(&folder.0, "a", u64::MAX).unwrap();
    let span = Span { instance: "k3J9x0QvT2aB".into(), first: 1, last: 1 };
    let record = Record { span, ..Record::sample(vec![b'x'; data], "k") };
    assert!(spill.append(&record).unwrap());
    let path = std::fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    drop(spill);
    let one = std::fs::read(&path).unwrap();
    let frame = &one[b"kinesis-telemetry-extension spill 1\n".len()..];
    let mut file =
        std::io::BufWriter::new(std::fs::File::options().append(true).open(&path).unwrap());
    for _ in 1..bytes / frame.len() as u64 {
        file.write_all(frame).unwrap();
    }
    file.flush().unwrap();
}

/// Lambda kills an extension that takes longer to end.
const MOST: std::time::Duration = std::time::Duration::from_secs(2);

#[test]
#[ignore = "writes half a gigabyte: cargo xtask test"]
fn large_files_delay_neither_start_nor_shutdown() {
    for data in [100, 200_000] {
        let folder = Folder::new();
        leave(&folder, 512 * 1024 * 1024, data);
        let began = Instant::now();
        let mut queue = folder.queue("b", 8 * 1024 * 1024, 1_000_000_000);
        let adopted = began.elapsed();
        let held = queue.held();
        let request = request(&mut queue);
        let answers: Vec<_> = request.records.iter().map(|_| TAKEN).collect();
        settle(&mut queue, &request, &answers);
        let began = Instant::now();
        queue.save();
        queue.end(true);
        let ended = began.elapsed();
        eprintln!("frames of {data} bytes: adopted {held} in {adopted:?}, ended in {ended:?}");
        assert!(held > 0 && adopted.max(ended) < MOST, "{data}: {adopted:?}, {ended:?}");
    }
}
