//! The columns of the view and of the table: titles, values, and which of them fit. Pure.

use kinesis_telemetry_args::Order;

use super::figures::{bytes, count, duration, rate};
use super::row::Row;

/// Smallest number of columns for a name.
const NARROWEST: usize = 16;
/// Percentage of the memory size from which memory is scarce.
const SCARCE: u64 = 90;
/// Delivery lag in milliseconds from which telemetry is late: a minute.
const LATE_MS: u64 = 60_000;

/// The urgency of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// No action is needed.
    #[default]
    Plain,
    /// The value needs attention.
    Warning,
    /// Events were lost, or an invocation failed.
    Alarm,
}

/// The kind of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Functions,
    Instances,
}

/// A column of figures.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: usize,
    /// The order that sorts by this column.
    pub(super) order: Option<Order>,
    /// The rank. If there is no room, columns with the largest rank are omitted first.
    rank: u8,
    value: fn(&Row) -> (String, Tone),
}

/// Title of the column that only functions have.
const OF_FUNCTIONS: &str = "INSTANCES";
const OF_INSTANCES: &str = "IDLE";

/// The columns in the order in which they are shown.
const COLUMNS: [Column; 14] = [
    column(OF_FUNCTIONS, 9, None, 7, |it| (it.instances.to_string(), Tone::Plain)),
    column(OF_INSTANCES, 8, None, 5, |it| (duration(it.idle_ms), Tone::Plain)),
    column("EVENTS/S", 8, Some(Order::Events), 0, |it| (rate(it.rate.events), Tone::Plain)),
    column("BYTES/S", 8, Some(Order::Bytes), 3, |it| (bytes(it.rate.bytes), Tone::Plain)),
    column("LAG P50", 8, None, 8, |it| lag(it.lag.map(|lag| lag.p50_ms))),
    column("LAG P99", 8, Some(Order::Lag), 1, |it| lag(it.lag.map(|lag| lag.p99_ms))),
    column("INVOKED", 7, Some(Order::Invocations), 2, |it| {
        (count(it.counts.invocations), Tone::Plain)
    }),
    column("FAILED", 7, Some(Order::Failures), 0, |it| bad(it.counts.failures, Tone::Alarm)),
    column("COLD", 7, None, 6, |it| (count(it.counts.cold_starts), Tone::Plain)),
    column("MEMORY MB", 11, Some(Order::Memory), 4, memory),
    column("MISSING", 7, Some(Order::Missing), 0, |it| bad(it.counts.missing, Tone::Alarm)),
    column("SHED", 7, None, 5, |it| bad(it.counts.shed, Tone::Warning)),
    column("DROPPED", 7, None, 5, |it| bad(it.counts.dropped, Tone::Warning)),
    column("SAMPLED OUT", 11, None, 9, |it| (count(it.counts.sampled_out), Tone::Plain)),
];

const fn column(
    title: &'static str,
    width: usize,
    order: Option<Order>,
    rank: u8,
    value: fn(&Row) -> (String, Tone),
) -> Column {
    Column { title, width, order, rank, value }
}

impl Column {
    /// Returns the value of a row, at most as wide as the column.
    pub(super) fn value(&self, row: &Row) -> (String, Tone) {
        (self.value)(row)
    }
}

/// Returns the width of the names and the columns that fit into `width`, for names of up to `longest` columns.
pub(super) fn fitting(level: Level, width: usize, longest: usize) -> (usize, Vec<&'static Column>) {
    let other = if level == Level::Functions { OF_INSTANCES } else { OF_FUNCTIONS };
    let mut columns: Vec<&Column> = COLUMNS.iter().filter(|it| it.title != other).collect();
    let taken = |columns: &[&Column]| columns.iter().map(|it| it.width + 1).sum::<usize>();
    let least = longest.clamp(NARROWEST / 2, NARROWEST);
    while taken(&columns) + least > width {
        let dropped = (0..columns.len()).max_by_key(|&index| (columns[index].rank, index));
        let Some(dropped) = dropped else { break };
        columns.remove(dropped);
    }
    let name = width.saturating_sub(taken(&columns)).min(longest.max(least));
    (name, columns)
}

fn lag(ms: Option<u64>) -> (String, Tone) {
    match ms {
        None => ("-".to_owned(), Tone::Plain),
        Some(ms) if ms >= LATE_MS => (duration(ms), Tone::Warning),
        Some(ms) => (duration(ms), Tone::Plain),
    }
}

fn memory(row: &Row) -> (String, Tone) {
    let Some(memory) = row.memory else { return ("-".to_owned(), Tone::Plain) };
    // Lambda has at most 10,240 MB; a hostile record may state more.
    let [used, size] = [memory.used_mb, memory.size_mb].map(|mb| mb.min(99_999));
    let tone =
        if memory.percent().is_some_and(|it| it >= SCARCE) { Tone::Warning } else { Tone::Plain };
    (if size > 0 { format!("{used}/{size}") } else { used.to_string() }, tone)
}

fn bad(number: u64, tone: Tone) -> (String, Tone) {
    (count(number), if number > 0 { tone } else { Tone::Plain })
}

#[cfg(test)]
mod tests {
    use super::super::facts::Memory;
    use super::super::lag::Percentiles;
    use super::super::rates::PerSecond;
    use super::super::row::Counts;
    use super::*;

    fn titles(level: Level, width: usize) -> (usize, Vec<&'static str>) {
        let (name, columns) = fitting(level, width, 40);
        (name, columns.into_iter().map(|it| it.title).collect())
    }

    #[test]
    fn a_narrow_terminal_omits_less_important_columns() {
        let (name, columns) = titles(Level::Functions, 80);
        let expected =
            ["EVENTS/S", "BYTES/S", "LAG P99", "INVOKED", "FAILED", "MEMORY MB", "MISSING"];
        assert_eq!((name, columns.as_slice()), (17, expected.as_slice()));
        let (name, columns) = titles(Level::Functions, 160);
        assert_eq!((name, columns.len()), (40, 13));
        assert_eq!(titles(Level::Functions, 30), (21, vec!["EVENTS/S"]));
        assert_eq!(titles(Level::Functions, 5), (5, vec![]));
    }

    #[test]
    fn functions_count_instances_and_instances_show_idle_time() {
        let first = [Level::Functions, Level::Instances].map(|it| titles(it, 200).1[0]);
        assert_eq!(first, ["INSTANCES", "IDLE"]);
    }

    #[test]
    fn every_value_fits_its_column() {
        for n in [0, 1, 999, 999_999, 12_345_678, u64::MAX] {
            let row = Row {
                instances: 20_000,
                idle_ms: n,
                rate: PerSecond { events: 12_345_678.0, bytes: f64::MAX },
                lag: Some(Percentiles { p50_ms: n, p99_ms: n }),
                counts: Counts {
                    events: n,
                    invocations: n,
                    failures: n,
                    cold_starts: n,
                    missing: n,
                    shed: n,
                    dropped: n,
                    sampled_out: n,
                },
                memory: Some(Memory { used_mb: n, size_mb: n }),
                ..Row::default()
            };
            for column in &COLUMNS {
                let (value, _) = column.value(&row);
                assert!(value.len() <= column.width, "{}: {value}", column.title);
                assert!(column.title.len() <= column.width);
            }
        }
    }

    #[test]
    fn only_problems_have_a_tone() {
        let mut row = Row::default();
        let tones = |row: &Row| {
            let columns = COLUMNS.iter().filter(|it| it.value(row).1 != Tone::Plain);
            columns.map(|it| it.title).collect::<Vec<_>>()
        };
        assert_eq!(tones(&row), [""; 0]);
        row.counts = Counts { failures: 1, missing: 1, shed: 1, dropped: 1, ..Counts::default() };
        row.memory = Some(Memory { used_mb: 116, size_mb: 128 });
        row.lag = Some(Percentiles { p50_ms: 100, p99_ms: 60_000 });
        let expected = ["LAG P99", "FAILED", "MEMORY MB", "MISSING", "SHED", "DROPPED"];
        assert_eq!(tones(&row), expected);
    }
}
