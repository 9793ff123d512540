//! How often invocations come.
//!
//! Pure. Two thresholds and a count keep it from swinging to and fro: a few quick invocations make nothing often, and one
//! longer pause ends it at once, because a pause may be the beginning of a long one.

use std::time::Duration;

use crate::base::clock::Moment;

/// So many short pauses in a row show that invocations come often.
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
    /// Before the last invocation.
    pause: Duration,
}

impl InvocationRate {
    /// Nothing has come yet. Events may get `max_age` old: invocations that come less often than that send them at
    /// their own end.
    pub(super) fn new(max_age: Duration) -> Self {
        Self { short: max_age / 2, long: max_age, in_a_row: 0, last: None, pause: Duration::ZERO }
    }

    /// An invocation begins. The pause is the larger of both clocks': in a freeze either may stand still.
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

    /// Whether what waited since before the last invocation has grown old meanwhile, by either clock.
    pub(super) fn was_long(&self) -> bool {
        self.pause >= self.long
    }

    /// Whether invocations come often.
    pub(super) fn is_quick(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::now;

    /// Whether invocations come often after each of these pauses in milliseconds.
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
    fn a_few_quick_invocations_make_nothing_often() {
        assert_eq!(after(&[10, 10, 10, 10, 10]), [false, false, false, false, true]);
        assert_eq!(after(&[10, 10, 10, 10, 600]), [false; 5], "not all of them were quick");
    }

    #[test]
    fn one_long_pause_ends_it_and_a_middling_one_does_not() {
        let quick = after(&[10, 10, 10, 10, 10, 900, 900, 1_001, 10, 10, 10, 10, 10]);
        let expected =
            [false, false, false, false, true, true, true, false, false, false, false, false, true];
        assert_eq!(quick, expected);
    }

    #[test]
    fn invocations_at_a_threshold_do_not_make_it_swing() {
        for pauses in [[500, 501].repeat(20), [999, 1_001].repeat(20), [499, 999].repeat(20)] {
            let changes = after(&pauses).windows(2).filter(|two| two[0] != two[1]).count();
            assert!(changes <= 1, "{changes} changes");
        }
    }

    #[test]
    fn a_clock_that_stands_still_in_a_freeze_hides_no_pause() {
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
