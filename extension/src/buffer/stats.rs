//! What delivering has taken so far: for metrics.

use std::time::{Duration, Instant};

use extension_spec::limits;

use crate::pack::Record;

/// Lags that are remembered until somebody takes them: CloudWatch takes no more values of one metric from a line.
const LAGS: usize = 100;

/// Sums since the process began, and the lags since they were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that were answered as requests, whatever became of their records.
    pub calls: u64,
    /// Requests that failed as a whole, or were not answered.
    pub failed_calls: u64,
    /// Records that were taken.
    pub records: u64,
    /// Their bytes, partition keys included.
    pub bytes: u64,
    /// What they are billed as by a provisioned stream.
    pub payload_units: u64,
    /// Records that were refused and sent again.
    pub retried: u64,
    /// Events that went to the spill file.
    pub spilled: u64,
    /// Time that flushes took.
    pub flushing: Duration,
    /// From the arrival of a record's oldest event to its acknowledgement.
    lags: Vec<Duration>,
}

impl Stats {
    /// A record was taken.
    pub fn taken(&mut self, record: &Record, now: Instant) {
        let size = record.size() as u64;
        self.records += 1;
        self.bytes += size;
        self.payload_units += size.div_ceil(limits::PAYLOAD_UNIT_BYTES);
        let lag = now.saturating_duration_since(record.oldest);
        if self.lags.len() < LAGS {
            self.lags.push(lag);
        } else if let Some(shortest) = self.lags.iter_mut().min() {
            // The long ones are those that somebody wants to know of.
            *shortest = lag.max(*shortest);
        }
    }

    /// The lags since this was last asked for.
    pub fn take_lags(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.lags)
    }
}
