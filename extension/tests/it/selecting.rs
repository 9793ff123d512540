//! Selected invocations are delivered in full, whatever Lambda does to the environment.

use std::collections::BTreeSet;
use std::time::Duration;

use extension_sandbox::judge::{Judge, Judgement, Rules, is_sampled};
use extension_sandbox::{LogFormat, Mode, Options, Status};
use extension_spec::event_type;
use serde_json::{Value, json};

use crate::test_environment::{Ended, TestEnvironment};

/// Rules by which no ordinary invocation is delivered.
const RULES: Rules = Rules { sample: 0.0, failed: true, level: Some(4), slow_ms: None };
const NONE: (&str, &str) = ("SAMPLE", "0");

/// The events that a consumer received.
struct Outcome {
    judgement: Judgement,
    /// The number of lines.
    lines: usize,
    ledger: Value,
}

/// Judges what arrived, and checks that the last ledger balances.
fn judge(ended: &Ended, rules: &Rules) -> Outcome {
    let arrived = ended.arrived();
    arrived.assert_gapless();
    let texts: BTreeSet<String> = arrived.events.into_values().collect();
    let judgement = Judge::of(&ended.journal).judge(rules, &texts);
    assert_eq!(judgement.missing, [""; 0], "lines that had to arrive");
    let platform = ended.journal.iter().map(|entry| entry.event.get());
    for event in platform.filter(|event| event.contains(r#""type":"platform."#)) {
        assert!(texts.contains(event), "events of the platform are always delivered: {event}");
    }
    let ledger = ended.ledgers().pop().expect("a ledger is the last event");
    let count = |pointer: &str| ledger.pointer(pointer).and_then(Value::as_u64).unwrap();
    let read = count("/received") + count("/filtered") + count("/sampledOut/events");
    assert_eq!(count("/read"), read + count("/undecided"), "{ledger}");
    assert_eq!(count("/undecided"), 0);
    let is_line = |text: &&String| text.contains(r#""type":"function""#);
    let lines = texts.iter().filter(is_line).count();
    assert!(!texts.iter().any(|text| text.contains(event_type::QUARANTINE)));
    Outcome { judgement, lines, ledger }
}

async fn invoke(env: &mut TestEnvironment, lines: u32, fails: bool) {
    let mut payload = json!({ "lines": lines });
    if fails {
        payload["end"] = "fail".into();
    }
    let invocation = env.invoke(payload).await;
    assert_eq!(invocation.status == Status::Error, fails, "{invocation:?}");
}

#[tokio::test]
async fn only_failed_invocations_deliver_their_lines() {
    let mut env = TestEnvironment::new(&[NONE], |_| ()).await;
    for number in 0..6 {
        let fails = number % 3 == 1;
        invoke(&mut env, 5, fails).await;
    }
    let Outcome { judgement, lines, ledger } = judge(&env.end().await, &RULES);
    assert_eq!(judgement.leaked, [""; 0]);
    assert!(judgement.ordinary > 0);
    assert!(lines >= 10, "{lines}");
    assert_eq!(ledger["sampledOut"]["invocations"], 4);
}

#[tokio::test]
async fn frequent_invocations_between_freezes_are_decided_one_by_one() {
    for strategy in ["start", "adaptive"] {
        let settings = [NONE, ("FLUSH", strategy), ("MAX_AGE_MS", "500")];
        let change = |options: &mut Options| options.freeze_closes_connections = true;
        let mut env = TestEnvironment::new(&settings, change).await;
        for number in 0..60 {
            let fails = number % 10 == 7;
            invoke(&mut env, 10, fails).await;
        }
        let Outcome { judgement, lines, .. } = judge(&env.end().await, &RULES);
        assert_eq!(judgement.leaked, [""; 0], "{strategy}");
        assert!(lines >= 60, "{strategy}: {lines}");
    }
}

#[tokio::test]
async fn an_error_line_keeps_all_lines_of_its_invocation() {
    let mut env =
        TestEnvironment::new(&[NONE], |options| options.log_format = LogFormat::Json).await;
    env.succeed(3).await;
    invoke(&mut env, 3, true).await;
    env.succeed(3).await;
    let Outcome { judgement, .. } = judge(&env.end().await, &RULES);
    assert_eq!(judgement.leaked, [""; 0]);
}

#[tokio::test]
async fn a_timed_out_invocation_is_delivered() {
    let change = |options: &mut Options| options.timeout = Duration::from_millis(1_500);
    let mut env = TestEnvironment::new(&[NONE], change).await;
    env.succeed(3).await;
    let timed_out = env.invoke(json!({ "lines": 4, "sleepMs": 20_000 })).await;
    assert_eq!(timed_out.status, Status::Timeout);
    env.succeed(3).await;
    let Outcome { judgement, lines, .. } = judge(&env.end().await, &RULES);
    assert_eq!(judgement.leaked, [""; 0]);
    assert!((4..=6).contains(&lines), "{lines}");
}

#[tokio::test]
async fn a_restored_environment_selects_invocations() {
    let change = |options: &mut Options| options.mode = Mode::SnapStart;
    let mut env = TestEnvironment::new(&[NONE], change).await;
    assert_eq!(env.sandbox.init().await.status, Status::Success);
    env.succeed(3).await;
    invoke(&mut env, 3, true).await;
    let Outcome { judgement, .. } = judge(&env.end().await, &RULES);
    assert_eq!(judgement.leaked, [""; 0]);
}

#[tokio::test]
async fn functions_of_one_trace_decide_alike() {
    let sampled = |root: &String| is_sampled(root, 0.5);
    let roots: Vec<String> =
        (0..6).map(|n| format!("1-5759e988-bd862e3fe1be46a99427279{n}")).collect();
    assert!(roots.iter().any(sampled) && !roots.iter().all(sampled));
    for root in &roots {
        let mut lines = Vec::new();
        for (function, tenant) in [("orders", None), ("invoices", Some("blue".to_owned()))] {
            let change = |options: &mut Options| {
                options.function_name = function.to_owned();
                options.trace = Some(format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=0"));
                options.tenant = tenant;
            };
            let mut env = TestEnvironment::new(&[("SAMPLE", "0.5")], change).await;
            env.succeed(2).await;
            let outcome = judge(&env.end().await, &Rules { sample: 0.5, ..RULES });
            assert_eq!(outcome.judgement.leaked, [""; 0]);
            lines.push(outcome.lines);
        }
        assert_eq!(lines, [if sampled(root) { 2 } else { 0 }; 2], "{root}");
    }
}

#[tokio::test]
async fn managed_instances_deliver_every_line_and_report_it_once() {
    let change = |options: &mut Options| options.mode = Mode::ManagedInstances;
    let mut env = TestEnvironment::new(&[NONE], change).await;
    for _ in 0..3 {
        env.succeed(3).await;
    }
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 9);
    assert_eq!(ended.count_logged("SAMPLE is ignored on managed instances"), 1);
}
