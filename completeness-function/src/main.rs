//! A Lambda function that checks that no event of a stream is missing. The construct `KinesisTelemetry` schedules it. Like
//! `kinesis-telemetry completeness`, it judges a period. It prints the verdict as one line in CloudWatch's embedded metric
//! format, from which CloudWatch makes the metric `MissingEvents`. The function fails if the stream cannot be read.

mod settings;

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use extension_spec::metric;
use kinesis_telemetry_consumer::Verdict;
use kinesis_telemetry_stream::{Target, completeness, region_of_arn, stdout};
use kinesis_telemetry_terminal::json as escaped;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(_: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    // The compiler nests the types of futures that are not boxed too deeply.
    Box::pin(check()).await.map_err(|error| Diagnostic {
        error_type: "Function.NotChecked".to_owned(),
        error_message: format!("{error:#}"),
    })
}

/// Judges the period that ends now, and returns the verdict.
async fn check() -> Result<Value> {
    let now = SystemTime::now();
    let Settings { stream, period, settle } = Settings::read(|name| std::env::var(name).ok())?;
    region_of_arn(&stream).with_context(|| format!("{} is not an ARN", settings::STREAM))?;
    let target = Target::of(&stream).await?;
    let verdict = completeness(target, &stream, now - period..now, settle).await?;
    let line = measured(&verdict, now)?.to_string();
    stdout::try_write(format!("{}\n", escaped(&line)).as_bytes())?;
    serde_json::to_value(&verdict).context("the verdict cannot be written as JSON")
}

/// Returns the verdict as a line in the embedded metric format (Amazon `CloudWatch` User Guide, "Specification: Embedded metric
/// format"), with the number of missing and conflicting events as its metric, even if it is 0.
fn measured(verdict: &Verdict, now: SystemTime) -> Result<Value> {
    let ms = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut line =
        serde_json::to_value(verdict).context("the verdict cannot be written as JSON")?;
    line["_aws"] = json!({
        "Timestamp": u64::try_from(ms).unwrap_or(u64::MAX),
        "CloudWatchMetrics": [{
            "Namespace": metric::NAMESPACE,
            "Dimensions": [[metric::STREAM]],
            "Metrics": [{ "Name": metric::MISSING_EVENTS, "Unit": "Count" }],
        }],
    });
    line[metric::STREAM] = json!(verdict.stream.rsplit('/').next());
    line[metric::MISSING_EVENTS] = json!(verdict.metric());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_has_the_metric_and_its_dimension() {
        let stream = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry".to_owned();
        let verdict = Verdict { stream, missing_events: 7, ..Verdict::default() };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_123);
        let line = measured(&verdict, now).unwrap();
        assert_eq!((&line["Stream"], &line["MissingEvents"]), (&json!("telemetry"), &json!(7)));
        assert_eq!(line["_aws"]["Timestamp"], 1_790_000_000_123_u64);
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "KinesisTelemetry");
        assert_eq!(metrics["Dimensions"], json!([["Stream"]]));
        assert_eq!(metrics["Metrics"], json!([{ "Name": "MissingEvents", "Unit": "Count" }]));
        assert_eq!(line["missingEvents"], 7, "the verdict itself");
    }

    #[test]
    fn the_metric_counts_conflicting_events_too() {
        let verdict = Verdict { missing_events: 7, conflicting: 2, ..Verdict::default() };
        let line = measured(&verdict, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!((&line["MissingEvents"], &line["missingEvents"]), (&json!(9), &json!(7)));
    }
}
