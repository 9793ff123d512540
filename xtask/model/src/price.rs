//! AWS's price of each unit, with region, date and source. It does not know quantities.
//!
//! AWS's pricing pages fill in their prices when a browser shows them, so most prices come from readers of AWS's price list.

mod list;

pub(crate) use list::differences;
use list::{LIST, REGION};

use crate::rate::Rate;

/// A unit that AWS bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A GB put into an on-demand Standard stream.
    StandardIn,
    /// A GB that a polling reader gets out of one.
    StandardOut,
    /// A GB that a reader on enhanced fan-out gets out of one.
    StandardFanOut,
    /// An hour of an on-demand Standard stream.
    StreamHour,
    /// A GB put into a stream under on-demand Advantage.
    AdvantageIn,
    /// A GB that any reader gets out of one.
    AdvantageOut,
    /// A million PUT payload units of a provisioned stream.
    PayloadUnits,
    /// An hour of a shard.
    ShardHour,
    /// An hour of a shard that a reader on enhanced fan-out reads.
    FanOutHour,
    /// A GB that such a reader gets out of a provisioned stream.
    FanOut,
    /// A GB that Firehose takes in.
    Firehose,
    /// A GB that Kinesis itself delivers to S3 from an on-demand Standard stream.
    StandardToS3,
    /// Delivery to S3 under on-demand Advantage.
    AdvantageToS3,
    /// A GB that Lambda writes to a log group of class Standard.
    LogsStandard,
    /// A GB that Lambda writes to a log group of class Infrequent Access.
    LogsInfrequent,
    /// A GB that Lambda delivers to S3 or Firehose by way of a log group of class DELIVERY.
    LogsDelivery,
    /// A GB-second of a function, or of the extension that holds its invocation.
    Duration,
}

/// The source of a price. The text is a link in Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// AWS itself, in a page whose text contains the prices.
    Aws(&'static str),
    /// A text of AWS that was read only in quotations.
    Quoted(&'static str),
    /// A third party.
    Secondary(&'static str),
    /// The user of the program, in an argument.
    Argument,
}

/// A price.
#[derive(Clone, Copy, Debug)]
struct Price {
    item: Item,
    /// Its name in arguments.
    name: &'static str,
    /// US dollars, without tax, free tier and negotiated discounts.
    rate: Rate,
    /// The unit of the rate.
    unit: &'static str,
    /// The date at which the source stated it.
    date: &'static str,
    source: Source,
}

/// One price for each item.
#[derive(Clone, Debug)]
pub struct Prices([Price; LIST.len()]);

impl Prices {
    /// Returns the known prices, except for those in arguments such as `shard-hour=0.02` and `logs-standard=0.6,0.3,0.1,0.05`.
    pub fn new<T: AsRef<str>>(args: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let mut prices = LIST;
        for arg in args {
            let arg = arg.as_ref();
            let (name, rate) = arg.split_once('=').ok_or_else(|| refused(arg, "no name=price"))?;
            let price = prices.iter_mut().find(|it| it.name == name);
            let price = price.ok_or_else(|| refused(arg, "no such name"))?;
            let rate = rate.parse().map_err(|()| refused(arg, "no price in US dollars"))?;
            if let (Rate::Flat(_), Rate::Tiered(_)) = (price.rate, rate) {
                return Err(refused(arg, "this price has no tiers"));
            }
            (price.rate, price.source) = (rate, Source::Argument);
        }
        Ok(Self(prices))
    }

    /// Returns what so many units cost in a month, in US dollars.
    pub(crate) fn cost(&self, item: Item, quantity: f64) -> f64 {
        let price = self.0.iter().find(|it| it.item == item);
        price.map_or(f64::NAN, |it| it.rate.cost(quantity))
    }

    /// Returns a table in Markdown.
    pub fn table(&self) -> String {
        let rows = self.0.iter().map(|Price { name, rate, unit, date, source, .. }| {
            let origin = match source {
                Source::Aws(link) => format!("{REGION} | {date} | AWS: {link}"),
                Source::Quoted(link) => format!("{REGION} | {date} | AWS, in quotations: {link}"),
                Source::Secondary(link) => format!("{REGION} | {date} | secondary: {link}"),
                Source::Argument => "yours | yours | yours".to_owned(),
            };
            format!("| `{name}` | {rate} | {unit} | {origin} |\n")
        });
        let head = "| name | USD | for a | region | as of | source |\n";
        format!("{head}| --- | --- | --- | --- | --- | --- |\n{}", rows.collect::<String>())
    }
}

fn refused(arg: &str, why: &str) -> String {
    let names = LIST.map(|it| it.name).join(", ");
    format!(
        "{arg}: {why}. Give a price as name=price, such as shard-hour=0.02, or four prices for the tiers of logs; \
         the names are {names}"
    )
}
