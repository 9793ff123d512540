//! `completeness`: checks that no event of a period is missing, and can publish the result to CloudWatch.

use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use extension_spec::metric;
use kinesis_telemetry_args::Completeness;
use kinesis_telemetry_consumer::Period;
use kinesis_telemetry_stream::{Aws, completeness, region_of_arn, stdout};
use kinesis_telemetry_terminal::{StatusLine, json};

use crate::session::{Opened, Session};

pub(crate) async fn run(options: &Completeness, session: &Session) -> Result<ExitCode> {
    let now = SystemTime::now();
    let period = options.since.start(now)..now;
    refuse_too_short(&period, options.settle)?;
    let Opened { aws, target, stream } = session.stream(&options.source).await?;
    let status = StatusLine::default();
    status.set(&format!("reading {stream}"));
    let verdict = completeness(target, &stream, period, options.settle).await?;
    status.clear();
    let line = serde_json::to_string(&verdict)?;
    // A closed pipe does not change the exit code.
    stdout::try_write(format!("{}\n", json(&line)).as_bytes())?;
    if options.metric {
        put_metric(&aws, &stream, verdict.metric()).await?;
    }
    Ok(if verdict.complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Fails if the period is too short to judge any event. The verdict would be "complete" even if events are missing.
fn refuse_too_short(period: &Range<SystemTime>, settle: Duration) -> Result<()> {
    let least = humantime::format_duration(Period::too_short(settle));
    let length = period.end.duration_since(period.start).ok();
    let length = length
        .with_context(|| format!("--since is in the future: set a time more than {least} ago"))?;
    if length <= Period::too_short(settle) {
        bail!(
            "--since is {} ago, which is too short to judge any event with --settle {}: set a time more than {least} ago",
            humantime::format_duration(Duration::from_secs(length.as_secs())),
            settle.as_secs()
        );
    }
    Ok(())
}

/// Publishes the number of missing and conflicting events to CloudWatch, in the region of the stream.
async fn put_metric(aws: &Aws, stream: &str, missing: u64) -> Result<()> {
    let aws = aws.in_region(region_of_arn(stream));
    let name = stream.rsplit('/').next().unwrap_or(stream);
    let dimension = Dimension::builder().name(metric::STREAM).value(name).build();
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which no number exceeds")]
    let datum = MetricDatum::builder()
        .metric_name(metric::MISSING_EVENTS)
        .dimensions(dimension)
        .unit(StandardUnit::Count)
        .value(missing as f64)
        .build();
    let client = aws_sdk_cloudwatch::Client::new(&aws.config);
    let put = client.put_metric_data().namespace(metric::NAMESPACE).metric_data(datum).send().await;
    put.map_err(|error| {
        aws.explain("publishing the metric MissingEvents", "cloudwatch:PutMetricData", &error)
    })?;
    Ok(())
}
