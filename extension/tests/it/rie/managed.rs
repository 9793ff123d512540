//! Managed instances in AWS's emulator: real batches of telemetry, and concurrent requests.

use std::collections::BTreeMap;
use std::time::Duration;

use extension_sandbox::Kinesis;
use extension_sandbox::kinesis::faults::Faults;
use extension_spec::event_type;
use serde_json::{Value, json};

use super::{ENDED, REAL, Rie, variables};
use kinesis_telemetry_consumer::strict::Arrived;

/// The number of requests that the function handles concurrently.
const CONCURRENCY: usize = 4;

async fn start(kinesis: &Kinesis, settings: &[(&str, &str)], more: &[(&str, &str)]) -> Rie {
    let variables = variables(kinesis, settings);
    let concurrency = CONCURRENCY.to_string();
    let own = [("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.as_str())];
    let all = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<_> = all.chain(own).chain(more.iter().copied()).collect();
    Rie::start(REAL, &all).await
}

/// Returns the events in order. Checks that their numbers have no gap and no event is duplicated.
fn events(kinesis: &Kinesis) -> Vec<Value> {
    let arrived = Arrived::of(kinesis.records().iter().map(|record| &record.data));
    arrived.assert_gapless();
    assert_eq!((arrived.duplicates, arrived.instances()), (0, 1));
    arrived.events.values().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn of_type<'a>(events: &'a [Value], event_type: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == event_type).map(|it| &it["record"]).collect()
}

/// Returns every printed line of the function, by the request that it names.
fn lines(events: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in of_type(events, "function") {
        // The emulator hands over JSON lines as text.
        let line: Value = serde_json::from_str(line.as_str().unwrap()).unwrap();
        let text = |member: &str| line[member].as_str().unwrap().to_owned();
        lines.entry(text("requestId")).or_default().push(text("message"));
    }
    lines
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn lines_of_concurrent_requests_in_the_emulator_arrive_once() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let mut rie = start(&kinesis, &[("MAX_AGE_MS", "200")], &[]).await;
    let mut requests = Vec::new();
    for _ in 0..3 {
        // Each request waits long enough for the others to start.
        let payload = json!({ "lines": 20, "sleepMs": 300 });
        let answers: [_; CONCURRENCY] = std::array::from_fn(|_| rie.invoke(&payload));
        let [one, two, three, four] = answers;
        let (one, two, three, four) = tokio::join!(one, two, three, four);
        for answer in [one, two, three, four] {
            assert_eq!((answer.status, &answer.json()["lines"]), (200, &json!(20)), "{answer:?}");
            requests.push(answer.json()["requestId"].as_str().unwrap().to_owned());
        }
    }
    rie.terminate();
    assert_eq!(rie.ended().await, Some(0));
    assert_eq!(rie.count_logged(&format!("{ENDED}0")), 1, "{:#?}", rie.lines());

    let events = events(&kinesis);
    let lines = lines(&events);
    let expected: Vec<String> = (1..=20).map(|n| format!("line {n} of 20")).collect();
    for request in &requests {
        assert_eq!(lines.get(request), Some(&expected), "{request}");
        for of in ["platform.start", "platform.report"] {
            let named = of_type(&events, of);
            assert_eq!(named.iter().filter(|it| it["requestId"] == **request).count(), 1, "{of}");
        }
    }
    assert_eq!(lines.len(), requests.len());
    assert!(most_at_once(&events) > 1, "no two requests were under way at once");
    let [ledger] = of_type(&events, event_type::LEDGER)[..] else { panic!("one ledger") };
    assert_eq!(ledger["received"], json!(events.len() - 1), "{ledger}");
    assert_eq!(ledger["logsDropped"]["records"], json!(0), "{ledger}");
}

/// Returns the largest number of concurrent requests.
fn most_at_once(events: &[Value]) -> usize {
    let (mut now, mut most) = (0, 0);
    for event in events {
        match event["type"].as_str() {
            Some("platform.start") => now += 1,
            Some("platform.report") => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn a_failure_and_a_timeout_in_the_emulator_are_reported() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let mut rie = start(&kinesis, &[], &[("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")]).await;
    let failed = rie.invoke(&json!({ "lines": 1, "end": "fail" })).await;
    assert_eq!(failed.json()["errorType"], "Function.Failed");
    let late = rie.invoke(&json!({ "lines": 1, "end": "timeout" })).await;
    assert_eq!(late.json()["errorMessage"], "Task timed out after 1.00 seconds");
    assert_eq!(rie.invoke(&json!({ "lines": 1 })).await.json()["lines"], 1);
    rie.terminate();
    assert_eq!(rie.ended().await, Some(0));
    assert_eq!(rie.count_logged(&format!("{ENDED}0")), 1, "{:#?}", rie.lines());

    let events = events(&kinesis);
    let reports = of_type(&events, "platform.report");
    let statuses: Vec<_> = reports.iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["error", "timeout", "success"]);
    assert_eq!(lines(&events).len(), 3);
    assert!(of_type(&events, "platform.runtimeDone").is_empty());
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn lines_before_a_crash_in_the_emulator_arrive() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let mut rie = start(&kinesis, &[], &[]).await;
    rie.invoke(&json!({ "lines": 5, "end": "exit" })).await;
    // The instance ends by itself: the platform would use another one.
    assert_eq!(rie.ended().await, Some(1));
    assert_eq!(rie.count_logged(&format!("{ENDED}0")), 1, "{:#?}", rie.lines());

    let events = events(&kinesis);
    let [report] = of_type(&events, "platform.report")[..] else { panic!("one report") };
    assert_eq!(report["errorType"], "Runtime.ExitError");
    let lines = lines(&events);
    assert_eq!(lines.values().map(Vec::len).collect::<Vec<_>>(), [5]);
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn an_unavailable_stream_does_not_affect_the_function() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    kinesis.set_faults(Faults::down());
    let mut rie = start(&kinesis, &[("MAX_AGE_MS", "100")], &[]).await;
    for _ in 0..5 {
        let answer = tokio::time::timeout(Duration::from_secs(5), rie.invoke(&json!({}))).await;
        assert_eq!(answer.unwrap().json()["lines"], 3);
    }
    rie.terminate();
    assert_eq!(rie.ended().await, Some(0));
    assert_eq!(rie.count_logged(&format!("{ENDED}0")), 1, "{:#?}", rie.lines());
}
