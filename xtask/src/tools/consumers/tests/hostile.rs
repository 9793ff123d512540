//! Runs all consumers against a grammar of hostile records (`xtask/model/src/hostile.rs`).

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::{node_in, passes, python_in};
use crate::support::workspace;

/// Records of one round: every consumer is a process that reads a round.
const ROUND: u64 = 250;
/// Most processor time for one record, in seconds.
const SECONDS: f64 = 1.0;
/// The limit for the Rust consumer, which is built here without optimization and takes about ten times as long.
const UNOPTIMIZED_SECONDS: f64 = 3.0;
/// Most resident memory of a consumer.
const MEMORY_KIB: u64 = 256 * 1024;
/// The time for which records are tried, in seconds, if the nightly workflow does not set it.
const HOSTILE_SECONDS: (&str, u64) = ("HOSTILE_SECONDS", 20);

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn hostile_records_cost_every_consumer_only_themselves() {
    let program = &workspace::build(&["hostile"]).unwrap()["hostile"];
    let file = workspace::target_dir().unwrap().join("consumers/hostile.jsonl");
    let (variable, default) = HOSTILE_SECONDS;
    let seconds = env::var(variable).map_or(default, |it| it.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    // The first round repeats in every run. The others differ from run to run, and a failure names its seed.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let others = (0..).map(|round| now.as_secs() + round * ROUND);
    for seed in std::iter::once(1).chain(others) {
        let arguments =
            ["write".into(), file.clone(), seed.to_string().into(), ROUND.to_string().into()];
        passes(Command::new(program).args(arguments));
        round(program, &file);
        if Instant::now() > until {
            break;
        }
    }
}

/// Lets every consumer read the records in the file, and compares the results.
fn round(program: &Path, file: &Path) {
    let records = json_lines(&std::fs::read_to_string(file).unwrap());
    let consumers = [
        ("Rust", read(Command::new(program).arg("read").arg(file))),
        ("Python", read(python_in("tests.hostile").arg(file))),
        // Half of the memory for V8's heap, as in a function with 256 MB; without it V8 sees no reason to collect garbage.
        ("Node", read(node_in("--max-old-space-size=128").arg("tests/hostile.mjs").arg(file))),
    ];
    for (at, record) in records.iter().enumerate() {
        let name = &record["name"];
        let [rust, ..] = &consumers;
        for (consumer, read) in &consumers {
            let events = &read[at]["events"];
            let seconds = read[at]["seconds"].as_f64().unwrap();
            let most = if *consumer == "Rust" { UNOPTIMIZED_SECONDS } else { SECONDS };
            assert!(seconds <= most, "{consumer} took {seconds} s for {name}");
            // Damaged records are read as far as each language's library reads them.
            if record["good"].is_null() {
                continue;
            }
            let good = events.as_array().unwrap().iter().filter(|it| it[0] == "good");
            let good: Value = good.map(|it| it[1].clone()).collect();
            assert_eq!(good, record["good"], "{consumer} lost good lines of {name}");
            assert_eq!(*events, rust.1[at]["events"], "{consumer} and Rust differ on {name}");
        }
    }
    for (consumer, read) in &consumers {
        let peak = read[records.len()]["peakKiB"].as_u64().unwrap();
        // Other systems use another unit.
        assert!(peak <= MEMORY_KIB || !cfg!(target_os = "linux"), "{consumer} took {peak} KiB");
    }
}

fn read(command: &mut Command) -> Vec<Value> {
    json_lines(&passes(command))
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}
