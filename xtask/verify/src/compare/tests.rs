//! Tests with the sandbox's captures of AWS's own emulator, and with changed copies of them.

use serde_json::{Value, json};

use super::*;

/// The environments of a capture: each begins with `platform.initStart`.
fn captured(capture: &str) -> Vec<Life> {
    let events: Vec<Value> = serde_json::from_str::<Vec<Vec<Value>>>(capture).unwrap().concat();
    let lives = events.chunk_by(|_, next| next["type"] != "platform.initStart");
    lives.map(life).collect()
}

fn life(events: &[Value]) -> Life {
    Life::of_lines(&events.iter().map(|it| it.to_string() + "\n").collect::<String>())
}

fn captures() -> [Vec<Life>; 4] {
    [
        include_str!("../../../../sandbox/tests/samples/managed-instances-invocations.json"),
        include_str!("../../../../sandbox/tests/samples/managed-instances-timeout.json"),
        include_str!("../../../../sandbox/tests/samples/managed-instances-runtime-crash.json"),
        include_str!("../../../../sandbox/tests/samples/managed-instances-extension-crash.json"),
    ]
    .map(captured)
}

fn values(life: &Life) -> Vec<Value> {
    life.0.iter().map(|it| serde_json::from_str(&it.text).unwrap()).collect()
}

fn differences(aws: &[Life], sandbox: &[Life]) -> Vec<Difference> {
    let found = Comparison::of_each(aws, sandbox).found("crash");
    found.into_iter().map(|it| it.difference).collect()
}

fn difference(event: &str, member: &str, aws: &str, sandbox: &str) -> Difference {
    let [event, member, aws, sandbox] = [event, member, aws, sandbox].map(str::to_owned);
    Difference { event, member, aws, sandbox }
}

#[test]
fn a_capture_is_equal_to_itself() {
    for capture in captures() {
        assert!(!capture.is_empty());
        assert_eq!(differences(&capture, &capture), []);
    }
}

#[test]
fn other_times_ids_and_texts_are_no_difference() {
    for capture in captures() {
        let text: String = capture.iter().map(Life::lines).collect();
        let other = text.replace("2026-11-22T", "2027-01-01T").replace("test_function", "another");
        assert_ne!(text, other);
        let sandbox: Vec<Value> =
            other.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        let lives: Vec<Life> =
            sandbox.chunk_by(|_, next| next["type"] != "platform.initStart").map(life).collect();
        assert_eq!(differences(&capture, &lives), []);
    }
}

/// Removes each event in turn, and each member of each record.
#[test]
fn whatever_one_side_lacks_is_found_on_either_side() {
    for capture in captures() {
        for (n, whole) in capture.iter().enumerate() {
            let events = values(whole);
            for (at, event) in events.iter().enumerate() {
                let without = |changed: &[Value]| {
                    let mut other = capture.clone();
                    other[n] = life(changed);
                    let (there, here) =
                        (differences(&other, &capture), differences(&capture, &other));
                    assert!(!there.is_empty() && !here.is_empty(), "{event}");
                    let sides = |of: &[Difference]| {
                        of.iter().map(|it| (it.aws.clone(), it.sandbox.clone())).collect::<Vec<_>>()
                    };
                    let mut turned: Vec<_> =
                        sides(&here).into_iter().map(|(a, b)| (b, a)).collect();
                    let mut expected = sides(&there);
                    turned.sort();
                    expected.sort();
                    assert_eq!(turned, expected);
                };
                // Without its beginning it would not be an environment.
                let mut changed = events.clone();
                changed.remove(at);
                without(&changed);
                let members = event["record"].as_object().cloned().unwrap_or_default();
                for member in members.keys() {
                    let mut changed = events.clone();
                    changed[at]["record"].as_object_mut().unwrap().remove(member);
                    without(&changed);
                }
            }
        }
    }
}

#[test]
fn a_member_of_another_type_or_word_is_named_with_both_sides() {
    let [capture, ..] = captures();
    let mut events = values(&capture[0]);
    let report = events.iter_mut().find(|it| it["type"] == "platform.report").unwrap();
    report["record"]["metrics"]["durationMs"] = json!("22");
    report["record"]["status"] = json!("failure");
    let found = Comparison::of_each(&[life(&events)], &capture[..1]).found("crash");
    let named: Vec<Difference> = found.iter().map(|it| it.difference.clone()).collect();
    assert_eq!(
        named,
        [
            difference("platform.report", "record.metrics.durationMs", "string", "number"),
            difference("platform.report", "record.status", "\"failure\"", "\"success\""),
        ]
    );
    assert!(found[0].places[0].starts_with("environment 1, event "), "{found:?}");
}

#[test]
fn an_event_too_many_and_another_order_are_found() {
    let [capture, ..] = captures();
    let events = values(&capture[0]);
    let mut more = events.clone();
    more.insert(1, json!({ "type": "platform.fault", "record": "x" }));
    assert_eq!(
        differences(&[life(&more)], &capture[..1]),
        [difference("platform.fault", "", "the event", ABSENT)]
    );
    let mut turned = events;
    let at = turned.iter().position(|it| it["type"] == "platform.initReport").unwrap();
    turned.swap(at, at - 1);
    let names: Vec<String> =
        differences(&[life(&turned)], &capture[..1]).into_iter().map(|it| it.event).collect();
    assert_eq!(names, ["platform.extension"; 2], "it is gone here, and came there");
}

#[test]
fn an_environment_too_many_is_found() {
    let [capture, ..] = captures();
    let two = [capture[0].clone(), capture[0].clone()];
    let expected = difference("scenario", "number of environments", "2", "1");
    assert_eq!(differences(&two, &capture[..1]), [expected]);
}

#[test]
fn an_environment_of_a_burst_is_held_against_as_many_invocations_as_it_had() {
    let [capture, ..] = captures();
    let sandbox = &capture[0];
    assert!(sandbox.count(START) >= 2, "the capture has several invocations");
    let once = sandbox.until_report(1);
    assert_eq!(once.count(START), 1);
    let burst = [once.clone(), sandbox.clone()];
    assert_eq!(Comparison::of_burst(&burst, sandbox).found("burst"), []);
    let mut events = values(&once);
    events.pop();
    let found = Comparison::of_burst(&[life(&events)], sandbox).found("burst");
    let expected = difference("platform.report", "", ABSENT, "the event");
    assert_eq!(found[0].difference, expected);
}

#[test]
fn lines_that_name_their_invocation_may_come_late() {
    let line = json!({ "type": "function", "record": { "requestId": "a", "message": "x" } });
    let start = json!({ "type": "platform.start", "record": { "requestId": "a" } });
    let done = json!({ "type": "platform.runtimeDone", "record": { "requestId": "a" } });
    let early = life(&[start.clone(), line.clone(), done.clone()]);
    let late = life(&[start, done, line]);
    assert_eq!(differences(&[late], &[early]), []);
}

#[test]
fn an_extension_may_subscribe_before_the_runtime_is_ready_or_after_it() {
    let [start, subscription, done] =
        ["platform.initStart", "platform.telemetrySubscription", "platform.initRuntimeDone"]
            .map(|kind| json!({ "type": kind, "record": {} }));
    let early = life(&[start.clone(), subscription.clone(), done.clone()]);
    let late = life(&[start.clone(), done.clone(), subscription]);
    assert_eq!(differences(std::slice::from_ref(&late), &[early]), []);
    let never = life(&[start, done]);
    let expected = difference("platform.telemetrySubscription", "", "the event", ABSENT);
    assert_eq!(differences(&[late], &[never]), [expected]);
}

#[test]
fn timing_that_holds_on_one_side_only_is_found() {
    let at = |time: &str, kind: &str| json!({ "time": format!("2026-01-01T00:00:0{time}Z"), "type": kind, "record": { "requestId": "a" } });
    let (start, report) = (at("1.000", "platform.start"), at("3.000", "platform.report"));
    let [aws, sandbox] = ["4.000", "2.000"]
        .map(|time| life(&[start.clone(), at(time, "platform.runtimeDone"), report.clone()]));
    assert_eq!(
        differences(&[aws], &[sandbox]),
        [difference("timing", "runtimeDone is before report", "does not hold", "holds")]
    );
}

#[test]
fn another_answer_is_found() {
    let mut comparison = Comparison::default();
    comparison.answers(&[false, true], &[false, false]);
    let found = comparison.found("crash");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].places, ["invocation 2"]);
    assert_eq!(found[0].difference, difference("scenario", "answer", "an error", "a result"));
}
