use std::collections::BTreeMap;

use expect_test::expect;
use kinesis_telemetry_consumer::Instance;

use super::{report, thousands};

use crate::report::{Latency, Quoted, Report, SampledOut, Selection};

fn complete() -> Report {
    Report {
        complete: true,
        expected: 1257,
        selection: None,
        arrived: 1257,
        by_type: BTreeMap::from([("function".to_owned(), 1254), ("platform.start".to_owned(), 3)]),
        records: 1,
        bytes: 345_678,
        latency: Some(Latency { p50_ms: 104, p99_ms: 310, max_ms: 412 }),
        instances: vec![instance()],
        unacknowledged: Quoted::default(),
        allow_unacknowledged: false,
        missing: Quoted::default(),
        unexpected: Quoted::default(),
        repeated: Quoted::default(),
        broken: Quoted::default(),
        requests: BTreeMap::new(),
        samples: vec![format!("{{\"type\":\"function\",\"record\":\"{}\"}}", "ü".repeat(100))],
    }
}

fn instance() -> Instance {
    Instance { name: "k3J9x0QvT2aB".to_owned(), first: 1, last: 1257, ..Instance::default() }
}

#[test]
fn a_complete_stream_is_reported_in_a_few_lines() {
    expect![[r#"
            1,254  function
                3  platform.start
            1,257  in 1 record, 345,678 bytes

        delivery latency: p50 104 ms, p99 310 ms, at most 412 ms
        sequence complete: 1…1257 of instance k3J9x0QvT2aB
        complete: all of the 1,257 events that the platform generated arrived once

        as they arrived:
          {"type":"function","record":"üüüüüüüüüüüüüüüüüüüüüü…üüüüüüüüüüüüüüüüüüüüüüüü"}
    "#]]
    .assert_eq(&report(&complete(), 80));
}

#[test]
fn a_selection_is_reported_with_the_sampled_out_lines() {
    let sampled_out = SampledOut { invocations: 2, events: 20, ..SampledOut::default() };
    let selection = Some(Selection { lines: 10, invocations: 1, sampled_out });
    let text = report(&Report { selection, ..complete() }, 80);
    let expected = "\
complete: all of the 1,257 events that the settings select arrived once
selection: 10 log lines of 1 invocation arrived; 20 of 2 others are sampled out
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn problems_are_reported_by_number_and_text() {
    let mut missing = Quoted::default();
    (0..22).for_each(|n| missing.push(format!("{{\"record\":{n}}}")));
    missing.first.truncate(2);
    let mut unacknowledged = Quoted::default();
    unacknowledged.push("{\"record\":\"never taken\"}");
    let mut broken = Quoted::default();
    broken.push("no JSON object: \u{1b}[31m");
    let broken_instance = Instance {
        missing: vec![(5, 5), (9, 29)],
        duplicates: vec![7],
        conflicting: vec![8],
        unjoinable: BTreeMap::from([(31, "only parts [1] of 2 arrived".to_owned())]),
        ..instance()
    };
    let found = Report {
        complete: false,
        unacknowledged,
        by_type: BTreeMap::new(),
        latency: None,
        instances: vec![broken_instance],
        missing,
        broken,
        samples: Vec::new(),
        ..complete()
    };
    expect![[r#"
            1,257  in 1 record, 345,678 bytes
        sequence broken: 1…1257 of instance k3J9x0QvT2aB: missing 5, 9…29; duplicates 7; conflicting 8; not joinable 31
          31: only parts [1] of 2 arrived
        NOT COMPLETE: 1 event was generated and never acknowledged by the extension; 22 of 1,257 acknowledged events missing, 1 unreadable, the sequence is broken

        never acknowledged: in the journal, not accepted by the extension (1):
          {"record":"never taken"}

        missing: in the journal and acknowledged, not in the stream (22):
          {"record":0}
          {"record":1}
          and 20 more

        unreadable lines (1):
          no JSON object: �[31m
    "#]]
    .assert_eq(&report(&found, 100));
}

#[test]
fn a_lost_end_is_reported() {
    let mut missing = Quoted::default();
    missing.push("{}");
    let found = Report { complete: false, missing, ..complete() };
    assert!(report(&found, 100).contains("no gap, so its end is lost"));
}

#[test]
fn an_extension_that_accepted_no_event_is_reported() {
    let found = Report { complete: false, expected: 0, instances: Vec::new(), ..complete() };
    let why = "\nNOT COMPLETE: the extension accepted no event: check that it is subscribed to the Telemetry API\n";
    assert!(report(&found, 100).contains(why));
}

fn two_never_acknowledged() -> Quoted {
    Quoted { count: 2, first: vec!["{}".to_owned(), "[]".to_owned()] }
}

#[test]
fn unacknowledged_events_are_the_verdict_and_are_listed() {
    let unacknowledged = two_never_acknowledged();
    let found = report(&Report { complete: false, unacknowledged, ..complete() }, 100);
    let verdict =
        "\nNOT COMPLETE: 2 events were generated and never acknowledged by the extension\n";
    assert!(found.contains(verdict), "{found}");
    assert!(found.contains("not accepted by the extension (2):\n  {}\n  []\n"), "{found}");
}

#[test]
fn the_verdict_mentions_overlooked_events() {
    let unacknowledged = two_never_acknowledged();
    let found = Report { unacknowledged, allow_unacknowledged: true, ..complete() };
    let verdict = "\ncomplete: all of the 1,257 events that the extension acknowledged arrived once; \
                   overlooked: 2 events were generated and never acknowledged by the extension\n";
    assert!(report(&found, 100).contains(verdict));
    let found = Report { complete: false, instances: Vec::new(), ..found };
    let verdict =
        "\nNOT COMPLETE: none of the 1,257 acknowledged events arrived; overlooked: 2 events";
    assert!(report(&found, 100).contains(verdict));
}

#[test]
fn a_stream_without_events_is_reported() {
    let mut missing = Quoted::default();
    missing.push("{}");
    let found = Report { complete: false, missing, instances: Vec::new(), ..complete() };
    assert!(report(&found, 100).contains("none of the 1,257 acknowledged events arrived\n"));
}

#[test]
fn thousands_have_separators() {
    assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
}
