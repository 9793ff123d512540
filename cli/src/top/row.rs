//! A row of the view: the figures of a function, an instance, or all of them. Pure.

use std::cmp::Reverse;
use std::ops::AddAssign;

use kinesis_telemetry_args::Order;

use super::facts::Memory;
use super::lag::Percentiles;
use super::rates::PerSecond;

/// The figures of a function, an instance or the stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// The name in the stream, which may contain any character.
    pub(super) name: String,
    /// Number of known instances; 1 for an instance.
    pub(super) instances: usize,
    pub(super) rate: PerSecond,
    pub(super) lag: Option<Percentiles>,
    pub(super) counts: Counts,
    pub(super) memory: Option<Memory>,
    /// Time since the latest arrival, in milliseconds.
    pub(super) idle_ms: u64,
}

/// Counts since reading began. A ledger counts `shed`, `dropped` and `sampled_out` since the start of its instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) invocations: u64,
    pub(super) failures: u64,
    pub(super) cold_starts: u64,
    pub(super) missing: u64,
    pub(super) shed: u64,
    pub(super) dropped: u64,
    pub(super) sampled_out: u64,
}

impl AddAssign for Counts {
    /// Adds counts without overflow, because a hostile ledger may state any number.
    fn add_assign(&mut self, other: Self) {
        let Self { events, invocations, failures, cold_starts, .. } = self;
        let Self { missing, shed, dropped, sampled_out, .. } = self;
        for (sum, more) in [
            (events, other.events),
            (invocations, other.invocations),
            (failures, other.failures),
            (cold_starts, other.cold_starts),
            (missing, other.missing),
            (shed, other.shed),
            (dropped, other.dropped),
            (sampled_out, other.sampled_out),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Row {
    /// Adds the counts, rates and memory of another row. Lags are not added.
    pub(super) fn add(&mut self, other: &Self) {
        self.instances += other.instances;
        self.rate.events += other.rate.events;
        self.rate.bytes += other.rate.bytes;
        self.counts += other.counts;
        self.memory = higher(self.memory, other.memory);
    }
}

/// Returns the higher of two high-water marks.
pub(super) fn higher(one: Option<Memory>, other: Option<Memory>) -> Option<Memory> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.higher(other)),
        (one, other) => one.or(other),
    }
}

/// Sorts rows: the largest value first, equal ones by name.
pub(super) fn sort(rows: &mut [&Row], order: Order) {
    let by = |key: fn(&Row) -> u64| {
        move |one: &&Row, other: &&Row| {
            (Reverse(key(one)), &one.name).cmp(&(Reverse(key(other)), &other.name))
        }
    };
    match order {
        Order::Events => rows.sort_by(|one, other| {
            let rates = other.rate.events.total_cmp(&one.rate.events);
            rates.then_with(|| one.name.cmp(&other.name))
        }),
        Order::Bytes => rows.sort_by(|one, other| {
            let rates = other.rate.bytes.total_cmp(&one.rate.bytes);
            rates.then_with(|| one.name.cmp(&other.name))
        }),
        Order::Lag => rows.sort_by(by(|it| it.lag.map_or(0, |lag| lag.p99_ms + 1))),
        Order::Invocations => rows.sort_by(by(|it| it.counts.invocations)),
        Order::Failures => rows.sort_by(by(|it| it.counts.failures)),
        Order::Memory => rows.sort_by_key(|it| {
            let memory = it.memory.map(|memory| (memory.percent(), memory.used_mb));
            (Reverse(memory), it.name.clone())
        }),
        Order::Missing => rows.sort_by(by(|it| it.counts.missing)),
        Order::Name => rows.sort_by(|one, other| one.name.cmp(&other.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_every_column() {
        let memory = |used_mb, size_mb| Some(Memory { used_mb, size_mb });
        let row = |name: &str, n: u16, memory| Row {
            name: name.to_owned(),
            rate: PerSecond { events: n.into(), bytes: f64::from(n) * 100.0 },
            lag: (n > 1).then_some(Percentiles { p50_ms: 0, p99_ms: n.into() }),
            counts: Counts {
                invocations: n.into(),
                failures: n.into(),
                missing: n.into(),
                ..Counts::default()
            },
            memory,
            ..Row::default()
        };
        let rows =
            [row("c", 1, memory(100, 128)), row("a", 3, memory(120, 1024)), row("b", 3, None)];
        let sorted = |order| {
            let mut sorted: Vec<&Row> = rows.iter().collect();
            sort(&mut sorted, order);
            sorted.iter().map(|it| it.name.as_str()).collect::<String>()
        };
        for order in [
            Order::Events,
            Order::Bytes,
            Order::Lag,
            Order::Invocations,
            Order::Failures,
            Order::Missing,
            Order::Name,
        ] {
            assert_eq!(sorted(order), "abc", "{order:?}");
        }
        assert_eq!(sorted(Order::Memory), "cab");
    }

    #[test]
    fn sums_of_hostile_counts_do_not_overflow() {
        let counts = Counts { shed: u64::MAX, ..Counts::default() };
        let mut sum = counts;
        sum += counts;
        assert_eq!(sum.shed, u64::MAX);
    }
}
