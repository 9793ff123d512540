//! Decides whether invocations are frequent.
//!
//! Pure. Two thresholds and a count keep the answer from oscillating. A few quick invocations are not enough to count
//! as frequent. One longer pause ends it at once, because it may be the start of a long one.

use std::time::Duration;

use crate::base::clock::Moment;

/// The number of short pauses in a row after which invocations count as frequent.
const IN_A_ROW: u32 = 5;

/// Counts short pauses between invocations.
#[derive(Clone, Copy, Debug)]
pub(super) struct InvocationRate {
    /// A pause below this is short.
    short: Duration,
    /// A pause above this ends the row.
    long: Duration,
    in_a_row: u32,
    last: Option<Moment>,
    /// The pause before the last invocation.
    pause: Duration,
}

impl InvocationRate {
    /// Creates the state before the first invocation. Events may wait for `max_age`; invocations that are further apart
    /// than that send their events at their own end.
    pub(super) fn new(max_age: Duration) -> Self {
        Self { short: max_age / 2, long: max_age, in_a_row: 0, last: None, pause: Duration::ZERO }
    }

    /// Records the start of an invocation. The pause is the larger one of both clocks, because either may stand still
    /// in a freeze.
    pub(super) fn record(&mut self, now: Moment) {
        let Some(last) = self.last.replace(now) else { return };
        let pause = now.since(last);
        self.pause = pause;
        if pause <= self.short {
            self.in_a_row = self.in_a_row.saturating_add(1);
        } else if pause > self.long || !self.is_quick() {
            self.in_a_row = 0;
        }
    }

    /// True if events queued before the last invocation have reached their maximum age by either clock.
    pub(super) fn was_long(&self) -> bool {
        self.pause >= self.long
    }

    /// True if invocations are frequent.
    pub(super) fn is_quick(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::now;

    /// Returns whether invocations count as frequent after each of these pauses, in milliseconds.
    fn after(pauses: &[u64]) -> Vec<bool> {
        let mut rate = InvocationRate::new(Duration::from_secs(1));
        let mut now = now();
        rate.record(now);
        let quick = pauses.iter().map(|pause| {
            let pause = Duration::from_millis(*pause);
            now = now + pause;
            rate.record(now);
            rate.is_quick()
        });
        quick.collect()
    }

    #[test]
    fn a_few_quick_invocations_are_not_frequent() {
        assert_eq!(after(&[10, 10, 10, 10, 10]), [false, false, false, false, true]);
        assert_eq!(after(&[10, 10, 10, 10, 600]), [false; 5], "not all of them were quick");
    }

    #[test]
    fn one_long_pause_ends_frequency_and_a_medium_one_does_not() {
        let quick = after(&[10, 10, 10, 10, 10, 900, 900, 1_001, 10, 10, 10, 10, 10]);
        let expected =
            [false, false, false, false, true, true, true, false, false, false, false, false, true];
        assert_eq!(quick, expected);
    }

    #[test]
    fn invocations_at_a_threshold_do_not_oscillate() {
        for pauses in [[500, 501].repeat(20), [999, 1_001].repeat(20), [499, 999].repeat(20)] {
            let changes = after(&pauses).windows(2).filter(|two| two[0] != two[1]).count();
            assert!(changes <= 1, "{changes} changes");
        }
    }

    #[test]
    fn a_clock_that_stops_in_a_freeze_hides_no_pause() {
        let mut rate = InvocationRate::new(Duration::from_secs(1));
        let start = now();
        let second = Duration::from_secs(1);
        for record in 0..20 {
            rate.record(Moment { wall: start.wall + second * 2 * record, ..start });
        }
        assert!(!rate.is_quick());
        for record in 0..20 {
            let monotonic = start.monotonic + second * 2 * record;
            rate.record(Moment { monotonic, ..start });
        }
        assert!(!rate.is_quick());
    }
}
