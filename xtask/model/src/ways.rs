//! The ways in which a fleet's telemetry can go, and the bill of each for a month.

use extension_spec::limits;

use crate::lambda_time::Overhead;
use crate::price::{Item, Prices};
use crate::usage::{GB, HOURS_A_MONTH, MILLION, Usage};

/// The least throughput that an account under on-demand Advantage pays for, in MiB a second, for writing and reading
/// each (AWS Big Data Blog, 2025-11-03).
const ADVANTAGE_MIB: f64 = 25.0;
const MIB_A_GB: f64 = 1_024.0;
const SECONDS_A_MONTH: f64 = HOURS_A_MONTH * 3_600.0;
/// The highest load of a fleet as a multiple of its average load. A provisioned stream has shards for it.
pub(crate) const PEAK: f64 = 3.0;

/// A class of log groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Standard,
    InfrequentAccess,
    /// Kept for a day, and delivered to S3 or Firehose.
    Delivery,
}

/// The mode of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    OnDemand,
    Advantage,
    Provisioned,
}

/// A way for telemetry to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Lambda writes it to CloudWatch Logs.
    Logs(Class),
    /// This extension writes to a stream, which one reader polls.
    Stream(Mode),
}

/// The bill for a month, in US dollars.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bill {
    /// The cost of the data that is written.
    pub data: f64,
    /// The fixed cost: the stream, its shards, or the difference to a minimum.
    pub fixed: f64,
    /// The cost of one polling reader.
    pub reader: f64,
    /// The cost of the time that the extension adds to Lambda's bill.
    pub lambda: f64,
}

impl Bill {
    pub fn total(&self) -> f64 {
        let Self { data, fixed, reader, lambda } = self;
        data + fixed + reader + lambda
    }
}

impl Way {
    /// Returns the bill for what a fleet uses in a month.
    pub fn bill(self, usage: &Usage, overhead: &Overhead, prices: &Prices) -> Bill {
        let mode = match self {
            Self::Logs(class) => {
                let data = prices.cost(class.item(), usage.gb_logged);
                return Bill { data, ..Bill::default() };
            }
            Self::Stream(mode) => mode,
        };
        let gb = usage.gb_in;
        let lambda = prices.cost(Item::Duration, usage.gb_seconds(overhead));
        let (data, fixed, reader) = match mode {
            Mode::OnDemand => (
                prices.cost(Item::StandardIn, gb),
                prices.cost(Item::StreamHour, HOURS_A_MONTH),
                prices.cost(Item::StandardOut, gb),
            ),
            Mode::Advantage => {
                let missing = (least_gb() - gb).max(0.0);
                let [of_in, of_out] = [Item::AdvantageIn, Item::AdvantageOut];
                let fixed = prices.cost(of_in, missing) + prices.cost(of_out, missing);
                (prices.cost(of_in, gb), fixed, prices.cost(of_out, gb))
            }
            Mode::Provisioned => (
                prices.cost(Item::PayloadUnits, usage.units / MILLION),
                prices.cost(Item::ShardHour, shards(usage) * HOURS_A_MONTH),
                0.0,
            ),
        };
        Bill { data, fixed, reader, lambda }
    }
}

impl Class {
    fn item(self) -> Item {
        match self {
            Self::Standard => Item::LogsStandard,
            Self::InfrequentAccess => Item::LogsInfrequent,
            Self::Delivery => Item::LogsDelivery,
        }
    }
}

/// Returns the GB a month that an account under Advantage pays for at least, in and out each.
pub fn least_gb() -> f64 {
    ADVANTAGE_MIB / MIB_A_GB * SECONDS_A_MONTH
}

/// Returns the shards that take a fleet's highest load, by bytes and by records. At least one.
pub fn shards(usage: &Usage) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "limits are small")]
    let [bytes, records] =
        [limits::SHARD_BYTES_PER_SECOND, limits::SHARD_RECORDS_PER_SECOND].map(|it| it as f64);
    let at_peak = |a_month: f64| a_month / SECONDS_A_MONTH * PEAK;
    let by_bytes = at_peak(usage.gb_in * GB) / bytes;
    let by_records = at_peak(usage.records) / records;
    by_bytes.max(by_records).ceil().max(1.0)
}
