//! Computes what Kinesis bills for typical events, by the way in which they are packed into records.

use std::fmt::Write as _;

use extension_spec::{Compression, Envelope, PartitionKey, RecordFormat};
use kinesis_telemetry_extension::{Event, Packing};

use crate::flow::{Flow, LINES, Sent, defaults, invocations, packings, send};
use crate::typical::Logs;

/// Invocations of a function that is rarely invoked, and of one that fills records, the largest of them several times.
const DAY: [(Flow, usize); 2] = [(Flow::Rare, 50), (Flow::Busy, 200)];
/// Targets to compare: multiples of 25 KiB and of 25,000 bytes, and powers of two.
const TARGETS: [usize; 9] =
    [25_600, 51_200, 128_000, 250_000, 256_000, 262_144, 512_000, 524_288, 1_048_576];
/// One record for each event, which all else is compared to.
const SINGLE: Packing = Packing {
    format: RecordFormat::Event,
    compression: Compression::None,
    envelope: Envelope::Event,
    partition_key: PartitionKey::Instance,
};

/// Returns a table in Markdown with one row for each format, compression and envelope, by the default target.
pub(crate) fn by_packing(logs: Logs) -> String {
    let target = defaults().target_record_bytes.size();
    let [rare, _] = DAY;
    let single = sent(&events(logs, SINGLE), rare, SINGLE, target);
    let rows = packings().into_iter().map(|packing| {
        let all = events(logs, packing);
        let figures = DAY.map(|day| figures(sent(&all, day, packing, target), single));
        format!("| {} | {} |\n", name(packing), figures.join(" | "))
    });
    let columns = "bytes | KB | units | ratio";
    table(&format!("rare: {columns} | busy: {columns}"), &rows.collect::<String>())
}

/// Returns a table in Markdown: payload units of a busy function's text by `TARGET_RECORD_BYTES`.
pub(crate) fn by_target() -> String {
    let [rare, busy] = DAY;
    let mut rows = String::new();
    let mut differ = String::new();
    for packing in packings().into_iter().filter(|it| is_compared_by_target(*it)) {
        let all = events(Logs::Text, packing);
        let by_target = TARGETS.map(|target| sent(&all, busy, packing, target));
        let name = name(packing);
        rows += &row(&name, by_target.map(|it| per_1_000(it.units, it.events)));
        if packing == Packing::default() {
            let units = by_target.map(|it| per_1_000(it.decimal_units, it.events));
            rows += &row(&format!("{name}, if 25 KB are 25,000 bytes"), units);
        }
        let of_rare = TARGETS.map(|target| sent(&all, rare, packing, target).units);
        if of_rare.iter().any(|units| *units != of_rare[0]) {
            writeln!(differ, "A rare function, {name}: {of_rare:?}").expect("a string takes all");
        }
    }
    if differ.is_empty() {
        "A rare function pays the same with each of them.\n".clone_into(&mut differ);
    }
    let table = table(&TARGETS.map(|it| it.to_string()).join(" | "), &rows);
    format!("{table}\n{differ}")
}

/// Returns the events of a day, numbered and named as this packing has it.
fn events(logs: Logs, packing: Packing) -> Vec<Vec<Event>> {
    invocations(logs, LINES, packing, DAY[1].1)
}

/// True if the packing fills records in a manner of its own. The envelope makes no difference to that.
fn is_compared_by_target(packing: Packing) -> bool {
    packing.format != RecordFormat::Event
        && packing.envelope == Envelope::Event
        && packing.compression != Compression::Gzip
}

fn sent(all: &[Vec<Event>], (flow, count): (Flow, usize), packing: Packing, target: usize) -> Sent {
    send(&all[..count], flow, packing, target)
}

fn row(name: &str, figures: [f64; TARGETS.len()]) -> String {
    format!("| {name} | {} |\n", figures.map(|it| format!("{it:.2}")).join(" | "))
}

/// Returns the cost of 1,000 events.
fn figures(sent: Sent, single: Sent) -> String {
    let Sent { events, bytes, on_demand, units, .. } = sent;
    let ratio = per_1_000(single.units, single.events) / per_1_000(units, events);
    let kb = per_1_000(on_demand, events) / 1_024.0;
    let (bytes, units) = (per_1_000(bytes, events), per_1_000(units, events));
    format!("{bytes:.0} | {kb:.0} | {units:.1} | 1/{ratio:.0}")
}

/// A table of Markdown.
fn table(columns: &str, rows: &str) -> String {
    let rule = " --- |".repeat(columns.matches('|').count() + 2);
    format!("| format, compression, envelope | {columns} |\n|{rule}\n{rows}")
}

fn name(Packing { format, compression, envelope, .. }: Packing) -> String {
    [format.word(), compression.word(), envelope.word()].join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "no sum here is beyond 2 to the power of 52")]
fn per_1_000(sum: u64, events: u64) -> f64 {
    sum as f64 * 1_000.0 / events as f64
}
