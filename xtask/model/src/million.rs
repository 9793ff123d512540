//! The usage and cost of a million invocations, packed in every way, and the cost of the same lines in CloudWatch Logs.

use std::fmt::Write as _;
use std::time::Duration;

use extension_spec::variable;

use crate::flow::invocations;
use crate::lambda_time::Overhead;
use crate::life::{Life, live};
use crate::logged::logged_bytes;
use crate::price::{Item, Prices};
use crate::typical::Logs;
use crate::usage::{HOURS_A_MONTH, MILLION, Usage};
use kinesis_telemetry_extension::Packing;

/// Invocations in the life of an environment.
pub(crate) const INVOCATIONS: usize = 1_000;
/// The time from one invocation of an environment to the next.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);
/// The numbers of lines that an invocation logs.
const LINES: [usize; 3] = [3, 10, 100];
/// Each value of `COMPRESSION`.
pub(crate) const COMPRESSIONS: [&str; 3] = ["none", "gzip", "zstd"];

/// A million invocations that come often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Million {
    pub(crate) lines: usize,
    pub(crate) compression: &'static str,
    pub(crate) flush: &'static str,
    pub(crate) usage: Usage,
}

/// The price of what they use, in US dollars.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The cost that the extension adds to Lambda's bill.
    pub lambda: f64,
    /// The cost of writing to an on-demand Standard stream.
    pub on_demand: f64,
    /// The cost of reading by one polling reader.
    pub out: f64,
    /// The cost of writing to a provisioned stream.
    pub provisioned: f64,
    /// Log groups of class Standard, in the first tier.
    pub logs: f64,
    /// Log groups of class Infrequent Access, in the first tier.
    pub infrequent: f64,
}

impl Cost {
    pub fn new(usage: &Usage, overhead: &Overhead, prices: &Prices) -> Self {
        Self {
            lambda: prices.cost(Item::Duration, usage.gb_seconds(overhead)),
            on_demand: prices.cost(Item::StandardIn, usage.gb_in),
            out: prices.cost(Item::StandardOut, usage.gb_in),
            provisioned: prices.cost(Item::PayloadUnits, usage.units / MILLION),
            logs: prices.cost(Item::LogsStandard, usage.gb_logged),
            infrequent: prices.cost(Item::LogsInfrequent, usage.gb_logged),
        }
    }

    /// Returns the millions of invocations a month from which a stream costs less than logs at `logs` a million. The stream
    /// costs `a_month` in any case, and `a_million` for a million invocations. None if the stream never costs less.
    pub fn pays_from(&self, logs: f64, a_month: f64, a_million: f64) -> Option<f64> {
        let saved = logs - self.lambda - a_million;
        (saved > 0.0).then(|| a_month / saved)
    }
}

/// Returns the monthly cost of an on-demand stream and of a shard of a provisioned one, independent of the data.
pub fn a_month(prices: &Prices) -> [f64; 2] {
    [Item::StreamHour, Item::ShardHour].map(|item| prices.cost(item, HOURS_A_MONTH))
}

/// Returns four pieces of Markdown: the quantities, their costs, from when a stream pays, and the cost of a month.
pub(crate) fn tables(millions: &[Million], overhead: &Overhead, prices: &Prices) -> [String; 4] {
    let [stream, shard] = a_month(prices);
    let head = |columns: &str| {
        let rule = " --- |".repeat(columns.matches('|').count() + 4);
        format!("| lines | `COMPRESSION` | `FLUSH` | {columns} |\n|{rule}\n")
    };
    let mut counted = head("held | records | units | GB in | GB logged");
    let mut costs = head(
        "Lambda time | on demand | each reader | provisioned | Standard | Infrequent Access or DELIVERY",
    );
    let mut pays = head(
        "on demand for Standard | for Infrequent Access or DELIVERY | a shard for Standard | for Infrequent Access or DELIVERY",
    );
    for Million { lines, compression, flush, usage } in millions {
        let name = format!("{lines} | `{compression}` | `{flush}`");
        let Usage { held, records, units, gb_in, gb_logged, .. } = usage;
        let cost = Cost::new(usage, overhead, prices);
        let Cost { lambda, on_demand, out, provisioned, logs, infrequent } = cost;
        let from = |logs, a_month, a_million| {
            let millions = cost.pays_from(logs, a_month, a_million);
            millions.map_or_else(|| "never".to_owned(), |it| format!("{it:.1}"))
        };
        let [by_demand, by_demand_infrequent, by_shard, by_shard_infrequent] = [
            from(logs, stream, on_demand + out),
            from(infrequent, stream, on_demand + out),
            from(logs, shard, provisioned),
            from(infrequent, shard, provisioned),
        ];
        let rows = [
            (
                &mut counted,
                format!("{held:.0} | {records:.0} | {units:.0} | {gb_in:.2} | {gb_logged:.2}"),
            ),
            (
                &mut costs,
                format!(
                    "{lambda:.3} | {on_demand:.3} | {out:.3} | {provisioned:.3} | {logs:.3} | {infrequent:.3}"
                ),
            ),
            (
                &mut pays,
                format!(
                    "{by_demand} | {by_demand_infrequent} | {by_shard} | {by_shard_infrequent}"
                ),
            ),
        ];
        for (table, figures) in rows {
            writeln!(table, "| {name} | {figures} |").expect("a string takes all");
        }
    }
    let a_month = format!(
        "In a month of {HOURS_A_MONTH} hours an on-demand stream costs {stream:.2} and a shard {shard:.2}, \
         whatever they take in.\n"
    );
    [counted, costs, pays, a_month]
}

/// Returns a million invocations for each number of lines, compression and `FLUSH`.
pub(crate) fn millions() -> Vec<Million> {
    let mut millions = Vec::new();
    for lines in LINES {
        let all = invocations(Logs::Text, lines, Packing::default(), INVOCATIONS);
        let logged = logged_bytes(&all);
        for compression in COMPRESSIONS {
            for flush in ["end", "adaptive"] {
                let set = [(variable::FLUSH, flush), (variable::COMPRESSION, compression)];
                let life: Life = live(&all, &extension_spec::load(set).config, PAUSE);
                let usage = Usage::of_a_million(&life, logged);
                millions.push(Million { lines, compression, flush, usage });
            }
        }
    }
    millions
}
