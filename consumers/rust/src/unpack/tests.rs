use super::{Event, join, record};

const EVENT: &str = r#"{"time":"2026-11-22T20:00:00.123Z","type":"function","record":"hello"}"#;

/// An event as it arrives: `source` before the closing brace, and the newline.
fn spliced(event: &str, source: &str) -> String {
    let (open, close) = event.split_at(event.rfind('}').unwrap());
    let comma = if open.trim_end().ends_with('{') { "" } else { "," };
    format!("{open}{comma}\"source\":{{{source}}}{close}\n")
}

fn only(line: &str) -> Event {
    let mut events = record(line.as_bytes());
    assert_eq!(events.len(), 1, "{line}");
    events.pop().unwrap().unwrap()
}

fn why(line: &[u8]) -> String {
    record(line).pop().unwrap().unwrap_err().why
}

fn comes_back_verbatim(event: &str) {
    assert_eq!(only(&spliced(event, r#""instance":"a","seq":1"#)).text, event);
}

#[test]
fn an_event_comes_back_as_it_was() {
    comes_back_verbatim(EVENT);
}

#[test]
fn numbers_keep_their_digits() {
    comes_back_verbatim(r#"{"type":"x","record":[1.0,1e3,-0,0.10,12345678901234567890123]}"#);
}

#[test]
fn unicode_and_escapes_keep_their_form() {
    comes_back_verbatim(r#"{"type":"function","record":"ü \u00fc \ud83d\ude00 😀 \n \/ \" \\"}"#);
    comes_back_verbatim(r#"{"type":"function","record":"half a pair: \ud800"}"#);
    comes_back_verbatim(r#"{"\ud800":1,"type":"function"}"#);
}

#[test]
fn spaces_between_the_tokens_stay() {
    comes_back_verbatim(r#"{ "type" : "function" , "record" : { "a" : [ 1 , 2 ] } }"#);
}

#[test]
fn an_event_with_its_own_source_keeps_it() {
    comes_back_verbatim(r#"{"type":"x","source":{"instance":"mine","seq":7},"record":1}"#);
    comes_back_verbatim(r#"{"type":"x","record":1,"source":{"instance":"mine","seq":7}}"#);
    comes_back_verbatim(r#"{"type":"function","record":",\"source\":{\"seq\":1}}"}"#);
}

#[test]
fn an_event_without_members_is_an_event() {
    comes_back_verbatim("{}");
    comes_back_verbatim("{ }");
}

#[test]
fn what_a_reader_needs_is_read() {
    let event = only(&spliced(EVENT, r#""function":"f","instance":"a","seq":3,"requestId":"r1""#));
    assert_eq!(event.kind, "function");
    assert_eq!(event.time_ms, Some(1_795_377_600_123));
    assert_eq!(event.request_id.as_deref(), Some("r1"));
    assert_eq!((event.source.instance.as_str(), event.source.seq), ("a", 3));
}

#[test]
fn the_request_id_of_the_record_wins() {
    let event = r#"{"type":"platform.start","record":{"requestId":"own","version":"1"}}"#;
    let event = only(&spliced(event, r#""instance":"a","seq":1,"requestId":"other""#));
    assert_eq!(event.request_id.as_deref(), Some("own"));
}

#[test]
fn a_type_that_is_no_string_is_shown_as_it_is() {
    assert_eq!(only(&spliced(r#"{"type":[1.0]}"#, r#""instance":"a","seq":1"#)).kind, "[1.0]");
}

#[test]
fn a_record_holds_many_lines() {
    let one = spliced(EVENT, r#""instance":"a","seq":1"#);
    let two = spliced(EVENT, r#""instance":"a","seq":2"#);
    let seqs = record(format!("{one}{two}").as_bytes());
    let seqs: Vec<u64> = seqs.into_iter().map(|event| event.unwrap().source.seq).collect();
    assert_eq!(seqs, [1, 2]);
}

#[test]
fn a_line_that_is_no_event_says_why() {
    assert!(why(b"START RequestId: 1\n").starts_with("no JSON object: "));
    assert!(why(b"[1]\n").starts_with("no JSON object: "));
    assert!(why(b"\xff\n").starts_with("no UTF-8: "));
    assert_eq!(why(EVENT.as_bytes()), "the line does not end");
    assert_eq!(why(format!("{EVENT}\n").as_bytes()), "its last member is not \"source\"");
    let odd = b"{\"a\":1,\"source\":{\"instance\":\"a\"}}\n";
    assert!(why(odd).starts_with("its \"source\" is odd: "));
    let spaced = b"{\"a\":1, \"source\": {\"instance\":\"a\",\"seq\":1}}\n";
    assert_eq!(why(spaced), "its \"source\" was not spliced in as ,\"source\":");
}

#[test]
fn a_broken_line_does_not_hide_its_neighbours() {
    let good = spliced(EVENT, r#""instance":"a","seq":1"#);
    let lines = record(format!("{good}broken\n{good}").as_bytes());
    assert_eq!(lines.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
}

fn part(n: u32, of: u32, fragment: &str) -> Event {
    let fragment = serde_json::to_string(fragment).unwrap();
    let line = format!(r#"{{"type":"kinesis-telemetry.part","record":{fragment}}}"#);
    only(&spliced(&line, &format!(r#""instance":"a","seq":9,"part":{n},"parts":{of}"#)))
}

#[test]
fn parts_join_to_the_event_they_were_cut_from() {
    let (a, rest) = EVENT.split_at(10);
    let (b, c) = rest.split_at(20);
    let parts = [part(1, 3, a), part(2, 3, b), part(3, 3, c)];
    let event = join(&parts.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(event.text, EVENT);
    assert_eq!(event.kind, "function");
    assert_eq!((event.source.seq, event.source.part), (9, None));
}

#[test]
fn parts_that_cannot_be_joined_say_why() {
    let why = |parts: &[Event]| join(&parts.iter().collect::<Vec<_>>()).unwrap_err();
    assert_eq!(why(&[part(1, 3, "{"), part(3, 3, "}")]), "2 of its 3 parts arrived");
    assert_eq!(
        why(&[part(1, 2, "{"), part(2, 3, "}")]),
        "its parts state different numbers of parts"
    );
    assert!(why(&[part(1, 2, "{"), part(2, 2, "")]).starts_with("its parts join to no event: "));
}

/// A record whose first line says whose the events are; it says that so many follow.
fn headed(events: u32) -> String {
    let source = format!(r#""function":"f","instance":"a","seq":7,"events":{events}"#);
    let head = format!("{{\"type\":\"kinesis-telemetry.record\",\"source\":{{{source}}}}}\n");
    format!("{head}{EVENT}\n{EVENT}\n")
}

#[test]
fn events_after_a_first_line_that_speaks_for_all_are_numbered_by_it() {
    let events: Vec<Event> = record(headed(2).as_bytes()).into_iter().map(Result::unwrap).collect();
    let seqs: Vec<u64> = events.iter().map(|it| it.source.seq).collect();
    assert_eq!(seqs, [7, 8]);
    assert!(events.iter().all(|it| it.text == EVENT && it.source.function.as_deref() == Some("f")));
    let line = events[1].line();
    assert!(line.ends_with(r#""source":{"function":"f","instance":"a","seq":8}}"#), "{line}");
}

#[test]
fn a_record_that_lacks_lines_keeps_the_others_and_names_the_gap() {
    let mut events = record(headed(3).as_bytes());
    let last = events.pop().unwrap().unwrap_err();
    assert_eq!(last.why, "1 events that it announces are missing");
    assert_eq!(events.iter().filter(|it| it.is_ok()).count(), 2);
}

#[test]
fn lines_beyond_those_that_a_first_line_announces_get_no_number() {
    let events = record(headed(1).as_bytes());
    assert_eq!(events.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_implausible_identity_costs_its_own_line() {
    let good = spliced(EVENT, r#""instance":"a","seq":1"#);
    for bad in [
        r#""instance":"a","seq":0"#,
        r#""instance":"a","seq":9007199254740992"#,
        r#""instance":"a","seq":18446744073709551615"#,
        r#""instance":"","seq":1"#,
        r#""instance":"a","seq":1,"part":1,"parts":2"#,
        r#""instance":"a","seq":1,"events":1"#,
        r#""instance":"a","seq":1,"function":null"#,
        r#""instance":"a","seq":1,"account":{"a":1}"#,
        &format!(r#""instance":"a","seq":1,"account":"{}""#, "x".repeat(20_000)),
    ] {
        let bad = spliced(EVENT, bad);
        let lines = record(format!("{good}{bad}{good}").as_bytes());
        assert_eq!(
            lines.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, true],
            "{bad}"
        );
    }
    for part in [
        r#""part":3,"parts":2"#,
        r#""part":1"#,
        r#""part":1,"parts":65537"#,
        r#""part":0,"parts":2"#,
    ] {
        let line = r#"{"type":"kinesis-telemetry.part","record":"x"}"#;
        let line = spliced(line, &format!(r#""instance":"a","seq":1,{part}"#));
        assert!(record(line.as_bytes())[0].is_err(), "{part}");
    }
}

#[test]
fn a_first_line_announces_no_more_than_its_identity_allows() {
    let label = "x".repeat(16_000);
    let source = format!(r#""instance":"a","seq":1,"events":2000,"label":"{label}""#);
    let head = spliced(r#"{"type":"kinesis-telemetry.record"}"#, &source);
    assert!(record(head.as_bytes())[0].as_ref().unwrap_err().why.contains("more events than"));
}

#[test]
fn a_joined_event_is_one_line() {
    let event = join(&[&part(1, 1, "{\n\r\t\"a\":1\n}\n")]).unwrap();
    assert_eq!(event.line(), "{  \t\"a\":1 ,\"source\":{\"instance\":\"a\",\"seq\":9}}");
}

#[test]
fn a_line_without_an_end_does_not_run_into_the_next_record_of_an_aggregate() {
    let one = spliced(EVENT, r#""instance":"a","seq":1"#);
    let two = spliced(EVENT, r#""instance":"a","seq":2"#);
    let lines = record(&crate::decode::tests::kpl(&[one.trim_end(), &two]));
    assert_eq!(lines.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true]);
}
