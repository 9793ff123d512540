//! Reports of the extension (ledgers and metrics), and events that the settings leave out.

use extension_sandbox::{LogFormat, kinesis::faults::Faults};
use serde_json::{Value, json};

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn the_last_event_is_a_balanced_ledger() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    for _ in 0..3 {
        env.succeed(5).await;
    }
    let ended = env.end().await;
    let arrived = ended.verify_exactly_once();
    let ledgers = ended.ledgers();
    assert_eq!(ledgers.len(), 1, "no ledger is sent alone before the end");
    let ledger = &ledgers[0];
    let last = arrived.events.keys().last().unwrap();
    assert_eq!(
        (ledger["instance"].as_str(), ledger["upTo"].as_u64()),
        (Some(&*last.0), Some(last.1 - 1))
    );
    let count = |name: &str| ledger[name].as_u64().unwrap();
    assert_eq!(count("received"), arrived.events.len() as u64 - 1);
    assert_eq!(count("received"), count("delivered") + count("held"));
    assert_eq!(ledger["shedRanges"], json!([]));
}

#[tokio::test]
async fn a_ledger_counts_adopted_events() {
    let settings = [("FLUSH_TIMEOUT_MS", "100"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::down());
    env.invoke(json!({ "lines": 2, "end": "exit" })).await;
    env.kinesis.set_faults(Faults::none());
    env.succeed(2).await;
    let ended = env.end().await;
    assert_eq!(ended.verify().instances(), 2);
    let ledgers = ended.ledgers();
    assert_eq!(ledgers.len(), 2, "one per process");
    let adopted: u64 = ledgers.iter().map(|it| it["adopted"].as_u64().unwrap()).sum();
    let held: u64 = ledgers.iter().map(|it| it["held"].as_u64().unwrap()).max().unwrap();
    assert!(adopted > held, "the held events and the ledger: {ledgers:?}");
}

#[tokio::test]
async fn metrics_are_printed_and_never_delivered_as_events() {
    let settings = [("METRICS", "all"), ("TYPES", "platform,function,extension")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.log_format = LogFormat::Json).await;
    env.succeed(5).await;
    let ended = env.end().await;
    let lines: Vec<Value> = ended
        .printed
        .iter()
        .filter(|line| line.contains("\"_aws\""))
        .map(|line| serde_json::from_str(line).expect("a line of metrics is JSON"))
        .collect();
    assert_eq!(lines.len(), 1, "{:?}", ended.printed);
    let metrics = &lines[0];
    let arrived = ended.arrived();
    assert_eq!(metrics["Delivered"], json!(arrived.events.len()));
    assert_eq!(metrics["Records"], json!(ended.records()));
    assert!(metrics["DeliveryLag"].as_array().is_some_and(|lags| !lags.is_empty()));
    assert_eq!(arrived.count("extension"), 0);
}

#[tokio::test]
async fn lines_below_the_lowest_level_are_left_out_without_a_gap() {
    // The test function logs at level INFO.
    for (types, expected) in [("platform,function:warn", 0), ("platform,function:info", 4)] {
        let mut env = TestEnvironment::new(&[("TYPES", types)], |options| {
            options.log_format = LogFormat::Json;
        })
        .await;
        env.succeed(4).await;
        let ended = env.end().await;
        let arrived = ended.arrived();
        assert_eq!(arrived.count("function"), expected, "{types}");
        let seqs = arrived.events.keys().map(|key| key.1);
        assert!(seqs.eq(1..=arrived.events.len() as u64), "{types}");
        let filtered = ended.ledgers()[0]["filtered"].as_u64();
        assert_eq!(filtered, Some(4 - expected as u64), "{types}");
    }
}

#[tokio::test]
async fn labels_are_in_every_event_or_once_per_record() {
    for (envelope, per_event) in [("event", true), ("record", false)] {
        let settings = [("LABELS", "account,region,team=payments"), ("ENVELOPE", envelope)];
        let mut env = TestEnvironment::new(&settings, |_| ()).await;
        env.succeed(3).await;
        let ended = env.end().await;
        ended.verify_exactly_once();
        let labels =
            r#""account":"111122223333","region":"eu-central-1","team":"payments","instance":"#;
        for text in ended.texts() {
            let labelled = text.lines().filter(|line| line.contains(labels)).count();
            let expected = if per_event { text.lines().count() } else { 1 };
            assert_eq!(labelled, expected, "{envelope}: {text}");
        }
    }
}
