//! Environments that deliver only some invocations, judged by what the platform generated.
//!
//! Lines arrive before the start of their invocation, after its end, in the millisecond of a start, or late.
//! Invocations fail, are slow, are repeated under the same id, or never end. In half of the environments the stream has
//! faults.

use std::time::SystemTime;

use extension_sandbox::judge::{Invocation, Judge, Judgement, Line, Rules};
use serde_json::json;

use super::super::wiring::{Process, Wiring, none};
use super::*;

/// The number of environments of every test run. The workflow `nightly` runs more (`SELECTION_LIVES`).
const LIVES: u64 = 300;
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
/// How long Lambda buffers.
const BUFFER: Duration = Duration::from_millis(25);

/// An environment that is being run.
struct Life {
    rng: Rng,
    process: Process,
    judge: Judge,
    /// Events that the platform has generated but not handed over.
    buffered: Vec<String>,
    lines: u64,
    /// The number of invocations with lines that were handed over after the start of the next one.
    late: u64,
    /// The texts of the ends of failed functions, with the lines that were handed over before them.
    ends: Vec<(String, Vec<String>)>,
}

/// Totals over all environments.
#[derive(Debug, Default)]
struct Totals {
    leaked: usize,
    ordinary: usize,
    discarded: u64,
    late: u64,
}

fn now_ms() -> u64 {
    let since = clock::now().wall.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn event(time_ms: u64, event_type: &str, record: &serde_json::Value) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(time_ms);
    let time = humantime::format_rfc3339_millis(time);
    format!(r#"{{"time":"{time}","type":"{event_type}","record":{record}}}"#)
}

impl Life {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    /// Generates a line that the function writes now.
    fn line(&mut self, invocation: Option<usize>) -> String {
        self.lines += 1;
        let level = match self.rng.u8(..60) {
            0..3 => 4,
            3 => 3,
            4..20 => 1,
            _ => 2,
        };
        let has_level = !self.one_in(8);
        let id = invocation.map(|index| self.judge.invocations[index].id.clone());
        // A line from a thread of an earlier invocation names its request.
        let is_foreign = invocation.is_some_and(|it| it + 1 < self.judge.invocations.len());
        let names_it = is_foreign || self.one_in(3);
        let mut record = json!({ "message": format!("line {}", self.lines) });
        if has_level {
            record["level"] = LEVELS[usize::from(level)].into();
        }
        if let Some(id) = id.filter(|_| names_it) {
            record["requestId"] = id.into();
        }
        let time_ms = now_ms();
        let text = event(time_ms, "function", &record);
        let level = has_level.then_some(level);
        self.judge.lines.push(Line { text: text.clone(), invocation, time_ms, level });
        text
    }

    fn post(&self, events: &[String]) {
        if !events.is_empty() {
            _ = self.process.bodies.try_post(&format!("[{}]", events.join(",")));
        }
    }

    /// Hands over the buffered events except some lines. Lines may come in any order, the platform's events keep
    /// theirs.
    fn hand_over(&mut self) {
        let events = std::mem::take(&mut self.buffered);
        let is_platform = |event: &String| event.contains(r#""type":"platform"#);
        let (platform, mut lines): (Vec<_>, Vec<_>) = events.into_iter().partition(is_platform);
        if self.one_in(3) {
            self.rng.shuffle(&mut lines);
        }
        let later = if self.one_in(2) { self.rng.usize(..=lines.len()) } else { 0 };
        self.buffered = lines.split_off(lines.len() - later);
        let mut at = 0;
        for event in platform {
            at = self.rng.usize(at..=lines.len());
            lines.insert(at, event);
            at += 1;
        }
        self.post(&lines);
    }

    async fn invoke(&mut self, number: u64) {
        let last = self.judge.invocations.last();
        let id = match last.map(|last| last.id.clone()) {
            Some(id) if self.one_in(10) => id,
            _ => format!("r-{number}"),
        };
        self.process.answer(invoke_with(10_000, &id));
        let start_ms = now_ms();
        let index = self.judge.invocations.len();
        if index > 0 && self.one_in(8) {
            // This line is within the millisecond of the start, and belongs to the previous invocation.
            let line = self.line(Some(index - 1));
            self.buffered.push(line);
            self.late += 1;
        }
        self.judge.invocations.push(Invocation {
            id: id.clone(),
            start_ms,
            ..Invocation::default()
        });
        // The platform's own events keep their order.
        let start = event(start_ms, "platform.start", &json!({ "requestId": id }));
        let is_line = |event: &String| event.contains(r#""type":"function""#);
        match self.rng.u8(..6) {
            // Lines of the previous invocation are late.
            0 if self.buffered.iter().all(is_line) => {
                self.late += u64::from(!self.buffered.is_empty());
                self.post(&[start]);
            }
            // Lines overtake the start of their invocation.
            1 if self.buffered.is_empty() => {
                let line = self.line(Some(index));
                self.post(&[line]);
                self.buffered.push(start);
            }
            0..3 => {
                let events = std::mem::replace(&mut self.buffered, vec![start]);
                self.post(&events);
            }
            _ => {
                // Some of them may be handed over after the start.
                self.late += u64::from(self.buffered.iter().any(is_line));
                self.buffered.insert(0, start);
            }
        }
        if self.one_in(4) {
            // This line is within the millisecond of the start, so it may be a late one of the previous invocation.
            let line = self.line(Some(index));
            self.buffered.push(line);
            self.late += 1;
        }
        if !self.one_in(5) {
            let events = std::mem::take(&mut self.buffered);
            self.post(&events);
        }
        let began = Instant::now();
        for _ in 0..self.rng.u32(..6) {
            tokio::time::sleep(Duration::from_millis(self.rng.u64(1..60))).await;
            let before = index.checked_sub(1).map(|before| &self.judge.invocations[before].id);
            let is_foreign = before.is_some_and(|before| *before != id) && self.one_in(15);
            let line = self.line(Some(if is_foreign { index - 1 } else { index }));
            self.late += u64::from(is_foreign);
            self.buffered.push(line);
            if self.one_in(2) {
                self.hand_over();
            }
        }
        if self.one_in(30) {
            self.lose_telemetry();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let duration_ms = began.elapsed().as_secs_f64() * 1_000.0;
        let status = ["success", "success", "success", "success", "error"][self.rng.usize(..5)];
        let invocation = &mut self.judge.invocations[index];
        (invocation.status, invocation.duration_ms) = (Some(status.to_owned()), duration_ms);
        let metrics = json!({ "durationMs": duration_ms });
        let record = json!({ "requestId": id, "status": status, "metrics": metrics });
        let done = event(now_ms(), "platform.runtimeDone", &record);
        if status != "success" && self.buffered.is_empty() {
            let of_it = self.judge.lines.iter().filter(|line| line.invocation == Some(index));
            let lines = of_it.map(|line| line.text.clone()).collect();
            self.ends.push((done.clone(), lines));
        }
        // The start of the invocation precedes its end; the end may overtake lines.
        let is_start = |event: &String| event.contains("platform.start");
        let at = self.buffered.iter().position(is_start).map_or(0, |at| at + 1);
        let at = if self.one_in(2) { at } else { self.buffered.len() };
        self.buffered.insert(at, done);
        if self.one_in(3) {
            // A thread of the function continues.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let line = self.line(Some(index));
            self.buffered.push(line);
        }
        if self.one_in(2) {
            tokio::time::sleep(BUFFER).await;
            let events = std::mem::take(&mut self.buffered);
            self.post(&events);
        }
        if self.process.asked.is_empty() {
            // The invocation is held until the extension knows its end.
            let events = std::mem::take(&mut self.buffered);
            self.post(&events);
        }
        self.process.calls_next(Duration::from_secs(10)).await;
    }

    /// Drops telemetry of the last two invocations, so that everything undecided is delivered.
    fn lose_telemetry(&mut self) {
        let lost = match self.rng.u8(..3) {
            0 => event(now_ms(), "platform.logsDropped", &json!({ "droppedRecords": 1 })),
            1 => "\"no event\"".to_owned(),
            _ => r#"{"type":"platform.start","record":NaN}"#.to_owned(),
        };
        let mut events = std::mem::take(&mut self.buffered);
        events.push(lost);
        self.post(&events);
        let mut invocations = self.judge.invocations.iter_mut().rev();
        if let Some(open) = invocations.next() {
            open.is_kept = true;
        }
        if let Some(before) = invocations.next() {
            before.may_be_kept = true;
        }
    }
}

async fn play(seed: u64, totals: &mut Totals) {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(seed);
    let service = FakeService::new(rng.fork());
    let has_faults = rng.bool();
    let service = if has_faults { service } else { service.reliable(1..20) };
    let (keep, failed, level, slow_ms) = [
        ("failed,level:error", true, Some(4), None),
        ("level:warn", false, Some(3), None),
        ("slow:150", false, None, Some(150.0)),
        ("failed, level:error, slow:200", true, Some(4), Some(200.0)),
    ][rng.usize(..4)];
    let (share, sample) = [("0", 0.0), ("0.05", 0.05), ("0.3", 0.3)][rng.usize(..3)];
    let rules = Rules { sample, failed, level, slow_ms };
    let strategy = ["end", "start", "adaptive"][rng.usize(..3)];
    let variables =
        [("SAMPLE", share), ("KEEP", keep), ("FLUSH", strategy), ("BUFFER_TIMEOUT_MS", "25")];
    let wiring = Wiring { variables: &variables, ..Wiring::default() };
    let stream = service.clone();
    let mut process =
        wiring.start(|memory| Stream::new(stream, memory.clone(), 1_000_000), none::<Stream>);
    process.calls_next(Duration::from_secs(1)).await;
    let (judge, buffered, ends) = (Judge::default(), Vec::new(), Vec::new());
    let mut environment = Life { rng, process, judge, buffered, lines: 0, late: 0, ends };
    for _ in 0..environment.rng.u32(..3) {
        let line = environment.line(None);
        environment.buffered.push(line);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    environment.buffered.push(event(
        now_ms(),
        "platform.initRuntimeDone",
        &json!({ "status": "success" }),
    ));
    tokio::time::sleep(Duration::from_millis(2)).await;
    for number in 0..environment.rng.u64(2..16) {
        if has_faults {
            service.change();
        }
        service.freeze();
        let pause = environment.rng.u64(1..3_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        service.thaw();
        environment.invoke(number).await;
    }
    if has_faults {
        service.recover();
    }
    let reason = ["spindown", "timeout", "failure"][environment.rng.usize(..3)];
    if reason != "spindown" {
        fail_last(&mut environment, reason, &rules).await;
    }
    environment.process.answer(shutdown_for(reason));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let events = std::mem::take(&mut environment.buffered);
    environment.post(&events);
    let Life { process, judge, ends, late, .. } = environment;
    assert!(process.life.await.unwrap(), "it ends normally");
    let queue = process.queue.lock().unwrap();
    assert!(queue.ledger.balances(0), "{}", queue.ledger);
    assert!(queue.ledger.balances_read(), "{} were read: {}", queue.ledger.read, queue.ledger);
    assert_eq!(process.bodies.held(), 0, "memory is counted exactly");
    let selected = queue.ledger.selected.unwrap();
    assert_eq!(selected.undecided, 0);
    let arrived = Arrived::of(service.stored());
    // Some faults reject an event for good.
    let given_up = queue.ledger.shed.total();
    let last = arrived.events.keys().map(|(_, seq)| *seq).max().unwrap_or_default();
    let count = arrived.events.len() as u64;
    assert!((count..=count + given_up).contains(&last), "numbers have no gap");
    let numbers: BTreeMap<&String, u64> =
        arrived.events.iter().map(|((_, seq), text)| (text, *seq)).collect();
    for (end, lines) in &ends {
        for line in lines.iter().filter(|_| rules.failed && given_up == 0) {
            assert!(numbers[line] < numbers[end], "held lines are numbered before the end");
        }
    }
    let texts = arrived.events.into_values().collect();
    let Judgement { missing, incomplete, leaked, ordinary } = judge.judge(&rules, &texts);
    assert!(selected.late_remarkable <= late, "{} were late", selected.late_remarkable);
    let may_be_incomplete = selected.late_remarkable + given_up;
    assert!(incomplete.len() as u64 <= may_be_incomplete, "{missing:#?} are missing");
    totals.leaked += leaked.len();
    totals.ordinary += ordinary;
    totals.discarded += selected.sampled_out_events;
    totals.late += selected.late_remarkable;
}

/// Runs an invocation that ends the process, so that its end is never stated.
async fn fail_last(environment: &mut Life, reason: &str, rules: &Rules) {
    environment.process.answer(invoke_with(10_000, "the-last"));
    let start_ms = now_ms();
    let index = environment.judge.invocations.len();
    let status = rules.failed.then(|| reason.to_owned());
    let id = "the-last".to_owned();
    environment.judge.invocations.push(Invocation {
        id,
        start_ms,
        status,
        ..Invocation::default()
    });
    let start = event(start_ms, "platform.start", &json!({ "requestId": "the-last" }));
    environment.late += u64::from(!environment.buffered.is_empty());
    environment.buffered.insert(0, start);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let line = environment.line(Some(index));
    environment.buffered.push(line);
    environment.hand_over();
    environment.process.calls_next(Duration::from_secs(11)).await;
}

#[test]
fn only_remarkable_invocations_are_delivered_and_in_full() {
    let chosen = std::env::var("SELECTION_SEEDS").unwrap_or_default();
    let chosen: Vec<u64> = chosen.split(',').filter_map(|seed| seed.parse().ok()).collect();
    let lives = std::env::var("SELECTION_LIVES").ok().and_then(|lives| lives.parse().ok());
    let seeds = if chosen.is_empty() { (0..lives.unwrap_or(LIVES)).collect() } else { chosen };
    let mut totals = Totals::default();
    for seed in seeds {
        let environment = AssertUnwindSafe(|| in_controlled_time(play(seed, &mut totals)));
        if let Err(panic) = std::panic::catch_unwind(environment) {
            eprintln!("SELECTION_SEEDS={seed} runs this environment again");
            std::panic::resume_unwind(panic);
        }
    }
    eprintln!("{totals:?}");
    assert!(totals.leaked * 100 <= totals.ordinary, "{totals:?}");
    assert!(totals.discarded > 0 && totals.late > 0, "{totals:?}");
}
