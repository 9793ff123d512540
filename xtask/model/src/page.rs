//! The tables of docs/cost.md, in the order of the page.

use crate::fleet::months;
use crate::fleets::Costs;
use crate::lambda_time::Overhead;
use crate::million::{self, millions};
use crate::price::{self, Prices};
use crate::records;
use crate::selected;
use crate::typical::Logs;

/// A piece of the page: its subject, and its Markdown.
#[derive(Clone, Debug)]
pub struct Part {
    pub title: String,
    pub markdown: String,
}

impl Part {
    fn new(title: impl Into<String>, markdown: String) -> Self {
        Self { title: title.into(), markdown }
    }
}

/// Returns the parts about money: fleets, readers, a million invocations, prices.
pub fn money(prices: &Prices) -> Result<Vec<Part>, String> {
    let overhead = Overhead::measured()?;
    let millions = millions();
    let months = months(&millions);
    let costs = Costs { months: &months, overhead: &overhead, prices };
    let mut parts = vec![
        Part::new("In short, US dollars a month", costs.in_short()),
        Part::new("What the fleets consist of", costs.definitions()),
        Part::new("What the fleets assume", costs.assumptions()),
    ];
    for (fleet, table) in costs.by_fleet() {
        parts.push(Part::new(format!("{fleet}, US dollars a month"), table));
    }
    parts.push(Part::new("Held invocations, US dollars a month", costs.if_all_were_held()));
    parts.push(Part::new("Time that the extension adds, US dollars", costs.added_time()));
    parts.push(Part::new("Each further reader, US dollars a month", costs.readers()));
    let [counted, cost, pays, a_month] = million::tables(&millions, &overhead, prices);
    parts.push(Part::new("A million invocations that come often, lines of text", counted));
    parts.push(Part::new("What they cost, US dollars", cost));
    parts.push(Part::new("Millions of invocations a month from which a stream costs less", pays));
    parts.push(Part::new("Fixed costs, US dollars", a_month));
    let selection = selected::table(&overhead, prices);
    parts.push(Part::new("A million invocations, 1 % of which fail, by SAMPLE", selection));
    parts.push(Part::new("The prices", prices.table()));
    parts.push(Part::new("Where sources disagree, or are old", price::differences()));
    Ok(parts)
}

/// Returns the part about records of such lines, by format, compression and envelope.
pub fn records(logs: Logs) -> Part {
    let name = match logs {
        Logs::Text => "text",
        Logs::Json => "JSON",
    };
    Part::new(format!("Lines of {name}, 1,000 events"), records::by_packing(logs))
}

/// Returns the part about the size of records.
pub fn targets() -> Part {
    Part::new(
        "Payload units of 1,000 events of a busy function by TARGET_RECORD_BYTES",
        records::by_target(),
    )
}
