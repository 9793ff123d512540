//! `completeness`: checks that no event of a period is missing, and can put the result to CloudWatch.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use extension_spec::metric;
use kinesis_telemetry_args::Completeness as Options;
use kinesis_telemetry_consumer::{Completeness, Period};
use kinesis_telemetry_stream::{Aws, Reader, Start, region_of_arn, say};
use kinesis_telemetry_terminal::{StatusLine, json};

use crate::session::{Opened, Session};

pub(crate) async fn run(options: &Options, session: &Session) -> Result<ExitCode> {
    let Opened { aws, target, stream } = session.stream(&options.source).await?;
    let now = SystemTime::now();
    let since = options.since.start(now);
    let period = Period {
        since_ms: milliseconds(since),
        until_ms: milliseconds(now),
        settle_ms: i64::try_from(options.settle.as_millis()).unwrap_or(i64::MAX),
    };
    let mut completeness = Completeness::new(period);
    let status = StatusLine::default();
    status.set(&format!("reading {stream}"));
    let mut reader = Reader::new(target, Start::At(since));
    let add = |record: &kinesis_telemetry_stream::Record| {
        completeness.record(&record.data, record.arrived_ms);
    };
    reader.read_until(period.until_ms, add).await?;
    status.clear();
    let verdict = completeness.verdict(&stream);
    let line = serde_json::to_string(&verdict)?;
    // The exit code counts, whether or not the line has a reader.
    say::is_written(format!("{}\n", json(&line)).as_bytes())?;
    if options.metric {
        put_metric(&aws, &stream, verdict.missing_events).await?;
    }
    Ok(if verdict.complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Puts the number of missing events to CloudWatch, in the region of the stream.
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
        aws.explain("putting the metric MissingEvents", "cloudwatch:PutMetricData", &error)
    })?;
    Ok(())
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
