mod invocations;
mod selection;

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;

struct Seen {
    /// Each event without its `source`.
    events: Vec<String>,
    sources: Vec<serde_json::Value>,
    signals: Vec<Signal>,
    filtered: u64,
}

/// Returns the signal for the end of a function without a stated duration.
fn done(request_id: &str) -> Signal {
    Signal::RuntimeDone { request_id: request_id.to_owned(), duration: None }
}

/// Reads bodies with an intake that delivers these types.
fn accept(types: &str, bodies: &[&[u8]]) -> Seen {
    let types = extension_spec::Value::parse(types).unwrap();
    let mut intake = Intake::new(Source::new("f", "1", "i"), types, true);
    let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    let now = Moment { monotonic: Instant::now(), wall };
    let mut seen =
        Seen { events: Vec::new(), sources: Vec::new(), signals: Vec::new(), filtered: 0 };
    for body in bodies {
        let accepted = intake.accept(body, now);
        seen.signals.extend(accepted.signals);
        seen.filtered += accepted.filtered;
        for event in accepted.events {
            assert_eq!(event.seq, seen.events.len() as u64 + 1, "numbered from 1 without gaps");
            let line = std::str::from_utf8(&event.line).unwrap();
            seen.events.push(format!("{}}}", &line[..event.own_len]));
            // In one test the nesting is too deep for this reader.
            let read = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
            seen.sources.push(read["source"].clone());
        }
    }
    seen
}

const ALL: &str = "platform,function,extension";

#[test]
fn records_of_every_json_type_pass_byte_for_byte() {
    for record in [
        r#""text \u00e9 é 🦀 \"quoted\" a\nb""#,
        r#"{"z":1,"a":{"deep":[1.0,1e3,-0,12345678901234567890]}}"#,
        "[1,[],{}]",
        "3.1400",
        "true",
        "null",
        r#""""#,
    ] {
        let event =
            format!(r#"{{"time":"2026-08-09T12:34:56.789Z","type":"function","record":{record}}}"#);
        let accepted = accept(ALL, &[format!("[{event}]").as_bytes()]);
        assert_eq!(accepted.events, [event]);
    }
}

#[test]
fn events_of_unknown_types_and_forms_pass() {
    for event in [
        r#"{"type":"platform.tomorrow","record":{"x":1}}"#,
        r#"{"type":"faults.storm"}"#,
        r#"{"type":7,"record":{}}"#,
        r#"{"type":"function","type":"function","record":"twice"}"#,
        r#"{"type":"func\u0074ion","record":"escaped"}"#,
        r#"{"source":"theirs"}"#,
        "{}",
    ] {
        let accepted = accept("platform,function", &[format!("[{event}]").as_bytes()]);
        assert_eq!(accepted.events, [event]);
    }
}

#[test]
fn only_spaces_within_events_are_kept() {
    let accepted = accept(ALL, &[b"[ {\"a\": 1} ,\n {\"b\" :2}\n]\n"]);
    assert_eq!(accepted.events, [r#"{"a": 1}"#, r#"{"b" :2}"#]);
}

#[test]
fn an_empty_batch_and_an_empty_body_yield_no_event() {
    let accepted = accept(ALL, &[b"[]", b"", b" [ ] "]);
    assert_eq!((accepted.events.len(), accepted.filtered), (0, 0));
}

#[test]
fn members_that_are_not_objects_are_quarantined() {
    let accepted = accept(ALL, &[br#"[{"n":1},42,"text",[1.0],null,{"n":2}]"#]);
    let wrapped = |value: &str| {
        format!(
            r#"{{"time":"1970-01-01T00:00:01.500Z","type":"kinesis-telemetry.quarantine","record":{{"reason":"not an object","value":{value}}}}}"#
        )
    };
    assert_eq!(
        accepted.events,
        [
            r#"{"n":1}"#,
            &wrapped("42"),
            &wrapped(r#""text""#),
            &wrapped("[1.0]"),
            &wrapped("null"),
            r#"{"n":2}"#
        ]
    );
}

#[test]
fn a_body_without_json_is_quarantined_whole() {
    let accepted = accept(ALL, &[br#"[{"n":1}]"#, br#"{"n":2},{"n"#, b"\xff\xfe", br#"[{"n":3}]"#]);
    assert_eq!(accepted.events.len(), 4);
    let body = |index: usize| {
        let event: serde_json::Value = serde_json::from_str(&accepted.events[index]).unwrap();
        assert_eq!(event["type"], "kinesis-telemetry.quarantine");
        (event["record"]["encoding"].clone(), event["record"]["body"].clone())
    };
    assert_eq!(body(1), ("text".into(), r#"{"n":2},{"n"#.into()));
    assert_eq!(body(2), ("base64".into(), "//4=".into()));
    assert_eq!((&*accepted.events[0], &*accepted.events[3]), (r#"{"n":1}"#, r#"{"n":3}"#));
}

#[test]
fn an_invalid_line_keeps_its_batch_and_signals_intact() {
    let start = r#"{"time":"2026-08-09T12:34:51.000Z","type":"platform.start","record":{"requestId":"r-1"}}"#;
    let line = r#"{"time":"2026-08-09T12:34:51.500Z","type":"function","record":"hello"}"#;
    let end = r#"{"time":"2026-08-09T12:34:52.000Z","type":"platform.runtimeDone","record":{"requestId":"r-1"}}"#;
    for record in [&b"\"\xe9\""[..], b"\"a\x01b\"", b"NaN", b"\"a \"b\"", b"{\"a\":1"] {
        let bad =
            [br#"{"time":"2026-08-09T12:34:51.600Z","type":"function","record":"#, record, b"}"]
                .concat();
        let members: [&[u8]; 5] =
            [start.as_bytes(), line.as_bytes(), &bad, line.as_bytes(), end.as_bytes()];
        let body = [b"[", &*members.join(&b','), b"]"].concat();
        let accepted = accept(ALL, &[&body]);
        let is_quarantined = |event: &String| event.contains("kinesis-telemetry.quarantine");
        let good: Vec<_> = accepted.events.iter().filter(|event| !is_quarantined(event)).collect();
        assert_eq!(good, [start, line, line, end]);
        assert_eq!(accepted.events.len(), 5, "one of them is quarantined");
        assert_eq!(accepted.signals.last(), Some(&done("r-1")));
        let requests = accepted.sources.iter().filter(|source| source["requestId"] == "r-1");
        assert_eq!(requests.count(), 2);
    }
}

#[test]
fn an_invalid_platform_event_signals_a_gap_and_a_line_does_not() {
    let signals = |member: &str| accept(ALL, &[format!("[{{}},{member},{{}}]").as_bytes()]).signals;
    assert_eq!(signals(r#"{"type":"function","record":NaN}"#), []);
    assert_eq!(signals(r#"{"type":"platform.runtimeDone","record":NaN}"#), [Signal::Gap]);
    assert_eq!(
        signals(r#"{"type":"function","record":"a}"#),
        [Signal::Gap, Signal::Gap],
        "its end is uncertain"
    );
}

#[test]
fn members_of_a_truncated_body_pass() {
    let accepted = accept(ALL, &[br#"[{"n":1},{"n":2},{"n"#]);
    assert_eq!(accepted.events[..2], [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert!(accepted.events[2].contains(r#""body":"{\"n""#));
    assert!(accepted.signals.contains(&Signal::Gap));
}

#[test]
fn an_extremely_nested_array_is_harmless() {
    let deep = format!(r#"[{{"record":{}1{}}}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(accept(ALL, &[deep.as_bytes()]).events.len(), 1);
}

#[test]
fn unselected_types_are_counted_and_get_no_number() {
    let body = br#"[{"type":"platform.start"},{"type":"function"},{"type":"platform.report"}]"#;
    let accepted = accept("platform.report,function", &[body]);
    assert_eq!(accepted.events, [r#"{"type":"function"}"#, r#"{"type":"platform.report"}"#]);
    assert_eq!(accepted.filtered, 1);
}

#[test]
fn own_lines_are_filtered_and_those_of_other_extensions_are_not() {
    let own =
        serde_json::json!([{ "type": "extension", "record": crate::base::log::line("WARN", "x") }]);
    let other = br#"[{"type":"extension","record":"other: started"}]"#;
    let accepted = accept(ALL, &[own.to_string().as_bytes(), other]);
    assert_eq!(accepted.events.len(), 1);
    assert_eq!(accepted.filtered, 1);
}

#[test]
fn runtime_done_is_signalled_even_if_not_delivered() {
    let body = br#"[{"type":"platform.runtimeDone","record":{"requestId":"r-1","status":"success"}},
        {"type":"platform.runtimeDone","record":"odd"},{"type":"function","record":"platform.runtimeDone"}]"#;
    for types in ["platform", "function"] {
        assert_eq!(accept(types, &[body]).signals, [done("r-1")]);
    }
}

#[test]
fn input_that_may_hide_a_functions_end_signals_a_gap() {
    for body in ["[{", r#"[{"type":"platform.logsDropped","record":{"droppedRecords":1}}]"#] {
        assert_eq!(accept(ALL, &[body.as_bytes()]).signals, [Signal::Gap]);
    }
}

proptest! {
    #[test]
    fn no_body_panics_or_vanishes(body in prop::collection::vec(any::<u8>(), 1..200)) {
        let accepted = accept(ALL, &[&body]);
        let is_empty_array = serde_json::from_slice::<Vec<()>>(&body).is_ok_and(|it| it.is_empty());
        prop_assert!(is_empty_array || !accepted.events.is_empty());
    }
}

#[test]
fn a_logged_id_in_an_impossible_format_is_ignored() {
    let types = <Types as extension_spec::Value>::parse("platform,function").unwrap();
    let mut intake = Intake::new(Source::new("orders", "1", "i"), types, true).by_request();
    for (id, expected) in [("", None), ("a b", None), ("6d68ca91-49c9", Some("6d68ca91-49c9"))] {
        let body = format!(r#"[{{"type":"function","record":{{"requestId":"{id}"}}}}]"#);
        let accepted = intake.accept(body.as_bytes(), crate::base::clock::now());
        assert_eq!(accepted.events[0].request.as_deref(), expected, "{id:?}");
    }
}

#[test]
fn a_body_is_split_only_where_the_environment_was_restored() {
    let event =
        |event_type: &str| format!(r#"{{"type":"{event_type}","record":"platform.restoreStart"}}"#);
    let body = |types: &[&str]| {
        format!("[{}]", types.iter().map(|it| event(it)).collect::<Vec<_>>().join(","))
    };
    let text = |body| String::from_utf8(body).unwrap();
    let parted = |types: &[&str]| {
        restored(body(types).as_bytes()).map(|(before, rest)| (text(before), text(rest)))
    };
    assert_eq!(parted(&["function", "platform.start"]), None, "lines may contain any text");
    assert_eq!(restored(b"[platform.restoreStart"), None);
    for restore in
        ["platform.restoreStart", "platform.restoreRuntimeDone", "platform.restoreReport"]
    {
        let all = ["platform.initReport", "platform.extension", restore, "platform.initReport"];
        assert_eq!(parted(&all), Some((body(&all[..2]), body(&all[2..]))));
        // A line may belong to this environment alone, whatever precedes it.
        let all = ["platform.initReport", "function", "platform.extension", restore];
        assert_eq!(parted(&all), Some((body(&all[..1]), body(&all[1..]))));
        assert_eq!(parted(&[restore]), Some((String::new(), body(&[restore]))));
    }
}

#[test]
fn a_tenant_in_an_unknown_form_hides_no_functions_end() {
    let source = Source::new("orders", "1", "i");
    let mut intake = Intake::new(source, extension_spec::load([("", ""); 0]).config.types, true);
    let body = br#"[{"type":"platform.runtimeDone","record":{"requestId":"r","tenantId":7}}]"#;
    let accepted = intake.accept(body, crate::base::clock::now());
    assert_eq!(accepted.signals, [done("r")]);
}

#[test]
fn events_with_reserved_types_are_quarantined() {
    for event in [
        r#"{"type":"kinesis-telemetry.ledger","record":{"shed":1}}"#,
        r#"{"type":"kinesis-telemetry.record","source":{"seq":1}}"#,
        r#"{"type":"kinesis-telemetry.part","record":"x"}"#,
        r#"{"type":"kinesis-telemetry.quarantine"}"#,
        r#"{"type":"kinesis-telemetry.tomorrow"}"#,
        r#"{ "record":1, "type" : "\u006binesis-telemetry.ledger" }"#,
        r#"{"\u0074ype":"kinesis-telemetry.ledger"}"#,
        r#"{"type":"function","type":"kinesis-telemetry.ledger"}"#,
        r#"{"type":"kinesis-telemetry.ledger","type":"function"}"#,
        r#"{"type":"kinesis-telemetry.ledger","type":7}"#,
        r#"{"time":7,"type":"kinesis-telemetry.ledger"}"#,
        r#"{"record":1,"record":2,"type":"kinesis-telemetry.ledger"}"#,
        r#"{"\ud800":1,"type":"kinesis-telemetry.ledger"}"#,
        r#"{"type":"kinesis-telemetry.ledger\ud800"}"#,
    ] {
        for types in [ALL, "platform.report"] {
            let accepted = accept(types, &[format!("[{event}]").as_bytes()]);
            let [wrapped] = &*accepted.events else { panic!("{event} is filtered") };
            let expected = format!(r#"{{"reason":"reserved type","value":{event}}}"#);
            assert!(wrapped.contains(r#""type":"kinesis-telemetry.quarantine""#), "{wrapped}");
            assert!(wrapped.contains(&expected), "{wrapped}");
        }
    }
    for event in [
        r#"{"type":"kinesis-telemetry"}"#,
        r#"{"type":"function","record":"kinesis-telemetry.ledger"}"#,
    ] {
        assert_eq!(accept(ALL, &[format!("[{event}]").as_bytes()]).events, [event]);
    }
}

#[test]
fn the_first_tenant_counts_and_another_is_signalled_once() {
    let start = |tenant: &str| {
        format!(r#"{{"type":"platform.start","record":{{"requestId":"r","tenantId":"{tenant}"}}}}"#)
    };
    let body = format!("[{},{},{},{}]", start("a"), start("a"), start("b"), start("c"));
    let accepted = accept(ALL, &[body.as_bytes()]);
    assert_eq!(accepted.signals, [Signal::Tenant, Signal::OtherTenant("b".into())]);
    assert!(accepted.sources.iter().all(|source| source["tenantId"] == "a"));
}

#[test]
fn a_flood_of_tiny_members_is_quarantined_together() {
    let flood = format!("{},NaN,2", vec!["1"; 100].join(","));
    let accepted = accept(ALL, &[format!("[{{\"n\":1}},{flood},{{\"n\":2}},3]").as_bytes()]);
    assert_eq!(
        (accepted.events.len(), &*accepted.events[0], &*accepted.events[2]),
        (4, r#"{"n":1}"#, r#"{"n":2}"#)
    );
    let record =
        format!(r#""record":{{"reason":"not objects","encoding":"text","body":"{flood}"}}"#);
    assert!(accepted.events[1].contains(&record));
}
