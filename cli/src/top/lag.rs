//! Delivery lag: the time from an event to its arrival in the stream, as percentiles over the last minute. Pure.

use super::window::Window;

/// Number of slots of the window.
const SLOTS: i64 = 6;
const SLOT_MS: i64 = 10_000;
/// Values below this have one bucket each; above it, each doubling has eight buckets.
const EXACT: u64 = 16;

/// The lags of the events that arrived recently.
#[derive(Clone, Debug)]
pub(super) struct Lag(Window<Histogram>);

/// Percentiles, in milliseconds. They are accurate to 6 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Percentiles {
    pub(super) p50_ms: u64,
    pub(super) p99_ms: u64,
}

/// Counts by bucket, in the order of the buckets. An instance uses only a few buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram(Vec<(u8, u64)>);

impl Lag {
    pub(super) fn new() -> Self {
        Self(Window::new(SLOT_MS, 2 * SLOTS))
    }

    /// Adds an event. A negative lag counts as 0, because clocks differ.
    pub(super) fn add(&mut self, created_ms: i64, at_ms: i64) {
        if let Some(histogram) = self.0.at(at_ms) {
            let lag_ms = at_ms.saturating_sub(created_ms).max(0).unsigned_abs();
            histogram.add(bucket(lag_ms), 1);
        }
    }

    /// Returns the lags of the minute that ends at `end_ms`.
    pub(super) fn of_minute(&self, end_ms: i64) -> Histogram {
        let last = self.0.slot(end_ms);
        let mut all = Histogram::default();
        self.0.within(last.saturating_sub(SLOTS - 1), last).for_each(|it| all.merge(it));
        all
    }
}

impl Histogram {
    fn add(&mut self, bucket: u8, count: u64) {
        match self.0.binary_search_by_key(&bucket, |it| it.0) {
            Ok(index) => self.0[index].1 = self.0[index].1.saturating_add(count),
            Err(index) => self.0.insert(index, (bucket, count)),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|&(bucket, count)| self.add(bucket, count));
    }

    /// Returns the percentiles, or `None` if there is no lag.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let all: u128 = self.0.iter().map(|it| u128::from(it.1)).sum();
        let at = |percent: u128| {
            let rank = (all * percent).div_ceil(100);
            let mut below = 0;
            let found = self.0.iter().find(|it| {
                below += u128::from(it.1);
                below >= rank
            });
            found.map(|it| middle(it.0))
        };
        Some(Percentiles { p50_ms: at(50)?, p99_ms: at(99)? })
    }
}

/// Returns the bucket of a lag. Lags above 49 days share the last bucket.
fn bucket(lag_ms: u64) -> u8 {
    let lag = lag_ms.min(u32::MAX.into());
    if lag < EXACT {
        return u8::try_from(lag).unwrap_or_default();
    }
    let doublings = u64::from(lag.ilog2());
    let eighth = (lag >> (doublings - 3)) & 7;
    u8::try_from(EXACT + (doublings - 4) * 8 + eighth).unwrap_or(u8::MAX)
}

/// Returns the middle of a bucket.
fn middle(bucket: u8) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < EXACT {
        return bucket;
    }
    let (doublings, eighth) = ((bucket - EXACT) / 8 + 4, (bucket - EXACT) % 8);
    let width = 1 << (doublings - 3);
    (8 + eighth) * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentiles(lags: impl IntoIterator<Item = u64>) -> Option<Percentiles> {
        let mut histogram = Histogram::default();
        lags.into_iter().for_each(|lag| histogram.add(bucket(lag), 1));
        histogram.percentiles()
    }

    #[test]
    fn a_bucket_is_accurate_to_six_percent() {
        for lag in (0..100_000).chain((0..32).map(|n| 1u64 << n)) {
            let found = middle(bucket(lag));
            assert!(found.abs_diff(lag) * 100 <= lag * 7, "{lag} becomes {found}");
        }
        assert_eq!(bucket(u64::MAX), bucket(u32::MAX.into()));
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_lags() {
        assert_eq!(percentiles([]), None);
        assert_eq!(percentiles([7]), Some(Percentiles { p50_ms: 7, p99_ms: 7 }));
        let found = percentiles((0..99).map(|_| 5).chain([15])).unwrap();
        assert_eq!((found.p50_ms, found.p99_ms), (5, 5));
        let found = percentiles((0..98).map(|_| 5).chain([15, 15])).unwrap();
        assert_eq!((found.p50_ms, found.p99_ms), (5, 15));
    }

    #[test]
    fn lags_of_more_than_a_minute_ago_do_not_count() {
        let mut lag = Lag::new();
        lag.add(0, 9);
        lag.add(99_000, 99_010);
        let at = |end_ms| lag.of_minute(end_ms).percentiles().map(|it| it.p50_ms);
        assert_eq!((at(99_500), at(200_000)), (Some(10), None));
    }

    #[test]
    fn an_event_from_the_future_has_no_lag() {
        let mut lag = Lag::new();
        lag.add(5_000, 3_000);
        assert_eq!(lag.of_minute(3_000).percentiles().map(|it| it.p99_ms), Some(0));
    }
}
