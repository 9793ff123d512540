//! Quantities that AWS bills, for a number of invocations.

use std::ops::Add;
use std::time::Duration;

use crate::flow::Sent;
use crate::lambda_time::Overhead;
use crate::life::Life;

/// Bytes in a GB. The pricing page of Kinesis Data Streams states that a KB is 1,024 bytes; AWS's examples for logs multiply
/// TB by 1,024.
pub(crate) const GB: f64 = 1_073_741_824.0;
/// Memory of a function, in GB: that of the example's REPORT lines.
const MEMORY_GB: f64 = 0.5;
/// Hours in a month, as in AWS's calculator.
pub(crate) const HOURS_A_MONTH: f64 = 730.0;
pub(crate) const MILLION: f64 = 1_000_000.0;

/// The usage of some invocations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub invocations: f64,
    /// Invocations that last until their events are in the stream.
    pub held: f64,
    pub held_for: Duration,
    /// Environments that start and are shut down.
    pub environments: f64,
    pub records: f64,
    /// PUT payload units of a provisioned stream.
    pub units: f64,
    /// GB on the bill of an on-demand stream.
    pub gb_in: f64,
    /// GB on the bill of a Firehose that reads the stream.
    pub gb_firehose: f64,
    /// GB that Lambda writes to CloudWatch Logs.
    pub gb_logged: f64,
}

impl Usage {
    /// Returns what a million invocations use, from one environment's life and the bytes that Lambda logs for it.
    pub fn of_a_million(life: &Life, logged: u64) -> Self {
        let Life { invocations, held, held_for, sent } = *life;
        let Sent { records, on_demand, units, firehose, .. } = sent;
        let of_a_life = Self {
            invocations: float(invocations),
            held: float(held),
            held_for,
            environments: 1.0,
            records: float(records),
            units: float(units),
            gb_in: float(on_demand) / GB,
            gb_firehose: float(firehose) / GB,
            gb_logged: float(logged) / GB,
        };
        of_a_life.times(MILLION / of_a_life.invocations)
    }

    /// Returns what `factor` times as many such invocations use.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            invocations: self.invocations * factor,
            held: self.held * factor,
            held_for: self.held_for,
            environments: self.environments * factor,
            records: self.records * factor,
            units: self.units * factor,
            gb_in: self.gb_in * factor,
            gb_firehose: self.gb_firehose * factor,
            gb_logged: self.gb_logged * factor,
        }
    }

    /// Returns the GB-seconds that the extension adds to Lambda's bill.
    pub fn gb_seconds(&self, overhead: &Overhead) -> f64 {
        let held = self.held * self.held_for.as_secs_f64();
        let others = (self.invocations - self.held) * overhead.invocation.as_secs_f64();
        let lives =
            self.environments * (overhead.start.as_secs_f64() + overhead.shutdown.as_secs_f64());
        (held + others + lives) * MEMORY_GB
    }
}

/// Both together. All invocations that are held are held for the same time.
impl Add for Usage {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            invocations: self.invocations + more.invocations,
            held: self.held + more.held,
            held_for: self.held_for.max(more.held_for),
            environments: self.environments + more.environments,
            records: self.records + more.records,
            units: self.units + more.units,
            gb_in: self.gb_in + more.gb_in,
            gb_firehose: self.gb_firehose + more.gb_firehose,
            gb_logged: self.gb_logged + more.gb_logged,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no sum here is beyond 2 to the power of 52")]
fn float(sum: u64) -> f64 {
    sum as f64
}
