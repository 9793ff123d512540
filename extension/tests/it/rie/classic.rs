//! The classic mode of AWS's emulator, one request at a time: real events of the Extensions API, and no telemetry.

use std::time::Duration;

use extension_sandbox::Kinesis;
use serde_json::json;
use tokio::time::Instant;

use super::{ENDED, REAL, Rie, variables};

const NO_TELEMETRY: &str = "no telemetry is delivered: this Lambda has no Telemetry API";

async fn start(timeout: &str) -> Rie {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let variables = variables(&kinesis, &[]);
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let variables: Vec<_> = variables.chain([("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout)]).collect();
    Rie::start(REAL, &variables).await
}

/// Ends the emulator. The extension takes far less than its two seconds.
async fn end(mut rie: Rie, lives: usize) {
    let start = Instant::now();
    rie.terminate();
    assert_eq!(rie.ended().await, Some(0));
    assert!(start.elapsed() < Duration::from_millis(1_900), "{:?}", start.elapsed());
    assert_eq!(rie.count_logged(&format!("{ENDED}0")), lives, "{:#?}", rie.lines());
    assert_eq!(rie.count_logged(ENDED), lives);
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn missing_telemetry_in_the_emulator_is_reported_once() {
    let rie = start("10").await;
    for lines in 1..=5 {
        let answer = rie.invoke(&json!({ "lines": lines })).await;
        assert_eq!((answer.status, &answer.json()["lines"]), (200, &json!(lines)));
    }
    assert_eq!(rie.count_logged(NO_TELEMETRY), 1, "{:#?}", rie.lines());
    end(rie, 1).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn a_timeout_in_the_emulator_starts_another_process() {
    let rie = start("1").await;
    let answer = rie.invoke(&json!({ "end": "timeout" })).await;
    assert_eq!(answer.body, "Task timed out after 1.00 seconds");
    assert_eq!(rie.invoke(&json!({ "lines": 2 })).await.json()["lines"], 2);
    assert_eq!(rie.count_logged(NO_TELEMETRY), 2, "once per process: {:#?}", rie.lines());
    end(rie, 2).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_extension_survives_a_function_crash_in_the_emulator() {
    let rie = start("10").await;
    let answer = rie.invoke(&json!({ "end": "exit" })).await;
    assert_eq!((answer.status, &answer.json()["errorType"]), (502, &json!("Runtime.ExitError")));
    assert_eq!(rie.invoke(&json!({ "lines": 2 })).await.json()["lines"], 2);
    end(rie, 2).await;
}
