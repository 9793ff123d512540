use super::{Terms, compare};
use crate::journal::Expected;
use crate::report::{Latency, Report, SampledOut};
use crate::stream::Record;

/// The time of all events in these tests: 2026-11-22T20:00:00Z.
const T0_MS: i64 = 1_795_377_600_000;

fn event(n: u64) -> String {
    format!(r#"{{"time":"2026-11-22T20:00:00.000Z","type":"function","record":"line {n}"}}"#)
}

fn taken(text: &str) -> Expected {
    Expected { text: text.to_owned(), accepted: true }
}

fn journal(numbers: impl IntoIterator<Item = u64>) -> Vec<Expected> {
    numbers.into_iter().map(|n| taken(&event(n))).collect()
}

fn spliced(event: &str, source: &str) -> String {
    format!("{},\"source\":{{\"instance\":\"a\",{source}}}}}\n", event.strip_suffix('}').unwrap())
}

fn line(n: u64) -> String {
    spliced(&event(n), &format!("\"seq\":{n}"))
}

/// Records that arrive 100 ms apart, the first at 100 ms.
fn stream<S: AsRef<str>>(lines: &[S]) -> Vec<Record> {
    let record = |(i, line): (usize, &S)| Record {
        data: line.as_ref().as_bytes().to_vec(),
        arrived_ms: T0_MS + 100 * (1 + i64::try_from(i).unwrap()),
    };
    lines.iter().enumerate().map(record).collect()
}

fn found(journal: &[Expected], lines: &[String]) -> Report {
    compare(journal, &stream(lines), Terms::default())
}

#[test]
fn a_stream_that_holds_the_journal_is_complete() {
    let report = found(&journal(1..=3), &[line(1), line(2), line(3)]);
    assert!(report.complete, "{report:?}");
    assert_eq!((report.expected, report.arrived, report.records), (3, 3, 3));
    assert_eq!(report.by_type["function"], 3);
    let instance = &report.instances[0];
    assert_eq!((instance.name.as_str(), instance.first, instance.last), ("a", 1, 3));
}

#[test]
fn the_order_of_the_stream_does_not_matter() {
    assert!(found(&journal(1..=3), &[line(3), line(1), line(2)]).complete);
}

#[test]
fn nothing_at_all_is_not_complete() {
    assert!(!found(&[], &[]).complete);
}

#[test]
fn a_gap_is_named_and_the_missing_event_quoted() {
    let report = found(&journal(1..=5), &[line(1), line(4), line(5)]);
    assert!(!report.complete);
    assert_eq!(report.instances[0].missing, [(2, 3)]);
    assert_eq!(report.missing.first, [event(2), event(3)]);
}

#[test]
fn a_sequence_that_does_not_begin_with_1_has_a_gap() {
    assert_eq!(found(&journal(2..=3), &[line(2), line(3)]).instances[0].missing, [(1, 1)]);
}

#[test]
fn a_lost_end_is_found_although_it_leaves_no_gap() {
    let report = found(&journal(1..=3), &[line(1), line(2)]);
    assert!(!report.complete && report.instances[0].is_whole());
    assert_eq!(report.missing.first, [event(3)]);
}

#[test]
fn a_duplicate_number_is_reported_and_counted_once() {
    let report = found(&journal(1..=2), &[line(1), line(2), line(1)]);
    assert!(!report.complete);
    assert_eq!(report.instances[0].duplicates, [1]);
    assert_eq!(report.arrived, 2);
    assert!(report.repeated.is_empty() && report.missing.is_empty());
}

#[test]
fn the_same_event_under_a_new_number_is_repeated() {
    let again = spliced(&event(1), "\"seq\":2");
    let report = found(&journal(1..=1), &[line(1), again]);
    assert!(!report.complete && report.instances[0].is_whole());
    assert_eq!(report.repeated.first, [event(1)]);
}

#[test]
fn two_equal_events_are_two_events() {
    let twice = [taken(&event(1)), taken(&event(1))];
    let lines = [line(1), spliced(&event(1), "\"seq\":2")];
    assert!(found(&twice, &lines).complete);
    assert_eq!(found(&twice, &lines[..1]).missing.count, 1);
}

#[test]
fn an_event_outside_of_the_journal_is_unexpected() {
    let report = found(&journal(1..=1), &[line(1), line(2)]);
    assert!(!report.complete);
    assert_eq!(report.unexpected.first, [event(2)]);
}

#[test]
fn a_changed_byte_is_found() {
    let journal = [taken(r#"{"type":"x","record":1.0}"#)];
    let report = found(&journal, &[spliced(r#"{"type":"x","record":1}"#, "\"seq\":1")]);
    assert_eq!((report.missing.count, report.unexpected.count), (1, 1));
}

fn refused(n: u64) -> Expected {
    Expected { text: event(n), accepted: false }
}

#[test]
fn an_unacknowledged_event_makes_the_run_incomplete() {
    let report = found(&[taken(&event(1)), refused(2), refused(3)], &[line(1)]);
    assert!(!report.complete);
    assert_eq!((report.expected, report.unacknowledged.count), (1, 2));
    assert_eq!(report.unacknowledged.first, [event(2), event(3)]);
    assert!(report.missing.is_empty(), "it is not the extension's fault: {report:?}");
}

#[test]
fn allowed_unacknowledged_events_may_arrive_or_not() {
    let terms = Terms { allow_unacknowledged: true, ..Terms::default() };
    let journal = [taken(&event(1)), refused(2)];
    for lines in [&[line(1)][..], &[line(1), line(2)]] {
        let report = compare(&journal, &stream(lines), terms);
        assert!(report.complete, "{report:?}");
        assert_eq!(report.unacknowledged.first, [event(2)]);
    }
    let nothing = compare(&[refused(1)], &stream::<String>(&[]), terms);
    assert!(!nothing.complete, "an extension that accepts no event is not healthy");
}

#[test]
fn the_extensions_own_events_are_numbered_but_not_expected() {
    let own = r#"{"type":"kinesis-telemetry.ledger","record":{}}"#;
    let report = found(&journal(1..=1), &[line(1), spliced(own, "\"seq\":2")]);
    assert!(report.complete);
    assert_eq!(report.by_type["kinesis-telemetry.ledger"], 1);
}

/// Returns a ledger with this number, of an extension that has read four events.
fn ledger(seq: u64, received: u64, sampled_out: usize) -> String {
    let bytes = sampled_out * event(0).len();
    let own = format!(
        r#"{{"type":"kinesis-telemetry.ledger","record":{{"read":4,"received":{received},"filtered":0,"undecided":0,"lateRemarkable":0,"sampledOut":{{"invocations":1,"events":{sampled_out},"bytes":{bytes}}}}}}}"#
    );
    spliced(&own, &format!("\"seq\":{seq}"))
}

#[test]
fn lines_that_the_last_ledger_has_sampled_out_are_not_missing() {
    let lines = [line(1), ledger(2, 1, 0), line(4).replace(":4}", ":3}"), ledger(4, 2, 2)];
    let report = found(&journal(1..=4), &lines);
    assert!(report.complete, "{report:?}");
    assert_eq!((report.expected, report.missing.count), (2, 0));
    let selection = report.selection.unwrap();
    let SampledOut { invocations, events, .. } = selection.sampled_out;
    assert_eq!((selection.lines, invocations, events), (2, 1, 2));
}

#[test]
fn invocations_are_also_counted_by_ids_in_text_lines() {
    let start =
        |id: &str| format!(r#"{{"type":"platform.start","record":{{"requestId":"{id}"}}}}"#);
    let text = r#"{"type":"function","record":"T\tr-2\tINFO\tdone"}"#;
    let lines = [
        spliced(&start("r-1"), "\"seq\":1"),
        spliced(&event(2), "\"seq\":2,\"requestId\":\"r-1\""),
        spliced(&start("r-2"), "\"seq\":3"),
        spliced(text, "\"seq\":4"),
        spliced(&start("r-3"), "\"seq\":5"),
        ledger(6, 4, 0),
    ];
    let platform = ["r-1", "r-2", "r-3"].map(|id| taken(&start(id)));
    let journal: Vec<_> = platform.into_iter().chain([taken(&event(2)), taken(text)]).collect();
    let report = found(&journal, &lines);
    assert!(report.complete, "{report:?}");
    let selection = report.selection.unwrap();
    assert_eq!((selection.lines, selection.invocations), (2, 2));
}

#[test]
fn a_ledger_explains_only_its_own_sampled_log_lines() {
    let lines = |ledger| [line(1), line(2), ledger];
    for (journal, ledger) in [
        (journal(1..=4), ledger(3, 2, 1)),
        (journal(1..=4), ledger(3, 3, 2)),
        (journal((1..=3).chain([10])), ledger(3, 2, 2)),
    ] {
        let report = found(&journal, &lines(ledger));
        assert!(!report.complete && report.selection.is_none(), "{report:?}");
        assert_eq!(report.missing.count, 2, "{report:?}");
    }
    let start = taken(r#"{"type":"platform.start","record":{"requestId":"r"}}"#);
    let journal: Vec<Expected> = journal(1..=4).into_iter().chain([start.clone()]).collect();
    let report = found(&journal, &lines(ledger(3, 2, 2)));
    assert!(!report.complete, "{report:?}");
    assert_eq!(report.missing.first, [start.text]);
}

fn part(n: usize, of: usize, fragment: &str) -> String {
    let fragment = serde_json::to_string(fragment).unwrap();
    let line = format!(r#"{{"type":"kinesis-telemetry.part","record":{fragment}}}"#);
    spliced(&line, &format!("\"seq\":1,\"part\":{n},\"parts\":{of}"))
}

#[test]
fn parts_are_joined_in_any_order() {
    let event = event(1);
    let (a, rest) = event.split_at(7);
    let (b, c) = rest.split_at(7);
    let parts = [part(1, 3, a), part(2, 3, b), part(3, 3, c)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let report = found(&journal(1..=1), &order.map(|i| parts[i].clone()));
        assert!(report.complete, "{order:?}: {report:?}");
        assert_eq!(report.latency.unwrap().max_ms, 300, "the last part is the arrival");
    }
}

#[test]
fn a_part_that_arrives_twice_is_a_duplicate() {
    let text = event(1);
    let (a, b) = text.split_at(7);
    let report = found(&journal(1..=1), &[part(1, 2, a), part(2, 2, b), part(2, 2, b)]);
    assert_eq!(report.instances[0].duplicates, [1]);
    assert!(report.missing.is_empty());
}

#[test]
fn an_event_with_a_lost_part_is_missing() {
    let text = event(1);
    let report = found(&journal(1..=1), &[part(1, 2, text.split_at(7).0)]);
    assert!(!report.complete);
    assert_eq!(report.instances[0].unjoinable[&1], "1 of its 2 parts arrived");
    assert_eq!(report.missing.first, [text]);
}

#[test]
fn instances_are_numbered_separately() {
    let other = line(2).replace("\"instance\":\"a\",\"seq\":2", "\"instance\":\"b\",\"seq\":1");
    let report = found(&journal(1..=2), &[line(1), other]);
    assert!(report.complete, "{report:?}");
    assert_eq!(report.instances.len(), 2);
}

#[test]
fn a_line_that_is_not_an_event_is_reported() {
    let report = found(&journal(1..=1), &[line(1), "oops\n".to_owned()]);
    assert!(!report.complete);
    assert!(report.broken.first[0].ends_with(": oops"), "{:?}", report.broken);
}

#[test]
fn latency_is_from_the_event_to_its_arrival() {
    let lines: Vec<String> = (1..=100).map(line).collect();
    let latency = found(&journal(1..=100), &lines).latency.unwrap();
    assert_eq!(latency, Latency { p50_ms: 5_000, p99_ms: 9_900, max_ms: 10_000 });
}

#[test]
fn the_last_arrival_is_reported_with_and_without_the_report() {
    let start = r#"{"type":"platform.start","record":{"requestId":"r"}}"#;
    let report = r#"{"type":"platform.report","record":{"requestId":"r"}}"#;
    let lines = [
        spliced(start, "\"seq\":1"),
        spliced(&event(2), "\"seq\":2,\"requestId\":\"r\""),
        spliced(report, "\"seq\":3"),
    ];
    let report = found(&[taken(start), taken(&event(2)), taken(report)], &lines);
    let request = &report.requests["r"];
    assert_eq!((request.events, request.last_arrival_ms), (3, T0_MS + 300));
    assert_eq!(request.last_arrival_before_report_ms, Some(T0_MS + 200));
}

#[test]
fn samples_are_unchanged_lines_of_different_types() {
    let start = spliced(r#"{"type":"platform.start","record":1.0}"#, "\"seq\":1");
    let lines = [start.clone(), line(2), line(3)];
    let samples = |show| compare(&[], &stream(&lines), Terms { show, ..Terms::default() }).samples;
    let expected = [&line(2), &start].map(|line| line.trim_end().to_owned());
    assert_eq!(samples(3), expected);
    assert_eq!(samples(1), expected[..1]);
}
