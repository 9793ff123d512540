use super::*;
use crate::buffer::ledger::Selected;

/// An intake with a selection, and the events that it has delivered.
struct Selecting {
    intake: Intake,
    now: Moment,
    /// The records of the events, in the order of their numbers.
    passed: Vec<String>,
}

/// Creates an intake with these settings, `NAME=VALUE`, after the end of init.
fn selecting(settings: &[(&str, &str)]) -> Selecting {
    selecting_within(settings, usize::MAX)
}

/// Creates an intake with this many bytes for held lines.
fn selecting_within(settings: &[(&str, &str)], most_bytes: usize) -> Selecting {
    let settings = settings.iter().map(|(name, value)| {
        (format!("{}{name}", extension_spec::ENV_PREFIX), (*value).to_owned())
    });
    let config = extension_spec::load(settings).config;
    let intake = Intake::new(Source::new("f", "1", "i"), config.types.clone(), true);
    let selection = crate::ingest::selection::Selection::new(&config, most_bytes);
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let now = Moment { monotonic: Instant::now(), wall };
    let intake = intake.with_selection(selection);
    let mut it = Selecting { intake, now, passed: Vec::new() };
    it.post(&[platform(0, "initRuntimeDone", r#"{"status":"success"}"#)]);
    it.passed.clear();
    it
}

impl Selecting {
    fn post(&mut self, events: &[String]) -> &mut Self {
        let accepted = self.intake.accept(format!("[{}]", events.join(",")).as_bytes(), self.now);
        self.take(accepted);
        self
    }

    fn take(&mut self, accepted: Accepted) {
        for event in accepted.events {
            let event: serde_json::Value = serde_json::from_slice(&event.line).unwrap();
            let record = match &event["record"] {
                serde_json::Value::String(text) => text.clone(),
                record => record["message"].as_str().unwrap_or(&event["type"].to_string()).into(),
            };
            self.passed.push(record.trim_matches('"').replace("platform.", ""));
        }
    }

    /// Lets time pass.
    fn after(&mut self, ms: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(ms);
        self
    }

    fn conclude(&mut self) -> &mut Self {
        let accepted = self.intake.conclude(self.now);
        self.take(accepted);
        self
    }

    /// Returns what was delivered since the last call.
    fn passed(&mut self) -> String {
        std::mem::take(&mut self.passed).join(" ")
    }

    fn counts(&self) -> Selected {
        self.intake.selection().unwrap().counts()
    }
}

fn time(ms: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_000 + ms);
    humantime::format_rfc3339_millis(time).to_string()
}

fn platform(ms: u64, name: &str, record: &str) -> String {
    let time = time(ms);
    format!(r#"{{"time":"{time}","type":"platform.{name}","record":{record}}}"#)
}

fn start(ms: u64, request_id: &str) -> String {
    platform(ms, "start", &format!(r#"{{"requestId":"{request_id}"}}"#))
}

fn done(ms: u64, request_id: &str, status: &str) -> String {
    let record = format!(r#"{{"requestId":"{request_id}","status":"{status}"}}"#);
    platform(ms, "runtimeDone", &record)
}

fn line(ms: u64, text: &str) -> String {
    let time = time(ms);
    format!(r#"{{"time":"{time}","type":"function","record":"{text}"}}"#)
}

fn levelled(ms: u64, level: &str, text: &str) -> String {
    let (time, record) = (time(ms), format!(r#"{{"level":"{level}","message":"{text}"}}"#));
    format!(r#"{{"time":"{time}","type":"function","record":{record}}}"#)
}

const NONE: &[(&str, &str)] = &[("SAMPLE", "0")];

#[test]
fn lines_of_a_failed_invocation_are_numbered_before_its_end() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one")]).post(&[line(12, "two")]);
    assert_eq!(it.passed(), "start", "held");
    it.post(&[done(20, "a", "error"), line(19, "three")]);
    assert_eq!(it.passed(), "one two runtimeDone three");
    it.post(&[line(18, "late")]);
    assert_eq!(it.passed(), "late");
}

#[test]
fn an_ordinary_invocation_is_discarded_when_the_next_one_starts() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one"), done(20, "a", "success")]);
    it.post(&[line(19, "late")]);
    assert_eq!((&*it.passed(), it.counts().undecided), ("start runtimeDone", 2));
    it.post(&[start(30, "b")]);
    assert_eq!(it.passed(), "start");
    it.post(&[line(15, "too late")]);
    let counts = it.counts();
    assert_eq!((counts.sampled_out_invocations, counts.sampled_out_events), (1, 3));
    assert_eq!((&*it.passed(), counts.undecided), ("", 0));
}

#[test]
fn an_ordinary_invocation_is_discarded_after_the_buffer_time() {
    let mut it = selecting(&[("SAMPLE", "0"), ("BUFFER_TIMEOUT_MS", "100")]);
    it.post(&[start(10, "a"), line(11, "one"), done(20, "a", "success")]);
    it.after(99).post(&[line(12, "two")]);
    assert_eq!(it.counts().undecided, 2);
    it.after(1).post(&[line(13, "three")]);
    assert_eq!(it.counts().sampled_out_events, 3);
}

#[test]
fn a_deciding_line_releases_everything_before_and_after_it() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one"), levelled(12, "ERROR", "two"), line(13, "three")]);
    assert_eq!(it.passed(), "start one two three");
    it.post(&[done(20, "a", "success"), start(30, "b"), levelled(31, "WARN", "four")]);
    assert_eq!(it.passed(), "runtimeDone start", "the next invocation is not affected");
}

#[test]
fn a_late_deciding_line_is_delivered_and_counted() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one"), done(20, "a", "success")]).post(&[start(30, "b")]);
    it.passed();
    it.post(&[levelled(19, "ERROR", "late"), line(18, "later")]);
    assert_eq!((&*it.passed(), it.counts().late_remarkable), ("late later", 1));
}

#[test]
fn a_line_of_unknown_level_makes_nothing_remarkable() {
    let mut it = selecting(&[("SAMPLE", "0"), ("KEEP", "level:trace")]);
    it.post(&[start(10, "a"), line(11, "one")]);
    assert_eq!(it.passed(), "start");
    it.post(&[levelled(12, "trace", "two")]);
    assert_eq!(it.passed(), "one two");
}

#[test]
fn a_slow_invocation_is_remarkable_by_its_stated_duration() {
    let mut it = selecting(&[("SAMPLE", "0"), ("KEEP", "slow:100")]);
    let end = |ms, id: &str, duration: &str| {
        let metrics = format!(r#"{{"durationMs":{duration}}}"#);
        let record = format!(r#"{{"requestId":"{id}","status":"error","metrics":{metrics}}}"#);
        platform(ms, "runtimeDone", &record)
    };
    it.post(&[start(10, "a"), line(11, "one"), end(20, "a", "100.0"), start(30, "b")]);
    it.post(&[line(31, "two"), end(140, "b", "100.1")]);
    assert_eq!(it.passed(), "start runtimeDone start two runtimeDone");
}

#[test]
fn a_sampled_invocation_passes_at_once() {
    // The SHA-256 of `a` starts with ca97, which is 0.7914 of 2^16; that of the root trace id with ea21, which is
    // 0.9146.
    let mut it = selecting(&[("SAMPLE", "0.8")]);
    it.post(&[start(10, "a"), line(11, "one")]);
    assert_eq!(it.passed(), "start one");
    let traced = |root: &str| {
        let value = format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1");
        let tracing = format!(r#"{{"type":"X-Amzn-Trace-Id","value":"{value}"}}"#);
        platform(30, "start", &format!(r#"{{"requestId":"a","tracing":{tracing}}}"#))
    };
    it.post(&[done(20, "a", "success"), traced("1-5759e988-bd862e3fe1be46a994272793")]);
    it.post(&[line(31, "two")]);
    assert_eq!(it.passed(), "runtimeDone start", "the trace decides, not the request");
}

#[test]
fn lines_of_init_pass_when_the_first_invocation_starts() {
    let mut it = selecting(NONE);
    it.post(&[line(1, "init"), line(2, "still init")]).post(&[line(10, "early"), start(10, "a")]);
    assert_eq!(it.passed(), "init still init start");
    assert_eq!(it.counts().undecided, 1);
}

#[test]
fn a_line_at_a_start_passes_if_either_invocation_does() {
    for (first, second, passes) in
        [("success", "success", false), ("error", "success", true), ("success", "error", true)]
    {
        let mut it = selecting(NONE);
        it.post(&[start(10, "a"), done(20, "a", first)]);
        it.post(&[start(20, "b"), line(20, "between")]);
        it.post(&[done(30, "b", second), start(40, "c")]);
        assert_eq!(it.passed().contains("between"), passes, "{first} {second}");
        assert_eq!(it.counts().undecided, 0);
    }
}

#[test]
fn a_line_between_invocations_passes_if_either_does() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), done(20, "a", "success")]);
    it.post(&[line(25, "between"), line(31, "early")]);
    assert_eq!((&*it.passed(), it.counts().undecided), ("start runtimeDone", 2));
    it.post(&[start(30, "b")]);
    assert_eq!((&*it.passed(), it.counts().undecided), ("start", 2));
    it.post(&[done(40, "b", "error")]);
    assert_eq!(it.passed(), "between early runtimeDone");
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), done(20, "a", "error")]).post(&[line(25, "after")]);
    assert_eq!(it.passed(), "start runtimeDone after", "at once");
}

#[test]
fn a_deciding_line_at_the_first_start_keeps_that_invocation() {
    let mut it = selecting(NONE);
    it.intake.restart(Source::new("f", "1", "restored"));
    it.post(&[start(10, "a"), levelled(10, "ERROR", "one"), line(11, "two")]);
    assert_eq!(it.passed(), "start one two");
}

#[test]
fn held_lines_are_numbered_in_their_order_of_arrival() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), done(15, "a", "success")]);
    it.post(&[start(20, "b"), line(20, "one")]).post(&[line(21, "two")]);
    it.passed();
    it.post(&[levelled(22, "ERROR", "three"), line(23, "four")]);
    assert_eq!(it.passed(), "one two three four");
}

#[test]
fn a_duplicate_start_reopens_no_invocation() {
    let mut it = selecting(NONE);
    let first = [start(10, "a"), line(11, "one"), done(20, "a", "error")];
    it.post(&first).post(&[start(30, "a"), line(31, "two")]).post(&[start(10, "a")]);
    assert_eq!(it.passed(), "start one runtimeDone start start");
    it.post(&[line(12, "late"), done(40, "a", "success"), start(50, "b")]);
    assert_eq!(it.passed(), "late runtimeDone start");
}

#[test]
fn missing_telemetry_releases_everything_undecided() {
    let held = [start(10, "a"), line(11, "one"), done(20, "a", "success"), line(25, "two")];
    for (gap, name) in [
        (platform(26, "logsDropped", r#"{"droppedRecords":1}"#), "logsDropped"),
        ("1".to_owned(), "kinesis-telemetry.quarantine"),
        (r#"{"type":"function","record":NaN}"#.to_owned(), "kinesis-telemetry.quarantine"),
    ] {
        let mut it = selecting(NONE);
        it.post(&held);
        it.passed();
        it.post(&[gap]);
        let passed = it.passed();
        assert!(passed.starts_with("one two "), "{passed}: before {name}");
    }
    let mut it = selecting(NONE);
    it.post(&held[..2]).post(&[start(30, "b")]);
    assert_eq!(it.passed(), "start start one", "the end of the first invocation was not read");
}

#[test]
fn at_the_end_unknown_outcomes_pass() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one"), done(20, "a", "success"), line(25, "two")]);
    it.conclude();
    assert_eq!((&*it.passed(), it.counts().sampled_out_events), ("start runtimeDone", 2));
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one")]).conclude();
    assert_eq!(it.passed(), "start one");
    it.post(&[line(12, "two"), start(30, "b"), line(31, "three")]);
    assert_eq!(it.passed(), "two start three", "nothing is held now");
    assert_eq!(it.counts().undecided, 0);
}

#[test]
fn a_timeout_makes_the_open_invocation_remarkable_at_once() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one")]);
    let accepted = it.intake.fail("a", it.now);
    it.take(accepted);
    assert_eq!(it.passed(), "start one");
    let accepted = it.intake.fail("b", it.now);
    it.take(accepted);
    it.post(&[done(20, "a", "success"), start(30, "b"), line(31, "two")]);
    assert_eq!(it.passed(), "runtimeDone start two", "its start came later");
}

#[test]
fn beyond_the_memory_bound_the_oldest_invocation_passes() {
    let mut it = selecting_within(NONE, 1_000);
    it.post(&[start(10, "a"), line(11, "one"), done(20, "a", "success")]);
    let long = "x".repeat(2_000);
    it.post(&[line(12, &long)]);
    assert_eq!(it.passed(), format!("start runtimeDone one {long}"));
    it.post(&[line(13, "three")]);
    assert_eq!((&*it.passed(), it.intake.selection().unwrap().memory()), ("three", 0));
}

#[test]
fn a_filtered_line_decides_but_is_not_delivered() {
    let settings = [("SAMPLE", "0"), ("TYPES", "platform,function:error"), ("KEEP", "level:warn")];
    let mut it = selecting(&settings);
    it.post(&[start(10, "a"), levelled(11, "ERROR", "one")]);
    assert_eq!(it.passed(), "start one");
    it.post(&[done(20, "a", "success"), start(30, "b"), line(31, "two")]);
    it.post(&[levelled(32, "INFO", "three"), levelled(33, "WARN", "four"), line(34, "five")]);
    assert_eq!(it.passed(), "runtimeDone start two five");
}

#[test]
fn the_age_of_a_released_line_counts_from_its_release() {
    let mut it = selecting(NONE);
    it.post(&[start(10, "a"), line(11, "one")]);
    let received = it.now.monotonic;
    it.after(5_000);
    let body = format!("[{}]", done(20, "a", "error"));
    let accepted = it.intake.accept(body.as_bytes(), it.now);
    let line = &accepted.events[0];
    assert_eq!((line.received, line.released), (received, it.now.monotonic));
}

#[test]
fn no_line_is_lost_if_a_body_exceeds_remembered_invocations() {
    let mut it = selecting(NONE);
    let invocation = |n: u64| {
        let (begin, id) = (n * 10 + 10, format!("r-{n}"));
        [start(begin, &id), line(begin + 1, &format!("line {n}")), done(begin + 2, &id, "success")]
    };
    let events: Vec<String> = (0..600).flat_map(invocation).collect();
    it.post(&events).conclude();
    let lines = it.passed().matches("line").count() as u64;
    assert_eq!(lines + it.counts().sampled_out_events, 600);
    assert_eq!((it.counts().undecided, it.intake.selection().unwrap().memory()), (0, 0));
}
