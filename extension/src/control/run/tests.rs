mod shutdown;
mod snapshot;
mod storm;
mod wiring;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use extension_spec::limits;
use wiring::{Bodies, Wiring, invoke, invoke_with, none, shutdown_for};

use super::*;
use crate::base::clock::now_ms;
use crate::lambda::extensions::Next;
use crate::pack::Record;
use crate::pack::sink::{Answer, Failure};

/// The records that a process has delivered so far, and its telemetry.
struct Bench {
    taken: Arc<Mutex<Vec<String>>>,
    bodies: Bodies,
}

/// A sink that accepts every record. During its first request this body arrives.
struct Taking {
    taken: Arc<Mutex<Vec<String>>>,
    during: Arc<Mutex<Option<(Bodies, &'static str)>>>,
    /// The number of first requests that panic.
    panics: Mutex<u32>,
    /// The number of first requests that are never answered.
    silences: Mutex<u32>,
}

impl Sink for Taking {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        assert!(!is_due(&self.panics), "an injected panic");
        if is_due(&self.silences) {
            std::future::pending::<()>().await;
        }
        for record in records {
            self.taken.lock().unwrap().push(String::from_utf8(record.data.to_vec()).unwrap());
        }
        if let Some((bodies, body)) = self.during.lock().unwrap().take() {
            bodies.post(body);
        }
        Ok(records.iter().map(|_| Ok(())).collect())
    }

    fn reset(&self) {}
}

/// Returns true for one of the first requests.
fn is_due(left: &Mutex<u32>) -> bool {
    let mut left = left.lock().unwrap();
    let is_due = *left > 0;
    *left = left.saturating_sub(1);
    is_due
}

/// The faults and delays of a test.
#[derive(Default)]
struct Faults {
    during_first_put: Option<&'static str>,
    panics: u32,
    silences: u32,
    /// The pause between invocations.
    idle: Duration,
    /// How long the breaker stays open, if not only briefly.
    pause: Option<Duration>,
}

impl Bench {
    /// Runs a process with these answers of `next`. `on_next` is called with the number of each call and the records
    /// accepted before it, and may send bodies.
    async fn live(
        variables: &[(&str, &str)],
        Faults { during_first_put, panics, silences, idle, pause }: Faults,
        answers: Vec<Next>,
        on_next: impl Fn(usize, &Bench),
    ) -> Vec<String> {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let during = Arc::new(Mutex::new(None));
        let sink = Taking {
            taken: taken.clone(),
            during: during.clone(),
            panics: Mutex::new(panics),
            silences: Mutex::new(silences),
        };
        let first_pause = pause.unwrap_or(Duration::from_millis(40));
        let wiring = Wiring { variables, first_pause, ..Wiring::default() };
        let mut process = wiring.start(|_| sink, none::<Taking>);
        *during.lock().unwrap() = during_first_put.map(|body| (process.bodies.clone(), body));
        let bench = Bench { taken, bodies: process.bodies.clone() };
        for (number, answer) in answers.into_iter().enumerate() {
            process.calls_next(Duration::from_hours(2)).await;
            tokio::time::sleep(idle).await;
            on_next(number, &bench);
            // The answer takes time to arrive, in which the loop reads the posted bodies.
            tokio::time::sleep(Duration::from_millis(1)).await;
            process.answer(answer);
        }
        assert!(process.life.await.unwrap(), "it ended normally");
        bench.taken.lock().unwrap().clone()
    }

    fn has(&self, text: &str) -> bool {
        self.taken.lock().unwrap().iter().any(|record| record.contains(text))
    }
}

fn shutdown() -> Next {
    shutdown_for("spindown")
}

/// Returns a body with a line and the end of the function.
fn line_and_done(line: &str, request_id: &str) -> String {
    format!(
        r#"[{{"type":"function","record":"{line}"}},{{"type":"platform.runtimeDone","record":{{"requestId":"{request_id}"}}}}]"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_body_that_arrives_during_the_last_request_is_delivered() {
    let report = r#"[{"type":"platform.report","record":"the last"}]"#;
    let taken = Bench::live(
        &[],
        Faults { during_first_put: Some(report), ..Faults::default() },
        vec![shutdown()],
        |_, bench| {
            bench.bodies.post(r#"[{"type":"function","record":"a line"}]"#);
        },
    )
    .await;
    assert!(taken.concat().contains("a line") && taken.concat().contains("the last"), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_under_the_same_id_is_held_like_the_first_attempt() {
    let answers = vec![invoke("r-1"), invoke("r-1"), shutdown()];
    Bench::live(&[], Faults::default(), answers, |number, bench| match number {
        0 => bench.bodies.post(&line_and_done("first", "r-1")),
        1 => {
            assert!(bench.has("first"));
            bench.bodies.post_later(line_and_done("second", "r-1"));
        }
        _ => assert!(bench.has("second"), "delivered before `next` was called again"),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_before_its_invoke_does_not_hold_the_invocation() {
    let started = Instant::now();
    Bench::live(&[], Faults::default(), vec![invoke("r-1"), shutdown()], |number, bench| {
        if number == 0 {
            bench.bodies.post(&line_and_done("early", "r-1"));
        } else {
            assert!(bench.has("early"));
        }
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(8), "the hold would last until the deadline");
}

#[tokio::test(start_paused = true)]
async fn unreadable_telemetry_does_not_hold_the_invocation_long() {
    let started = Instant::now();
    let answers = vec![invoke("r-1"), shutdown()];
    Bench::live(&[("FLUSH_TIMEOUT_MS", "100")], Faults::default(), answers, |number, bench| {
        if number == 0 {
            bench.bodies.post_later("[{\"type\":\"platform.runtimeDone\",".to_owned());
        } else {
            assert!(bench.has("quarantine"));
        }
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_delivery_loses_no_event() {
    let answers = vec![invoke("r-1"), invoke("r-2"), shutdown()];
    let faults = Faults { panics: 1, ..Faults::default() };
    let taken = Bench::live(&[], faults, answers, |number, bench| match number {
        0 => bench.bodies.post(&line_and_done("first", "r-1")),
        1 => bench.bodies.post(&line_and_done("second", "r-2")),
        _ => {}
    })
    .await;
    assert!(taken.concat().contains("first") && taken.concat().contains("second"), "{taken:?}");
}

/// Runs invocations while Kinesis is silent at first. Returns true if one continued before the previous one's line had
/// arrived.
async fn through_silence(strategy: &str) -> bool {
    let lines = 40;
    let mut answers: Vec<Next> = (0..lines).map(|n| invoke(&format!("r-{n}"))).collect();
    answers.push(shutdown());
    let faults = Faults { silences: 8, idle: Duration::from_millis(30), ..Faults::default() };
    let was_behind = std::cell::Cell::new(false);
    let settings =
        [("FLUSH", strategy), ("FLUSH_TIMEOUT_MS", "100"), ("MAX_BATCH_RECORDS_ITEMS", "1")];
    Bench::live(&settings, faults, answers, |number, bench| {
        if number < lines {
            let before = number.saturating_sub(1);
            was_behind
                .set(was_behind.get() || (number > 3 && !bench.has(&format!("line {before}!"))));
            let (line, request) = (format!("line {number}!"), format!("r-{number}"));
            bench.bodies.post_later(line_and_done(&line, &request));
        } else {
            // The last lines may arrive after the last invocation if it is not held open for them.
            let missing = (0..lines - 5).find(|n| !bench.has(&format!("line {n}!")));
            assert_eq!(missing, None, "delivered before SHUTDOWN");
        }
    })
    .await;
    was_behind.get()
}

#[tokio::test(start_paused = true)]
async fn while_kinesis_is_silent_invocations_continue_and_are_probed() {
    for strategy in ["end", "start"] {
        let was_behind = through_silence(strategy).await;
        assert!(was_behind, "{strategy}: some invocation must not have been held");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_flush_events_are_sent_while_a_function_runs() {
    let line = |word: &str| format!(r#"[{{"type":"function","record":"{word}"}}]"#);
    let settings = [
        ("FLUSH", "start"),
        ("FLUSH_TIMEOUT_MS", "100"),
        ("MAX_AGE_MS", "100"),
        ("MAX_BATCH_RECORDS_ITEMS", "1"),
    ];
    // The second `next` is answered long after the pause that follows a failure.
    let faults = Faults { silences: 2, idle: Duration::from_millis(2_500), ..Faults::default() };
    Bench::live(&settings, faults, vec![invoke("r-1"), shutdown()], |number, bench| {
        if number == 0 {
            bench.bodies.post(&line("early"));
            bench.bodies.post_after(Duration::from_millis(500), line("late"));
        } else {
            assert!(
                bench.has("early") && bench.has("late"),
                "delivered while the function was running"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn flushes_cut_short_by_a_timeout_do_not_open_the_breaker() {
    // The remaining 120 ms are too short for a conclusive flush.
    let short = 20;
    let mut answers: Vec<Next> = (0..short).map(|n| invoke_with(120, &format!("r-{n}"))).collect();
    answers.extend([invoke("r-20"), shutdown()]);
    let pause = Some(Duration::from_mins(1));
    let faults = Faults { silences: 3, pause, ..Faults::default() };
    Bench::live(&[("FLUSH_TIMEOUT_MS", "2000")], faults, answers, |number, bench| {
        if number <= short {
            let body = line_and_done(&format!("line {number}!"), &format!("r-{number}"));
            bench.bodies.post_after(Duration::from_millis(10), body);
        } else {
            assert!(bench.has("line 20!"), "the last invocation was held");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_runtime_done_stops_waits_until_one_arrives() {
    let answers = vec![
        invoke_with(1_200, "r-1"),
        invoke_with(20_000, "r-2"),
        invoke_with(20_000, "r-3"),
        shutdown(),
    ];
    let calls = Mutex::new(vec![Instant::now()]);
    Bench::live(&[("FLUSH_TIMEOUT_MS", "100")], Faults::default(), answers, |number, bench| {
        calls.lock().unwrap().push(Instant::now());
        if number == 2 {
            // This is too late for the invocation it belongs to.
            bench.bodies.post(&line_and_done("late", "r-2"));
            bench.bodies.post_after(Duration::from_millis(300), line_and_done("line", "r-3"));
        }
    })
    .await;
    let calls = calls.lock().unwrap();
    let held: Vec<u128> = calls.windows(2).skip(1).map(|it| (it[1] - it[0]).as_millis()).collect();
    assert!(held[0] >= 900, "the first invocation waits: {held:?}");
    assert!(held[1] < 10_000, "the second does not: {held:?}");
    assert!(held[2] >= 250, "the third waits again: {held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_whose_end_precedes_its_invoke_is_not_held() {
    let answers = vec![invoke("r-1"), invoke("r-1"), invoke("r-2"), shutdown()];
    let calls = Mutex::new(Vec::new());
    Bench::live(&[], Faults::default(), answers, |number, bench| {
        calls.lock().unwrap().push(Instant::now());
        match number {
            0 => bench.bodies.post_later(line_and_done("first", "r-1")),
            1 => bench.bodies.post(&line_and_done("second", "r-1")),
            2 => bench.bodies.post_later(line_and_done("third", "r-2")),
            _ => assert!(bench.has("second") && bench.has("third")),
        }
    })
    .await;
    let calls = calls.lock().unwrap();
    let held = calls[2] - calls[1];
    assert!(held < Duration::from_secs(1), "the hold would last until the deadline: {held:?}");
}

#[tokio::test(start_paused = true)]
async fn every_function_is_held_until_its_last_line_is_delivered() {
    for timeout in [900_000, limits::FUNCTION_TIMEOUT_MS, limits::MANAGED_FUNCTION_TIMEOUT_MS] {
        let answers = vec![invoke_with(timeout, "r-1"), shutdown()];
        Bench::live(&[("FLUSH", "end")], Faults::default(), answers, |number, bench| {
            if number == 0 {
                let finished = Duration::from_millis(timeout - 10_000);
                bench.bodies.post_after(finished, line_and_done("the last", "r-1"));
            } else {
                assert!(bench.has("the last"), "with a timeout of {timeout} ms");
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_holds_no_invocation_beyond_the_timeout() {
    let start = |id: &str| {
        let time = humantime::format_rfc3339_millis(clock::wall());
        format!(r#"[{{"time":"{time}","type":"platform.start","record":{{"requestId":"{id}"}}}}]"#)
    };
    // The second deadline is an hour away on our clock, and the end is never read.
    let answers = vec![invoke_with(3_000, "r-1"), invoke_with(3_600_000, "r-2"), shutdown()];
    let calls = Mutex::new(Vec::new());
    Bench::live(&[], Faults::default(), answers, |number, bench| {
        calls.lock().unwrap().push(Instant::now());
        if number == 0 {
            bench.bodies.post(&start("r-1"));
            bench.bodies.post_later(line_and_done("line", "r-1"));
        }
    })
    .await;
    let calls = calls.lock().unwrap();
    let held = calls[2] - calls[1];
    assert!(held < Duration::from_secs(4), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn an_invocation_without_an_id_is_held_until_the_next_end() {
    let answers = vec![invoke_with(900_000, ""), shutdown()];
    let calls = Mutex::new(Vec::new());
    Bench::live(&[], Faults::default(), answers, |number, bench| {
        calls.lock().unwrap().push(Instant::now());
        if number == 0 {
            bench.bodies.post_later(line_and_done("line", "the true id"));
        } else {
            assert!(bench.has("line"));
        }
    })
    .await;
    let calls = calls.lock().unwrap();
    assert!(calls[1] - calls[0] < Duration::from_secs(1), "{:?}", calls[1] - calls[0]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_learned_too_short_is_corrected_by_the_next_start() {
    let start = |id: &str, late: u64| {
        let time = clock::wall() + Duration::from_secs(late);
        let time = humantime::format_rfc3339_millis(time);
        format!(r#"[{{"time":"{time}","type":"platform.start","record":{{"requestId":"{id}"}}}}]"#)
    };
    let answers = vec![invoke_with(30_000, "r-1"), invoke_with(30_000, "r-2"), shutdown()];
    Bench::live(&[], Faults::default(), answers, |number, bench| match number {
        0 => {
            // This happens after an init that was repeated within the invocation.
            bench.bodies.post(&start("r-1", 20));
            bench.bodies.post_later(line_and_done("first", "r-1"));
        }
        1 => {
            bench.bodies.post(&start("r-2", 0));
            let finished = Duration::from_secs(20);
            bench.bodies.post_after(finished, line_and_done("the last", "r-2"));
        }
        _ => assert!(bench.has("the last"), "the invocation was held until its end"),
    })
    .await;
}
