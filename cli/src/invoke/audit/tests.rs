use kinesis_telemetry_stream::Record;

use super::*;

const FUNCTION: &str = "f";

/// Returns an event of this instance as a record.
fn record(event: &str, function: &str, instance: &str, seq: u64) -> Record {
    let open = event.strip_suffix('}').unwrap();
    let source = format!(r#"{{"function":"{function}","instance":"{instance}","seq":{seq}}}"#);
    Record {
        data: format!("{open},\"source\":{source}}}\n").into_bytes(),
        arrived_ms: 1_795_377_600_500,
    }
}

/// Returns records of one event each, numbered from `first`.
fn records(first: u64, events: &[String]) -> Vec<Record> {
    let numbered = events.iter().zip(first..);
    numbered.map(|(event, seq)| record(event, FUNCTION, "a", seq)).collect()
}

fn stated(kind: &str) -> String {
    format!(r#"{{"time":"2026-11-22T20:00:00.000Z","type":"{kind}","record":{{"requestId":"r"}}}}"#)
}

fn logged(n: u32) -> String {
    let record = format!(r#"{{"requestId":"r","message":"line {n} of 2"}}"#);
    format!(r#"{{"time":"2026-11-22T20:00:00.100Z","type":"function","record":{record}}}"#)
}

/// Returns all events of the request.
fn all() -> Vec<String> {
    let mut all = vec![stated("platform.start"), logged(1), logged(2)];
    all.extend(["platform.runtimeDone", "platform.report"].map(stated));
    all
}

fn audit(records: &[Record]) -> Audit {
    let mut evidence = Evidence::new(FUNCTION);
    // The result does not depend on how records are split into batches.
    records.chunks(2).for_each(|it| evidence.add(it));
    Audit::of(&[Sent { request_id: "r".into(), lines: 2 }], &evidence)
}

#[test]
fn an_invocation_of_an_older_instance_can_be_complete() {
    let audit = audit(&records(40, &all()));
    assert!(audit.is_complete(), "{audit:?}");
    assert_eq!((audit.arrived(), audit.expected()), (5, 5));
    assert_eq!(audit.requests[0].delivered_ms, Some(500));
    assert_eq!(audit.instances[0].first, 40);
}

#[test]
fn missing_events_are_named_and_may_still_arrive() {
    let mut records = records(1, &all());
    records.remove(2);
    let audit = audit(&records);
    assert!(!audit.is_complete() && !audit.cannot_become_complete());
    assert_eq!(audit.requests[0].missing, ["line 2"]);
    assert_eq!(audit.instances[0].missing, [(3, 3)], "its number is missing");
    let nothing = Audit::of(&[Sent { request_id: "q".into(), lines: 0 }], &Evidence::default());
    assert_eq!(nothing.arrived(), 0);
}

#[test]
fn repeated_and_conflicting_events_are_final() {
    let mut twice = all();
    twice.push(logged(2));
    let audit_twice = audit(&records(1, &twice));
    assert_eq!(audit_twice.requests[0].repeated, ["line 2"]);
    let mut conflicting = records(1, &all());
    conflicting.push(record(&logged(1), FUNCTION, "a", 1));
    let account_conflicting = audit(&conflicting);
    assert_eq!(account_conflicting.instances[0].conflicting, [1]);
    for audit in [audit_twice, account_conflicting] {
        assert!(audit.cannot_become_complete() && !audit.is_complete());
    }
}

#[test]
fn a_duplicate_record_is_allowed() {
    let mut records = records(1, &all());
    records.push(records[0].clone());
    let audit = audit(&records);
    assert!(audit.is_complete(), "{audit:?}");
    assert_eq!(audit.instances[0].duplicates, [1]);
}

#[test]
fn events_of_others_are_not_judged() {
    let mut records = records(3, &all());
    let other = stated("platform.start").replace("\"r\"", "\"other\"");
    // Another function, with duplicates and gaps, and another instance of this one that is read only in part.
    for (function, instance) in [("g", "b"), ("g", "b"), (FUNCTION, "c")] {
        records.insert(0, record(&other, function, instance, 7));
        records.push(record(&logged(1).replace("\"r\"", "\"other\""), function, instance, 9));
    }
    // An event without identity, and a line that is not an event.
    records.push(Record { data: format!("{other}\nnoise\n").into_bytes(), arrived_ms: 0 });
    // A late retry of an event from before the first invocation.
    records.push(record(&other, FUNCTION, "a", 1));
    let audit = audit(&records);
    assert!(audit.is_complete() && !audit.cannot_become_complete(), "{audit:?}");
    assert_eq!((audit.instances.len(), audit.instances[0].first), (1, 3));
    assert_eq!(audit.broken.count, 2, "both are reported");
}

#[test]
fn own_events_without_identity_are_final() {
    let audit = audit(&[Record { data: all().join("\n").into_bytes(), arrived_ms: 0 }]);
    assert!(audit.requests[0].anonymous);
    assert!(audit.cannot_become_complete() && !audit.is_complete());
}

#[test]
fn a_new_instance_must_have_every_number_from_1() {
    let mut events = all();
    let report = r#"{"requestId":"r","metrics":{"initDurationMs":81.5}}"#;
    events[4] = format!(r#"{{"type":"platform.report","record":{report}}}"#);
    let whole = audit(&records(1, &events));
    assert!(whole.is_complete(), "{whole:?}");
    let lacking = audit(&records(3, &events));
    assert!(!lacking.is_complete() && !lacking.cannot_become_complete());
    assert_eq!(lacking.instances[0].missing, [(1, 2)]);
}

#[test]
fn a_line_is_recognized_by_its_text() {
    let text = r#"{"record":"[INFO] id line 12 of 20 xxx"}"#;
    assert_eq!(line(text, 20).as_deref(), Some("line 12"));
    assert_eq!(line(text, 30), None);
    assert_eq!(line(r#"{"record":"else"}"#, 20), None);
}
