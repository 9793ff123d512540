use super::*;

#[test]
fn a_line_before_its_start_gets_its_request_by_time() {
    let body = br#"[{"time":"2026-08-09T12:34:51.500Z","type":"function","record":"hello"},
        {"time":"2026-08-09T12:34:51.000Z","type":"platform.start","record":{"requestId":"r-1"}},
        {"time":"2026-08-09T12:34:51.600Z","type":"function","record":{"requestId":"r-1"}},
        {"time":"2026-08-09T12:34:50.000Z","type":"function","record":"during init"},
        {"time":"2026-08-09T12:34:52.000Z","type":"platform.runtimeDone","record":{"requestId":"r-1"}},
        {"time":"2026-08-09T12:34:53.000Z","type":"function","record":"late or early"}]"#;
    let requests: Vec<_> = accept(ALL, &[body])
        .sources
        .iter()
        .map(|source| source.get("requestId").cloned())
        .collect();
    assert_eq!(requests, [Some("r-1".into()), None, None, None, None, None]);
}

#[test]
fn a_line_that_names_another_request_gets_no_id() {
    let line = |record: &str| {
        let body = format!(
            r#"[{{"time":"2026-08-09T12:34:51.000Z","type":"platform.start","record":{{"requestId":"r-1"}}}},
            {{"time":"2026-08-09T12:34:51.500Z","type":"function","record":{record}}}]"#
        );
        accept(ALL, &[body.as_bytes()]).sources[1].get("requestId").cloned()
    };
    assert_eq!(line(r#""hello""#), Some("r-1".into()));
    assert_eq!(line(r#"{"message":"hello"}"#), Some("r-1".into()));
    for record in [
        r#"{"requestId":"r-0"}"#,
        r#"{"function_request_id":"r-0"}"#,
        r#""2026-08-09T12:34:51.500Z\tr-0\tINFO\thello\n""#,
        r#""2026-08-09T12:34:51.500Z\tundefined\tINFO\thello\n""#,
        r#""[INFO]\t2026-08-09T12:34:51.500Z\tr-0\thello\n""#,
        r#""[INFO]\t2026-08-09T12:34:51.500Z\t\thello\n""#,
    ] {
        assert_eq!(line(record), None, "{record}");
    }
}

#[test]
fn gaps_and_unknown_ends_close_the_previous_window() {
    let event = |second: u32, event_type: &str, record: &str| {
        format!(
            r#"{{"time":"2026-08-09T12:34:{second}.000Z","type":"{event_type}","record":{record}}}"#
        )
    };
    let start = event(51, "platform.start", r#"{"requestId":"r-1"}"#);
    let line = event(53, "function", r#""hello""#);
    for gap in [
        event(52, "platform.logsDropped", r#"{"droppedRecords":1}"#),
        event(52, "platform.runtimeDone", r#"{"requestId":"r-2"}"#),
    ] {
        let accepted =
            accept(ALL, &[format!("[{start}]").as_bytes(), format!("[{gap},{line}]").as_bytes()]);
        assert!(accepted.sources.iter().all(|source| source["requestId"].is_null()), "{gap}");
    }
}

#[test]
fn a_line_finds_its_start_in_a_later_part_of_the_body() {
    let types = <Types as extension_spec::Value>::parse(ALL).unwrap();
    let mut intake = Intake::new(Source::new("f", "1", "i"), types, true);
    let line = r#"{"time":"2026-08-09T12:34:51.500Z","type":"function","record":"hello"}"#;
    let start = r#"{"time":"2026-08-09T12:34:51.000Z","type":"platform.start","record":{"requestId":"r-1"}}"#;
    let body = format!("[{line},{},{start}]", vec![line; 5_000].join(","));
    let memory = std::sync::Arc::new(crate::buffer::memory_budget::MemoryBudget::new(1));
    let parts = parts(memory.hold(body.into()));
    assert!(parts.len() > 1);
    let now = crate::base::clock::now();
    intake.foresee(&parts, now);
    let accepted = intake.accept_part(&parts[0], now);
    assert!(accepted.events[0].line.ends_with(b",\"requestId\":\"r-1\"}}\n"));
}

#[test]
fn unreadable_events_close_the_previous_window() {
    let types = <Types as extension_spec::Value>::parse(ALL).unwrap();
    let event = |second: u32, event_type: &str, record: &str| {
        format!(
            r#"{{"time":"2026-08-09T12:34:{second}.000Z","type":"{event_type}","record":{record}}}"#
        )
    };
    let start = |second, id| event(second, "platform.start", &format!(r#"{{"requestId":"{id}"}}"#));
    let (line, odd) = (event(35, "function", r#""hello""#), event(35, "function", "NaN"));
    let memory = std::sync::Arc::new(crate::buffer::memory_budget::MemoryBudget::new(1));
    let now = crate::base::clock::now();
    // Returns the request of the last line in bodies that follow the start of `a`.
    let last = |bodies: &[String]| {
        let mut intake = Intake::new(Source::new("f", "1", "i"), types.clone(), true);
        let mut last = None;
        for body in [&[format!("[{}]", start(10, "a"))], bodies].concat() {
            let parts = parts(memory.hold(body.into()));
            if parts.len() > 1 {
                intake.foresee(&parts, now);
            }
            for part in &parts {
                last = intake.accept_part(part, now).events.pop().or(last);
            }
        }
        let last = String::from_utf8(last.unwrap().line.to_vec()).unwrap();
        let id = last.rsplit_once(r#""requestId":""#).map(|(_, id)| id[..1].to_owned());
        assert!(last.contains("hello"), "{last}");
        id
    };
    let done = event(20, "platform.runtimeDone", r#"{"requestId":"a","x":NaN}"#);
    let next = event(30, "platform.start", r#"{"requestId":"b","x":NaN}"#);
    let lines = vec![&*line; 5_000].join(",");
    let body = |members: &str| format!("[{members}]");
    for gap in [
        vec![body(&format!("{done},{next},{line}"))],
        vec![body(&format!("{done},{next}")), body(&line)],
        vec![format!("[{next},{{\"time"), body(&line)],
        vec![next.clone(), body(&line)],
        vec!["[{".to_owned(), body(&line)],
        vec!["x".repeat(600_000), body(&line)],
        vec![body(&format!("{lines},{next},{lines}"))],
    ] {
        let start = gap[0].chars().take(100).collect::<String>();
        assert_eq!(last(&gap), None, "{start}");
    }
    let known = format!("{next},{lines},{},{line}", start(33, "c"));
    assert_eq!(last(&[body(&known)]).as_deref(), Some("c"), "the gap precedes it");
    assert_eq!(
        last(&[body(&format!("{odd},{line}"))]).as_deref(),
        Some("a"),
        "a line is not a gap"
    );
}

#[test]
fn a_gap_closes_the_previous_window() {
    let types = <Types as extension_spec::Value>::parse(ALL).unwrap();
    let mut intake = Intake::new(Source::new("f", "1", "i"), types, true);
    let body = br#"[{"time":"2026-08-09T12:34:51.000Z","type":"platform.start","record":{"requestId":"r-1"}}]"#;
    let line = br#"[{"time":"2026-08-09T12:34:51.500Z","type":"function","record":"hello"}]"#;
    let now = crate::base::clock::now();
    intake.accept(body, now);
    let has_request = |events: &[Event]| events[0].line.ends_with(b",\"requestId\":\"r-1\"}}\n");
    assert!(has_request(&intake.accept(line, now).events));
    intake.gap();
    assert!(!has_request(&intake.accept(line, now).events));
}
