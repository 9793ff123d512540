//! Events and bytes a second, by time of arrival. Pure.

use std::time::Duration;

use super::window::Window;

/// Shortest period over which a rate is computed, because functions deliver in bursts.
const SHORTEST: Duration = Duration::from_secs(10);
/// Number of slots of a period.
const SLOTS: i64 = 10;

/// Counts of the events and bytes that arrived recently.
#[derive(Clone, Debug)]
pub(super) struct Rate(Window<(u64, u64)>);

/// Events and bytes a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PerSecond {
    pub(super) events: f64,
    pub(super) bytes: f64,
}

impl Rate {
    /// Returns the rate over `period`, at least ten seconds.
    pub(super) fn over(period: Duration) -> Self {
        let slot_ms = period.max(SHORTEST).as_millis() / u128::from(SLOTS.unsigned_abs());
        // Arrivals after the end of the period are kept until they are within it.
        Self(Window::new(i64::try_from(slot_ms).unwrap_or(i64::MAX), 2 * SLOTS))
    }

    pub(super) fn add(&mut self, at_ms: i64, bytes: u64) {
        if let Some((events, sum)) = self.0.at(at_ms) {
            *events = events.saturating_add(1);
            *sum = sum.saturating_add(bytes);
        }
    }

    /// Returns the rate over the period that ends at `end_ms`; reading began at `start_ms`.
    #[expect(clippy::cast_precision_loss)] // The rate is rounded to three digits.
    pub(super) fn per_second(&self, start_ms: i64, end_ms: i64) -> PerSecond {
        let last = self.0.slot(end_ms);
        let first = last.saturating_sub(SLOTS - 1);
        let sum = self
            .0
            .within(first, last)
            .fold((0u64, 0u64), |sum, it| (sum.0.saturating_add(it.0), sum.1.saturating_add(it.1)));
        let begin_ms = self.0.begin_ms(first).max(start_ms);
        let seconds = end_ms.saturating_sub(begin_ms).max(1_000) as f64 / 1_000.0;
        PerSecond { events: sum.0 as f64 / seconds, bytes: sum.1 as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut rate = Rate::over(Duration::from_secs(2));
        for second in 0..20 {
            for _ in 0..5 {
                rate.add(second * 1_000, 100);
            }
        }
        let steady = rate.per_second(0, 19_999);
        assert!((4.9..5.1).contains(&steady.events), "{steady:?}");
        assert!((490.0..510.0).contains(&steady.bytes), "{steady:?}");
        assert_eq!(rate.per_second(0, 60_000), PerSecond::default());
    }

    #[test]
    fn a_new_reader_uses_the_time_since_its_start() {
        let mut rate = Rate::over(Duration::from_secs(10));
        for at_ms in [100_100, 101_000, 101_900] {
            rate.add(at_ms, 1);
        }
        let PerSecond { events, .. } = rate.per_second(100_000, 102_000);
        assert!((1.4..1.6).contains(&events), "{events}");
    }

    #[test]
    fn arrivals_after_the_end_of_the_period_are_counted_later() {
        let mut rate = Rate::over(Duration::from_secs(10));
        rate.add(15_000, 1);
        assert_eq!(rate.per_second(0, 10_000), PerSecond::default());
        assert!(rate.per_second(0, 15_500).events > 0.0);
    }
}
