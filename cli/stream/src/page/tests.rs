use kinesis_telemetry_report::Outcome;

use super::*;

const START: i64 = 1_795_953_600_000;

/// Returns a record with events of one instance, numbered from `first`, that arrives `after_ms` milliseconds after the start.
fn record(function: &str, first: u64, after_ms: i64, events: &[&str]) -> Record {
    let line = |(at, event): (usize, &&str)| {
        let open = event.strip_suffix('}').unwrap();
        let seq = first + at as u64;
        format!(
            "{open},\"source\":{{\"function\":\"{function}\",\"instance\":\"i-{function}\",\"seq\":{seq},\"requestId\":\"r\"}}}}\n"
        )
    };
    let data: String = events.iter().enumerate().map(line).collect();
    Record { data: data.into_bytes(), arrived_ms: START + after_ms }
}

const ALL: Period = Period { since_ms: 0, until_ms: i64::MAX, settle_ms: 0 };

fn page(records: &[Record]) -> Report {
    let mut page = Page::new(Functions::All, ALL);
    for record in records {
        page.add(record);
    }
    page.report("title", "stream", START, START + 60_000)
}

const BEGIN: &str = r#"{"time":"2026-11-29T12:00:00.000Z","type":"platform.start","record":{"requestId":"r","version":"7"}}"#;
const FAILED: &str = r#"{"time":"2026-11-29T12:00:00.100Z","type":"platform.runtimeDone","record":{"requestId":"r","status":"failure","errorType":"Error","metrics":{"durationMs":99.5}}}"#;
const DONE: &str = r#"{"time":"2026-11-29T12:00:00.100Z","type":"platform.runtimeDone","record":{"requestId":"r","status":"success","metrics":{"durationMs":99.5}}}"#;
const REPORT: &str = r#"{"time":"2026-11-29T12:00:00.150Z","type":"platform.report","record":{"requestId":"r","status":"success","metrics":{"durationMs":140.0,"billedDurationMs":141,"memorySizeMB":128,"maxMemoryUsedMB":70,"initDurationMs":250.5}}}"#;
const LINE: &str =
    r#"{"time":"2026-11-29T12:00:00.050Z","type":"function","record":"[ERROR] boom\n  at f()"}"#;

#[test]
fn an_invocation_has_the_figures_of_its_events() {
    let records = [record("f", 1, 180, &[BEGIN, LINE, DONE]), record("f", 4, 5_000, &[REPORT])];
    let report = page(&records);
    let invocation = &report.invocations[0];
    assert_eq!((invocation.start_ms, invocation.version.as_deref()), (START, Some("7")));
    assert_eq!((invocation.init_ms, invocation.duration_ms), (Some(250.5), Some(99.5)));
    assert_eq!((invocation.extension_ms, invocation.billed_ms), (Some(40.5), Some(141.0)));
    assert_eq!((invocation.memory_mb, invocation.max_memory_mb), (Some(128), Some(70)));
    assert_eq!(invocation.lag_ms, Some(80), "the report arrives later and does not count");
    assert_eq!((invocation.outcome, invocation.events), (Outcome::Success, 4));
    assert!(invocation.lines.is_empty(), "lines of successes are not kept");
    assert_eq!((report.records, report.formats["ndjson"], report.types["function"]), (2, 2, 1));
}

#[test]
fn a_failure_keeps_its_lines_in_any_order_of_records() {
    let (early, late) = (record("f", 1, 180, &[BEGIN, LINE]), record("f", 3, 190, &[FAILED]));
    for records in [[early.clone(), late.clone()], [late, early]] {
        let invocation = page(&records).invocations.remove(0);
        assert_eq!(invocation.outcome, Outcome::Failure);
        assert_eq!(invocation.error_type.as_deref(), Some("Error"));
        assert_eq!(invocation.lines[0].text, "boom\n  at f()");
        assert_eq!(invocation.lines[0].level.as_deref(), Some("ERROR"));
    }
}

#[test]
fn duplicates_count_once_and_gaps_are_named() {
    let records = [
        record("f", 3, 10, &[BEGIN, LINE]),
        record("f", 3, 20, &[BEGIN, LINE]),
        record("f", 9, 30, &[DONE]),
        record("f", 7, 40, &[LINE]),
    ];
    let report = page(&records);
    let instance = &report.instances[0];
    assert_eq!((instance.first, instance.last, instance.events), (3, 9, 4));
    assert_eq!((instance.duplicates, &instance.missing), (2, &vec![(5, 6), (8, 8)]));
    assert_eq!(report.invocations[0].events, 4);
}

#[test]
fn a_ledger_explains_what_was_shed() {
    let ledger = r#"{"type":"kinesis-telemetry.ledger","record":{"upTo":9,"extension":"0.1.0","shed":{"memory":2,"end":1},"shedRanges":[{"first":4,"last":6,"events":3}],"sampledOut":{"events":5}}}"#;
    let report = page(&[record("f", 1, 10, &[BEGIN]), record("f", 10, 20, &[ledger])]);
    let instance = &report.instances[0];
    assert_eq!(
        (&instance.missing, &instance.explained),
        (&vec![(2, 3), (4, 6), (7, 9)], &vec![(4, 6)])
    );
    assert_eq!((instance.shed, instance.sampled_out, instance.has_ledger), (3, 5, true));
    let setting = report.settings.iter().find(|it| it.name == "extension").unwrap();
    assert_eq!((setting.function.as_str(), setting.value.as_str()), ("f", "0.1.0"));
}

#[test]
fn other_functions_and_unreadable_lines_are_ignored() {
    let mut page = Page::new(Functions::Containing("order".to_owned()), ALL);
    page.add(&record("orders", 1, 10, &[BEGIN]));
    page.add(&record("invoices", 1, 10, &[BEGIN]));
    page.add(&Record { data: b"garbage\n{\"type\":\"x\"}\n".to_vec(), arrived_ms: START });
    let report = page.report("t", "s", 0, 1);
    assert_eq!((report.invocations.len(), report.instances.len()), (1, 1));
    assert_eq!((report.unreadable, report.records), (1, 3));
    assert!(report.unreadable_examples[0].ends_with("garbage"), "{report:?}");
}

#[test]
fn events_without_an_identity_create_invocations() {
    let mut page = Page::new(Functions::All, ALL);
    let data = [BEGIN, FAILED].map(|it| it.to_owned() + "\n").concat();
    page.add(&Record { data: data.into_bytes(), arrived_ms: START + 300 });
    let report = page.report("t", "s", 0, 1);
    assert_eq!((report.invocations.len(), report.instances.len()), (1, 0));
    assert_eq!(report.invocations[0].lag_ms, Some(200));
    assert!(report.settings.iter().any(|it| it.value == "none"), "{:?}", report.settings);
}

#[test]
fn lines_of_undecided_invocations_are_bounded() {
    let long = format!(r#"{{"type":"function","record":"{}"}}"#, "x".repeat(100_000));
    let events: Vec<&str> = std::iter::repeat_n(long.as_str(), 100).collect();
    let mut page = Page::new(Functions::All, ALL);
    for at in 0..10 {
        page.add(&record("f", 1 + at * 100, 10, &events));
    }
    assert!(page.line_bytes <= 500 * 16 * 1024, "{}", page.line_bytes);
    page.add(&record("f", 5_000, 10, &[DONE]));
    assert_eq!(page.line_bytes, 0);
}

#[test]
fn old_events_and_late_ones_are_not_missing() {
    let old = BEGIN.replace("2026-11-29", "2026-11-28");
    let records = [
        record("f", 5, 10, &[&old]),
        record("f", 1_000, 20, &[BEGIN, LINE]),
        record("f", 1_005, 59_000, &[DONE]),
    ];
    let period = Period { since_ms: START - 60_000, until_ms: START + 60_000, settle_ms: 10_000 };
    let mut page = Page::new(Functions::All, period);
    for record in &records {
        page.add(record);
    }
    let report = page.report("t", "s", period.since_ms, period.until_ms);
    assert_eq!(report.instances[0].missing, []);
    assert!(kinesis_telemetry_report::is_complete(&report));
}

#[test]
fn a_ledger_explains_no_more_events_than_it_counts() {
    let ledger = r#"{"type":"kinesis-telemetry.ledger","record":{"upTo":6,"shed":{"memory":1},"shedRanges":[{"first":3,"last":6,"events":1}]}}"#;
    let mut records = vec![record("f", 1, 10, &[BEGIN, LINE]), record("f", 7, 20, &[ledger, LINE])];
    records.push(record("f", 8, 30, &[DONE]));
    let report = page(&records);
    let instance = &report.instances[0];
    assert_eq!((instance.uncounted, instance.conflicting, instance.duplicates), (3, 1, 0));
    assert!(!kinesis_telemetry_report::is_complete(&report));
}

#[test]
fn a_uuid_in_a_line_creates_no_invocation() {
    let line =
        r#"{"type":"function","record":"client 123e4567-e89b-12d3-a456-426614174000 is ready"}"#;
    let without = record("f", 1, 10, &[line]);
    let data = String::from_utf8(without.data).unwrap().replace(",\"requestId\":\"r\"", "");
    let report = page(&[Record { data: data.into_bytes(), ..without }]);
    assert_eq!((report.invocations.len(), report.types["function"]), (0, 1));
}

#[test]
fn pages_and_terminals_replace_the_same_characters() {
    let shown = |c: &char| kinesis_telemetry_terminal::plain(&c.to_string()) == c.to_string();
    let unsafe_characters: Vec<char> = ('\0'..=char::MAX).filter(|c| !shown(c)).collect();
    assert!(unsafe_characters.len() > 100);
    let title: String = unsafe_characters.iter().collect();
    let html = kinesis_telemetry_report::html(&Report { title, ..Report::default() });
    let found = html.chars().find(|c| *c != '\n' && !shown(c));
    assert_eq!(found, None, "the tables of both have the same characters");
}

#[test]
fn hostile_names_and_times_are_bounded() {
    let events: Vec<String> = (0..1_000)
        .map(|n| format!(r#"{{"time":"1970-01-01T00:00:00.000Z","type":"t{n}{}","record":{{"requestId":"r{n}","metrics":{{"durationMs":1e300}}}}}}"#, "x".repeat(300)))
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let report = page(&[record("f", 1, 10, &events)]);
    assert_eq!(report.types.len(), TYPES + 1);
    assert!(report.types.keys().all(|it| it.chars().count() <= NAME + 1));
    assert!(
        report
            .invocations
            .iter()
            .all(|it| it.start_ms >= START - LONGEST_MS && it.duration_ms.is_none())
    );
}
