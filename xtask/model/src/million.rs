//! What a million invocations cost, and what the same lines cost in CloudWatch Logs. Arithmetic, and its tables.

use std::fmt::Write as _;
use std::time::Duration;

use extension_spec::variable;

use crate::flow::{Sent, invocations};
use crate::life::{Life, live};
use crate::logged::logged_bytes;
use crate::price::{Item, Prices};
use crate::typical::Logs;
use kinesis_telemetry_extension::Packing;

/// Invocations in the life of an environment.
const INVOCATIONS: usize = 1_000;
/// Lines that an invocation logs.
const LINES: [usize; 3] = [3, 10, 100];
/// How AWS reckons: the pricing page of Kinesis Data Streams says that a KB is 1,024 bytes, and its examples make 3.4 MB of
/// 100 records of 35 KB. CloudWatch's does not say; the same is taken there, so that what is compared is alike.
const GB: f64 = 1_073_741_824.0;
/// Memory of the function, in GB: what the REPORT lines of the example say.
const MEMORY_GB: f64 = 0.5;
/// As AWS's calculator has it.
const HOURS_A_MONTH: f64 = 730.0;
const MILLION: f64 = 1_000_000.0;

/// What a million invocations come to.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub held: f64,
    pub held_for: Duration,
    pub records: f64,
    pub units: f64,
    /// On the bill of an on-demand stream.
    pub gb_in: f64,
    /// In CloudWatch Logs.
    pub gb_logged: f64,
}

impl Usage {
    /// From some invocations, and bytes that Lambda logs for them.
    pub fn new(life: &Life, logged: u64) -> Self {
        let Life { invocations, held, held_for, sent: Sent { records, on_demand, units, .. } } =
            *life;
        let times = MILLION / float(invocations);
        Self {
            held: float(held) * times,
            held_for,
            records: float(records) * times,
            units: float(units) * times,
            gb_in: float(on_demand) * times / GB,
            gb_logged: float(logged) * times / GB,
        }
    }
}

/// Its price, in US dollars.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// What Lambda bills for invocations that are held.
    pub held: f64,
    pub on_demand: f64,
    /// For each reader of an on-demand stream.
    pub out: f64,
    pub provisioned: f64,
    pub logs: f64,
}

impl Cost {
    pub fn new(usage: &Usage, prices: &Prices) -> Self {
        let gb_seconds = usage.held * usage.held_for.as_secs_f64() * MEMORY_GB;
        Self {
            held: gb_seconds * prices.usd(Item::Duration),
            on_demand: usage.gb_in * prices.usd(Item::OnDemandIn),
            out: usage.gb_in * prices.usd(Item::OnDemandOut),
            provisioned: usage.units / MILLION * prices.usd(Item::PayloadUnits),
            logs: usage.gb_logged * prices.usd(Item::LogsIn),
        }
    }

    /// Millions of invocations a month from which a stream that costs so much a month, and so much a million, costs less
    /// than CloudWatch Logs does. None if it never does.
    pub fn pays_from(&self, a_month: f64, a_million: f64) -> Option<f64> {
        let saved = self.logs - self.held - a_million;
        (saved > 0.0).then(|| a_month / saved)
    }
}

/// What an on-demand stream and a shard of a provisioned one cost a month, whatever is sent.
pub fn a_month(prices: &Prices) -> [f64; 2] {
    [Item::StreamHour, Item::ShardHour].map(|item| prices.usd(item) * HOURS_A_MONTH)
}

/// Returns four pieces of Markdown: the quantities, their costs, the cost of a month, and the prices.
pub fn tables(prices: &Prices) -> [String; 4] {
    let [stream, shard] = a_month(prices);
    let by = "| lines | `COMPRESSION` | `FLUSH` |";
    let mut counted =
        format!("{by} held | records | units | GB in | GB logged |\n|{}\n", " --- |".repeat(8));
    let mut costs = format!(
        "{by} held | on demand | each reader | pays from | provisioned | pays from | CloudWatch Logs |\n|{}\n",
        " --- |".repeat(10)
    );
    for (name, usage) in usages() {
        let Usage { held, records, units, gb_in, gb_logged, .. } = usage;
        let figures =
            format!("{held:.0} | {records:.0} | {units:.0} | {gb_in:.2} | {gb_logged:.2}");
        writeln!(counted, "| {name} | {figures} |").expect("a string takes all");
        let cost = Cost::new(&usage, prices);
        let Cost { held, on_demand, out, provisioned, logs } = cost;
        let [by_demand, by_shard] = [(stream, on_demand + out), (shard, provisioned)]
            .map(|(a_month, a_million)| from(cost.pays_from(a_month, a_million)));
        writeln!(
            costs,
            "| {name} | {held:.3} | {on_demand:.3} | {out:.3} | {by_demand} | {provisioned:.3} | {by_shard} | {logs:.3} |"
        )
        .expect("a string takes all");
    }
    let a_month = format!(
        "In a month of {HOURS_A_MONTH} hours an on-demand stream costs {stream:.2} and a shard {shard:.2}, \
         whatever is sent.\n"
    );
    [counted, costs, a_month, prices.table()]
}

/// For each number of lines, with and without compression, where every invocation is held and where few are.
fn usages() -> Vec<(String, Usage)> {
    let mut usages = Vec::new();
    for lines in LINES {
        let all = invocations(Logs::Text, lines, Packing::default(), INVOCATIONS);
        let logged = logged_bytes(&all);
        for compression in ["none", "zstd"] {
            for flush in ["end", "adaptive"] {
                let set = [(variable::FLUSH, flush), (variable::COMPRESSION, compression)];
                let config = extension_spec::load(set).config;
                let life = live(&all, &config);
                let name = format!("{lines} | `{compression}` | `{flush}`");
                usages.push((name, Usage::new(&life, logged)));
            }
        }
    }
    usages
}

fn from(millions: Option<f64>) -> String {
    millions.map_or_else(|| "never".to_owned(), |it| format!("{it:.1}"))
}

#[expect(clippy::cast_precision_loss, reason = "no sum here is beyond 2 to the power of 52")]
fn float(sum: u64) -> f64 {
    sum as f64
}
