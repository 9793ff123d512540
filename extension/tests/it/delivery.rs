//! Delivery without faults: every event arrives once.

use std::time::{Duration, SystemTime};

use extension_sandbox::kinesis::Record;
use extension_sandbox::{LogFormat, Status};
use extension_spec::EXTENSION_NAME;
use serde_json::json;

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn every_event_of_every_invocation_arrives_once() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    for _ in 0..3 {
        env.succeed(10).await;
    }
    let arrived = env.end().await.verify_exactly_once();
    assert_eq!(arrived.count("function"), 30);
    for platform in ["platform.start", "platform.runtimeDone", "platform.report"] {
        assert_eq!(arrived.count(platform), 3, "{platform}");
    }
    for init in ["platform.initStart", "platform.initRuntimeDone", "platform.initReport"] {
        assert_eq!(arrived.count(init), 1, "{init}");
    }
}

#[tokio::test]
async fn with_end_the_lines_of_an_invocation_arrive_before_it_ends() {
    let mut env = TestEnvironment::new(&[("FLUSH", "end")], |_| ()).await;
    env.succeed(5).await;
    let lines: usize = env
        .kinesis
        .records()
        .iter()
        .map(|record| String::from_utf8_lossy(&record.data).matches(r#""type":"function""#).count())
        .sum();
    assert_eq!(lines, 5);
    env.end().await.verify_exactly_once();
}

#[tokio::test]
async fn with_start_an_invocation_is_not_held_and_nothing_is_lost() {
    let mut env = TestEnvironment::new(&[("FLUSH", "start")], |_| ()).await;
    for _ in 0..5 {
        env.succeed(10).await;
    }
    let arrived = env.end().await.verify();
    assert_eq!(arrived.count("function"), 50);
}

#[tokio::test]
async fn events_arrive_once_if_every_freeze_closes_connections() {
    let mut env =
        TestEnvironment::new(&[], |options| options.freeze_closes_connections = true).await;
    for _ in 0..100 {
        env.succeed(100).await;
    }
    let ended = env.end().await;
    let arrived = ended.verify_exactly_once();
    assert_eq!((arrived.count("function"), arrived.count("platform.report")), (10_000, 100));
    assert_eq!(arrived.instances(), 1);
    assert!(ended.records() <= 110, "events share records: {}", ended.records());
}

#[tokio::test]
async fn json_lines_arrive_as_objects() {
    let mut env = TestEnvironment::new(&[], |options| options.log_format = LogFormat::Json).await;
    env.succeed(4).await;
    let arrived = env.end().await.verify_exactly_once();
    let objects =
        arrived.events.values().filter(|event| event.contains(r#""record":{"level":"INFO""#));
    assert_eq!(objects.count(), 4);
}

#[tokio::test]
async fn unselected_types_are_left_out_without_a_gap() {
    let mut env = TestEnvironment::new(&[("TYPES", "platform.report,function")], |_| ()).await;
    env.succeed(3).await;
    let ended = env.end().await;
    let arrived = ended.arrived();
    assert_eq!((arrived.count("function"), arrived.count("platform.report")), (3, 1));
    assert_eq!(arrived.events.len(), 5, "four events and the ledger");
}

#[tokio::test]
async fn extension_lines_are_delivered_except_our_own() {
    let settings = [("TYPES", "platform,function,extension"), ("LOG_LEVEL", "debug")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    for _ in 0..3 {
        env.succeed(1).await;
    }
    let ended = env.end().await;
    assert!(!ended.printed.is_empty());
    assert_eq!(ended.arrived().count("extension"), 0);
}

#[tokio::test]
async fn a_failing_function_answers_as_without_the_extension() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    for (end, text) in
        [("fail", "failed, as the payload asked"), ("panic", "panicked, as the payload asked")]
    {
        let invocation = env.invoke(json!({ "lines": 2, "end": end })).await;
        assert_eq!(invocation.status, Status::Error);
        assert!(invocation.response.contains(text), "{invocation:?}");
    }
    let arrived = env.end().await.verify_exactly_once();
    assert!(arrived.count("function") >= 4);
    assert_eq!(arrived.count("platform.report"), 2);
}

/// Runs an invocation that sleeps after its lines. Returns when the record with the last line arrived, and when the
/// function ended.
async fn long(settings: &[(&str, &str)]) -> (SystemTime, SystemTime) {
    let mut env = TestEnvironment::new(settings, |_| ()).await;
    let invocation = env.invoke(json!({ "lines": 20, "sleepMs": 1_500 })).await;
    let has_it = |it: &&Record| it.data.windows(10).any(|it| it == b"line 20 of");
    let arrived = env.kinesis.records().iter().find(has_it).expect("the line arrived").arrived;
    let start = humantime::parse_rfc3339(&invocation.start_time).unwrap();
    env.end().await.verify_exactly_once();
    (arrived, start + Duration::from_secs_f64(invocation.function_ms / 1e3))
}

#[tokio::test]
async fn old_events_are_delivered_while_the_function_runs() {
    let (arrived, ended) = long(&[("MAX_AGE_MS", "100")]).await;
    assert!(arrived < ended);
}

#[tokio::test]
async fn a_full_record_is_delivered_while_the_function_runs() {
    let mut env =
        TestEnvironment::new(&[("TARGET_RECORD_BYTES", "1024"), ("MAX_AGE_MS", "900000")], |_| ())
            .await;
    let invocation = env.invoke(json!({ "lines": 20, "bytes": 1_100, "sleepMs": 1_500 })).await;
    let start = humantime::parse_rfc3339(&invocation.start_time).unwrap();
    let early = env
        .kinesis
        .records()
        .iter()
        .filter(|it| it.arrived < start + Duration::from_secs(1))
        .count();
    assert!(early >= 20, "{early} records");
    env.end().await.verify_exactly_once();
}

#[tokio::test]
async fn a_thousand_quick_invocations_make_few_requests() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    let mut early = 0;
    for number in 0..1_000 {
        env.succeed(0).await;
        // By then full records have been sent, which take the most memory.
        if number == 500 {
            early = env.sandbox.peak_memory(EXTENSION_NAME).unwrap();
        }
    }
    let late = env.sandbox.peak_memory(EXTENSION_NAME).unwrap();
    assert!(late < early + 1024 * 1024, "{early} bytes, and then {late}");
    let requests = env.kinesis.requests();
    assert!(requests <= 1_000 / 20, "{requests} requests");
    assert_eq!(env.end().await.verify().count("platform.report"), 1_000);
}
