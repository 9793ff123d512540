//! Prints what Kinesis bills for typical events, in every way in which they can be packed, and what a million invocations
//! cost, beside CloudWatch Logs.
//!
//! Deterministic: it packs in memory, through the code that ships, and sends nothing. docs/cost.md quotes it.
//!
//! ```sh
//! cargo run --release --package xtask-model --bin costs
//! ```
//!
//! Prices of your own follow two hyphens: `-- logs-in=0.57`.

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use extension_spec::RecordFormat;
use kinesis_telemetry_extension::Packing;
use xtask_model::{Flow, LINES, Logs, Prices, Sent, invocations, packings, send};

/// Invocations of a day, of a function that is seldom invoked and of one that is busy: of its events full records are
/// made, and the largest take many.
const DAY: [(Flow, usize); 2] = [(Flow::Rare, 100), (Flow::Busy, 1_000)];
/// Targets to compare: multiples of 25 KiB and of 25,000 bytes, and powers of two.
const TARGETS: [usize; 9] =
    [25_600, 51_200, 128_000, 250_000, 256_000, 262_144, 512_000, 524_288, 1_048_576];

/// Exit code for an argument that means nothing, as shells have it.
const USAGE: u8 = 2;

fn main() -> io::Result<ExitCode> {
    match Prices::new(env::args().skip(1)) {
        Ok(prices) => {
            records()?;
            million(&prices)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            writeln!(io::stderr(), "{why}")?;
            Ok(ExitCode::from(USAGE))
        }
    }
}

/// What a million invocations cost.
fn million(prices: &Prices) -> io::Result<()> {
    let [counted, costs, a_month, prices] = xtask_model::tables(prices);
    write!(
        io::stdout(),
        "A million invocations, lines of text:\n\n{counted}\nWhat that costs, in US dollars:\n\n{costs}\n\
         {a_month}\nThe prices:\n\n{prices}"
    )
}

/// What records cost, by how they are made.
fn records() -> io::Result<()> {
    for (logs, name) in [(Logs::Text, "text"), (Logs::Json, "JSON")] {
        let default = xtask_model::defaults().target_record_bytes.size();
        let mut tables = Tables::default();
        for packing in packings() {
            tables.add(logs, packing, default);
        }
        let columns = "bytes | KB | units | ratio";
        let settings = table(&format!("rare: {columns} | busy: {columns}"), &tables.settings);
        let targets = table(&TARGETS.map(|it| it.to_string()).join(" | "), &tables.targets);
        let mut rare = tables.rare_differ.concat();
        if rare.is_empty() {
            "A rare function pays the same with each of them.\n".clone_into(&mut rare);
        }
        write!(
            io::stdout(),
            "Lines of {name}, 1,000 events, TARGET_RECORD_BYTES={default}:\n\n{settings}\n\
             Lines of {name}, payload units of 1,000 events of a busy function by TARGET_RECORD_BYTES:\n\n\
             {targets}\n{rare}\n"
        )?;
    }
    Ok(())
}

/// Their rows.
#[derive(Default)]
struct Tables {
    /// One event in each record, which all else is compared to.
    single: Option<Sent>,
    settings: Vec<String>,
    targets: Vec<String>,
    /// What is not the same for every target on a rare function.
    rare_differ: Vec<String>,
}

impl Tables {
    /// A row in each, for this packing.
    fn add(&mut self, logs: Logs, packing: Packing, default: usize) {
        let [rare, busy] = DAY;
        let all = invocations(logs, LINES, packing, busy.1);
        let sent =
            |(flow, count): (Flow, usize), target| send(&all[..count], flow, packing, target);
        let single = *self.single.get_or_insert_with(|| {
            let event = Packing { format: RecordFormat::Event, ..Packing::default() };
            send(&all[..rare.1], rare.0, event, default)
        });
        let name = name(packing);
        let [of_rare, of_busy] = DAY.map(|day| figures(sent(day, default), single));
        self.settings.push(format!("| {name} | {of_rare} | {of_busy} |\n"));
        if packing.format == RecordFormat::Event {
            // There is nothing to fill.
            return;
        }
        let by_target = TARGETS.map(|target| sent(busy, target));
        self.targets.push(row(&name, by_target.map(|it| per_1_000(it.units, it.events))));
        if packing == Packing::default() {
            let name = format!("{name}, if 25 KB are 25,000 bytes");
            let units = by_target.map(|it| per_1_000(it.decimal_units, it.events));
            self.targets.push(row(&name, units));
        }
        let of_rare = TARGETS.map(|target| sent(rare, target).units);
        if of_rare.iter().any(|units| *units != of_rare[0]) {
            self.rare_differ.push(format!("A rare function, {name}: {of_rare:?}\n"));
        }
    }
}

fn row(name: &str, figures: [f64; TARGETS.len()]) -> String {
    format!("| {name} | {} |\n", figures.map(|it| format!("{it:.2}")).join(" | "))
}

/// What 1,000 events cost.
fn figures(sent: Sent, single: Sent) -> String {
    let Sent { events, bytes, on_demand, units, .. } = sent;
    let ratio = per_1_000(single.units, single.events) / per_1_000(units, events);
    let kb = per_1_000(on_demand, events) / 1_024.0;
    let (bytes, units) = (per_1_000(bytes, events), per_1_000(units, events));
    format!("{bytes:.0} | {kb:.0} | {units:.1} | 1/{ratio:.0}")
}

/// A table of Markdown.
fn table(columns: &str, rows: &[String]) -> String {
    let rule = " --- |".repeat(columns.matches('|').count() + 2);
    format!("| format, compression, envelope | {columns} |\n|{rule}\n{}", rows.concat())
}

fn name(Packing { format, compression, envelope, .. }: Packing) -> String {
    [format.word(), compression.word(), envelope.word()].join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "no sum here is beyond 2 to the power of 52")]
fn per_1_000(sum: u64, events: u64) -> f64 {
    sum as f64 * 1_000.0 / events as f64
}
