//! The released layer at its place in Lambda, in AWS's emulator.

use extension_sandbox::Kinesis;
use extension_spec::event_type;
use serde_json::json;

use super::{Files, REAL, Rie, variables};
use kinesis_telemetry_consumer::strict::Arrived;

#[tokio::test]
#[ignore = "needs unshare, unzip and a layer: cargo xtask ci"]
async fn the_emulator_starts_the_extension_from_the_layer() {
    let layer = std::env::var("LAYER").expect("cargo xtask ci sets it");
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let variables = variables(&kinesis, &[]);
    let all = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<_> = all.chain([("AWS_LAMBDA_MAX_CONCURRENCY", "1")]).collect();
    let mut rie = Rie::start(Files { layer: Some(&layer), ..REAL }, &all).await;
    for lines in 1..=3 {
        let answer = rie.invoke(&json!({ "lines": lines })).await;
        assert_eq!((answer.status, &answer.json()["lines"]), (200, &json!(lines)), "{answer:?}");
    }
    rie.terminate();
    assert_eq!(rie.ended().await, Some(0));

    let arrived = Arrived::of(kinesis.records().iter().map(|record| &record.data));
    arrived.assert_gapless();
    assert_eq!((arrived.duplicates, arrived.instances()), (0, 1));
    let of_type = |event_type: &str| {
        let member = format!("\"type\":\"{event_type}\"");
        arrived.events.values().filter(|event| event.contains(&member)).count()
    };
    assert_eq!(of_type("function"), 1 + 2 + 3);
    assert_eq!((of_type("platform.report"), of_type(event_type::LEDGER)), (3, 1));
}
