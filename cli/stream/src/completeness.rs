//! Reads a period of a stream, and judges whether any event is missing.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use kinesis_telemetry_consumer::{Completeness, Period, Verdict};

use crate::client::Target;
use crate::stream::{Reader, Start};

/// Judges the events of a period that ends now or earlier. `stream` is the name of the stream in the verdict. `settle` is the
/// time that an event may take to arrive.
pub async fn completeness(
    target: Target,
    stream: &str,
    period: Range<SystemTime>,
    settle: Duration,
) -> Result<Verdict> {
    let mut reader = Reader::new(target, Start::At(period.start));
    let period = Period {
        since_ms: milliseconds(period.start),
        until_ms: milliseconds(period.end),
        settle_ms: i64::try_from(settle.as_millis()).unwrap_or(i64::MAX),
    };
    let mut completeness = Completeness::new(period);
    let add = |record: &crate::Record| completeness.record(&record.data, record.arrived_ms);
    reader.read_until(period.until_ms, add).await?;
    Ok(completeness.verdict(stream))
}

/// Returns the milliseconds from 1970-01-01T00:00:00Z to a time.
pub fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
