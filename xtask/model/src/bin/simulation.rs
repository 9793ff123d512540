//! Simulates the cost of each flush strategy, and how late events arrive, for functions with different invocation
//! patterns.
//!
//! `cargo run --package xtask-model --bin simulation` prints the table of docs/flushing.md. It asks the extension's own policy; time,
//! Lambda and Kinesis are a model: the constants below.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::time::{Duration, Instant, SystemTime};

use extension_spec::{Config, variable};
use kinesis_telemetry_extension::{Backlog, LifecycleEvent, Moment, Policy};

/// The run time of the function, in milliseconds.
const FUNCTION: u64 = 50;
/// The time for which Lambda buffers telemetry, in milliseconds.
const BUFFER: u64 = 100;
/// A request to Kinesis and its answer.
const ROUND_TRIP: u64 = 15;
/// The time after which an unused environment is shut down, in milliseconds.
const SHUTDOWN: u64 = 6 * 60_000;
/// Lines and platform events of an invocation.
const EVENTS: u64 = 13;
/// Bytes of all of them.
const BYTES: usize = 7_000;

/// The starts of invocations, in milliseconds.
type Pattern = Vec<u64>;

fn main() {
    let patterns: [(&str, Pattern); 4] = [
        ("rare: one in five minutes", (0..300).map(|n| n * 300_000).collect()),
        ("steady: two a second", (0..20_000).map(|n| n * 500).collect()),
        ("bursts: 40 at ten a second, then two minutes of silence", bursts()),
        ("a day: from one a minute at night to five a second at noon", day()),
    ];
    println!(
        "| invocations | `FLUSH` | requests per 1,000 | billed time added to each, ms | age on arrival, p50 s | p99 s |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for (name, pattern) in &patterns {
        for strategy in ["end", "start", "adaptive"] {
            let Outcome { requests, added, mut ages } = play(strategy, pattern);
            ages.sort_unstable();
            let age = |percent: usize| {
                let millis = ages[(ages.len() * percent).div_ceil(100).max(1) - 1];
                Duration::from_millis(millis).as_secs_f64()
            };
            let count = pattern.len() as u64;
            let (per_thousand, each) = (requests * 1_000 / count, added / count);
            println!(
                "| {name} | `{strategy}` | {per_thousand} | {each} | {:.1} | {:.1} |",
                age(50),
                age(99)
            );
        }
    }
}

fn bursts() -> Pattern {
    (0..100).flat_map(|burst| (0..40).map(move |n| burst * 124_000 + n * 100)).collect()
}

fn day() -> Pattern {
    const DAY: u64 = 86_400_000;
    let mut at = 0;
    let mut pattern = Vec::new();
    while at < DAY {
        pattern.push(at);
        // The rate is a triangle: zero at midnight, the maximum at noon.
        let height = 1_000 - (at * 2_000 / DAY).abs_diff(1_000);
        at += 60_000 / (1 + 299 * height / 1_000);
    }
    pattern
}

#[derive(Default)]
struct Outcome {
    requests: u64,
    /// Milliseconds of billed time that no function used.
    added: u64,
    /// The times from the middle of an invocation to the arrival of its events, in milliseconds.
    ages: Vec<u64>,
}

/// Events that wait: when they were generated, and when they reached the extension.
struct Waiting {
    generated: u64,
    received: u64,
}

fn play(strategy: &str, pattern: &[u64]) -> Outcome {
    let config = extension_spec::load([(variable::FLUSH, strategy)]).config;
    let mut policy = Policy::new(&config);
    let start = Moment { monotonic: Instant::now(), wall: SystemTime::now() };
    policy.ran(Duration::from_millis(FUNCTION));
    policy.delivered(Duration::from_millis(ROUND_TRIP));
    let mut outcome = Outcome::default();
    let mut waiting: Vec<Waiting> = Vec::new();
    for (index, at) in pattern.iter().copied().enumerate() {
        let moment = start + Duration::from_millis(at);
        let now = moment.monotonic;
        policy.record(moment);
        // What Lambda had buffered when it froze the environment is handed over now.
        let oldest = waiting.iter().map(|it| it.received.min(at)).min();
        let backlog = Backlog {
            events: waiting.len() as u64 * EVENTS,
            has_full_record: waiting.len() * BYTES >= target(&config),
            oldest: oldest.map(|oldest| start.monotonic + Duration::from_millis(oldest)),
            is_pressing: false,
            is_snapshot_ahead: false,
        };
        let own = Waiting { generated: at + FUNCTION / 2, received: at + FUNCTION + BUFFER };
        match policy.on_invoke(&backlog, now) {
            LifecycleEvent::InvokeHeld => {
                waiting.push(own);
                outcome.added += BUFFER + ROUND_TRIP;
                deliver(&mut waiting, at + FUNCTION + BUFFER + ROUND_TRIP, &mut outcome);
            }
            LifecycleEvent::InvokeSent => {
                outcome.added += ROUND_TRIP.saturating_sub(FUNCTION);
                deliver(&mut waiting, at + ROUND_TRIP, &mut outcome);
                waiting.push(own);
            }
            _ => waiting.push(own),
        }
        // A pause that is long enough ends the environment; the next invocation begins in a new one.
        let next = pattern.get(index + 1).copied().unwrap_or(u64::MAX);
        if next - at > SHUTDOWN {
            deliver(&mut waiting, at + SHUTDOWN + ROUND_TRIP, &mut outcome);
        }
    }
    outcome
}

fn target(config: &Config) -> usize {
    config.target_record_bytes.size()
}

fn deliver(waiting: &mut Vec<Waiting>, at: u64, outcome: &mut Outcome) {
    if !waiting.is_empty() {
        outcome.requests += 1;
        outcome.ages.extend(waiting.drain(..).map(|it| at - it.generated));
    }
}
