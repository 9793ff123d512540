//! Hostile records, and what the Rust consumer makes of them.
//!
//! `hostile write FILE SEED COUNT` writes one JSON object a line: `name`, `data` in base64, and `good`.
//! `hostile read FILE` reads them as every consumer's test program does, and prints for each record its `events`, as lists of
//! instance, seq, part and length of the text or fragment in UTF-8, and the `seconds` of processor time. The last line is `peakKiB`, the
//! largest resident size of the process.

#![allow(clippy::print_stdout, reason = "it prints what it reads")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::time::Duration;

use kinesis_telemetry_consumer::{Event, Gathering, record};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};
use xtask_model::hostile;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", file, seed, count] => write(file, number(seed), number(count)),
        ["read", file] => read(file),
        _ => panic!("usage: hostile write FILE SEED COUNT | hostile read FILE"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("SEED and COUNT are numbers")
}

fn write(file: &str, seed: u64, count: u64) {
    let mut out = BufWriter::new(File::create(file).expect("the file can be written"));
    for seed in seed..seed + count {
        let hostile::Hostile { name, data, good } = hostile::record(seed);
        let data = base64_simd::STANDARD.encode_to_string(&data);
        let line = json!({ "name": format!("seed {seed}: {name}"), "data": data, "good": good });
        writeln!(out, "{line}").expect("the file can be written");
    }
    out.flush().expect("the file can be written");
}

fn read(file: &str) {
    let file = BufReader::new(fs::File::open(file).expect("the file can be read"));
    for line in file.lines() {
        let case: Value =
            serde_json::from_str(&line.expect("the file can be read")).expect("it is JSON");
        let data = base64_simd::STANDARD.decode_to_vec(case["data"].as_str().unwrap_or_default());
        let data = data.expect("it is base64");
        let began = processor_time();
        let mut gathering = Gathering::default();
        let mut events = Vec::new();
        for event in record(&data).into_iter().flatten() {
            let source = &event.source;
            events.push(json!([source.instance, source.seq, source.part, length(&event)]));
            gathering.add(event, 0);
        }
        let judged: usize = gathering.judged().map(|it| it.arrivals.len()).sum();
        let seconds = processor_time().saturating_sub(began).as_secs_f64();
        println!("{}", json!({ "events": events, "judged": judged, "seconds": seconds }));
    }
    let peak = getrusage(UsageWho::RUSAGE_SELF).expect("a process knows its usage").max_rss();
    println!("{}", json!({ "peakKiB": peak }));
}

/// Returns the length of the text; for a part, of the fragment in it, as the other consumers return it.
fn length(event: &Event) -> usize {
    let fragment =
        || serde_json::from_str::<Value>(&event.text).ok()?["record"].as_str().map(str::len);
    event.source.part.and_then(|_| fragment()).unwrap_or(event.text.len())
}

fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process knows its usage");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}
