//! Totals of deliveries, for metrics.

use std::time::{Duration, Instant};

use extension_spec::limits;

use crate::pack::Record;

/// The maximum number of lags that are kept until they are taken. CloudWatch accepts no more values of one metric in a
/// line.
const LAGS: usize = 100;

/// Totals since the process started, and the lags since they were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that were answered, whatever happened to their records.
    pub calls: u64,
    /// Requests that failed as a whole, or were not answered.
    pub failed_calls: u64,
    /// Records that were accepted.
    pub records: u64,
    /// The bytes of these records, including partition keys.
    pub bytes: u64,
    /// The payload units for which a provisioned stream bills these records.
    pub payload_units: u64,
    /// Records that were rejected and sent again.
    pub retried: u64,
    /// Events that went to the spill file.
    pub spilled: u64,
    /// The time that flushes took.
    pub flushing: Duration,
    /// The times from the arrival of a record's oldest event to its acknowledgement.
    lags: Vec<Duration>,
}

impl Stats {
    /// Counts an accepted record.
    pub fn taken(&mut self, record: &Record, now: Instant) {
        let size = record.size() as u64;
        self.records += 1;
        self.bytes += size;
        self.payload_units += size.div_ceil(limits::PAYLOAD_UNIT_BYTES);
        let lag = now.saturating_duration_since(record.oldest);
        if self.lags.len() < LAGS {
            self.lags.push(lag);
        } else if let Some(shortest) = self.lags.iter_mut().min() {
            // Long lags matter most, so the shortest one is replaced.
            *shortest = lag.max(*shortest);
        }
    }

    /// Returns the lags since the last call.
    pub fn take_lags(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.lags)
    }
}
