//! Frequent invocations: how many of their events are duplicated, and how many of them are held open.

use std::ops::Range;

use super::super::wiring::{Wiring, none};
use super::*;

const INVOCATIONS: u64 = 500;
/// The number of first invocations that do not count. Only after them the rate and the duration are known.
const WARM_UP: u64 = 40;
const MAX_AGE: Duration = Duration::from_secs(5);
/// The number of lines per invocation. They are few and long, so that the test is quick.
const LINES: u64 = 10;

/// A function, and the stream of its environment.
struct Function {
    strategy: &'static str,
    /// How long it runs, in milliseconds.
    run: Range<u64>,
    /// The pause from the end of one invocation to the start of the next, in milliseconds.
    pause: u64,
    service: Arc<FakeService>,
}

/// The results for its invocations and events.
#[derive(Debug)]
struct Outcome {
    /// How long each invocation was held after its function had finished, in ascending order.
    held: Vec<Duration>,
    /// The largest age of an event that an invocation left queued.
    oldest: Duration,
    events: u64,
    duplicates: u64,
}

impl Outcome {
    fn p99(&self) -> Duration {
        self.held[self.held.len() * 99 / 100]
    }

    /// Returns the number of invocations that were held for a millisecond or longer.
    fn count_held(&self) -> usize {
        self.held.iter().filter(|held| held.as_millis() >= 1).count()
    }
}

async fn live(function: Function, seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(seed);
    let Function { strategy, run, pause, service } = function;
    let stream = service.clone();
    let wiring = Wiring {
        variables: &[("FLUSH", strategy), ("MAX_AGE_MS", "5000")],
        bound: 8_000_000,
        ..Wiring::default()
    };
    let mut process =
        wiring.start(|memory| Stream::new(stream, memory.clone(), 8_000_000), none::<Stream>);
    process.calls_next(Duration::from_secs(1)).await;
    let mut outcome =
        Outcome { held: Vec::new(), oldest: Duration::ZERO, events: 0, duplicates: 0 };
    let mut left: Option<String> = None;
    for number in 0..INVOCATIONS {
        let ms = rng.u64(run.clone());
        process.answer(invoke_with(30_000, &format!("r-{number}")));
        if number > 0 {
            // The process was frozen: none of its code ran meanwhile, and it finds the response afterwards.
            service.thaw();
            tokio::time::advance(Duration::from_millis(pause)).await;
        }
        // Lambda had buffered this when it froze the environment.
        if let Some(left) = left.take() {
            process.bodies.post(&left);
        }
        let half = Duration::from_micros(ms * 500);
        tokio::time::sleep(half).await;
        process.bodies.post(&lines(number));
        tokio::time::sleep(half).await;
        let finished = Instant::now();
        let done = done(number, ms);
        // Lambda hands this over after a while, or after the freeze.
        let buffered = Duration::from_millis(25);
        if tokio::time::timeout(buffered, process.calls_next(buffered * 2)).await.is_ok() {
            left = Some(done);
        } else {
            process.bodies.post(&done);
            process.calls_next(Duration::from_secs(10)).await;
        }
        let held = finished.elapsed();
        if number >= WARM_UP {
            outcome.held.push(held);
            let oldest = process.queue.lock().unwrap().oldest();
            let age = oldest.map(|oldest| Instant::from_std(oldest).elapsed()).unwrap_or_default();
            outcome.oldest = outcome.oldest.max(age);
        }
        service.freeze();
    }
    process.answer(shutdown());
    assert!(process.life.await.unwrap(), "it ends normally");
    let arrived = Arrived::of(service.stored());
    outcome.events = arrived.events.len() as u64;
    assert!(outcome.events >= INVOCATIONS * (LINES + 1), "{outcome:?}");
    outcome.duplicates = arrived.duplicates as u64;
    outcome.held.sort_unstable();
    outcome
}

fn lines(number: u64) -> String {
    let line = |n| {
        let text = format!("{number} {n} {}", "x".repeat(2_900));
        format!(r#"{{"time":"2026-01-02T03:04:05.678Z","type":"function","record":"{text}"}}"#)
    };
    format!("[{}]", (0..LINES).map(line).collect::<Vec<_>>().join(","))
}

fn done(number: u64, ms: u64) -> String {
    format!(
        r#"[{{"type":"platform.runtimeDone","record":{{"requestId":"r-{number}","status":"success","metrics":{{"durationMs":{ms}}}}}}}]"#
    )
}

/// Runs a function with several seeds.
fn play(function: impl Fn(Arc<FakeService>) -> Function) -> Vec<Outcome> {
    let play = |seed| {
        let service = FakeService::new(Rng::with_seed(seed)).reliable(8..12);
        in_controlled_time(live(function(service), seed))
    };
    (1..=3).map(play).collect()
}

#[test]
fn a_busy_function_is_not_held_and_its_events_arrive_once() {
    for (strategy, run, pause) in [
        ("adaptive", 20..25, 5),
        ("adaptive", 25..60, 5),
        ("adaptive", 200..210, 300),
        ("start", 25..60, 5),
        ("start", 900..1_000, 3_000),
    ] {
        for outcome in play(|service| Function { strategy, run: run.clone(), pause, service }) {
            let name = format!("{strategy} {run:?}: {outcome:?}");
            assert!(outcome.p99() < Duration::from_millis(1), "{name}");
            assert!(outcome.duplicates * 1_000 <= outcome.events, "{name}");
            assert!(outcome.oldest <= MAX_AGE + Duration::from_millis(run.end + pause), "{name}");
        }
    }
}

#[test]
fn at_most_one_in_twenty_short_busy_invocations_is_held() {
    for (strategy, pause) in [("adaptive", 30), ("adaptive", 700), ("start", 30), ("start", 700)] {
        let run = 1..6;
        let all = play(|service| Function {
            strategy,
            run: run.clone(),
            pause,
            service: service.surviving_freezes(),
        });
        for outcome in all {
            let name = format!("{strategy} {pause}: {outcome:?}");
            assert!(outcome.count_held() * 20 <= outcome.held.len(), "{name}");
            assert!(outcome.duplicates * 1_000 <= outcome.events, "{name}");
            assert!(outcome.oldest <= MAX_AGE + Duration::from_millis(run.end + pause), "{name}");
        }
    }
}
