//! The circuit breaker: while Kinesis takes nothing, no invocation is held for it.
//!
//! Whatever is wrong (a VPC without an endpoint, a stream that does not exist, an outage), it must not cost every
//! invocation a flush timeout. After two flushes in a row without one acknowledged record the breaker opens:
//! invocations go on at once, and from time to time one of them gets a probe beside it. What waits stays in the queue,
//! and SHUTDOWN tries in any case.
//!
//! Pure: clocks and jitter come in as values. Both clocks count, because in a freeze either may stand still.

use std::time::Duration;

use crate::base::clock::Moment;

/// Flushes in a row that may end without an acknowledged record.
const TOLERATED: u32 = 2;
/// Bound of the first pause between probes. A shorter one would heal sooner, and hold more invocations in vain.
pub(crate) const FIRST: Duration = Duration::from_secs(10);
/// Largest bound: how late at most it is noticed that somebody has mended what was wrong.
const LONGEST: Duration = Duration::from_mins(5);

/// Counts what went wrong in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breaker {
    /// Bound of the first pause.
    first: Duration,
    failures: u32,
    /// When the last flush or probe ended, and how long no other is due.
    pause: Option<(Moment, Duration)>,
}

impl Breaker {
    /// Closed. `first` is the bound of the first pause between probes.
    pub(crate) const fn new(first: Duration) -> Self {
        Self { first, failures: 0, pause: None }
    }

    /// Kinesis took something, or nothing waits. Returns whether that closes the breaker.
    pub(crate) fn succeeded(&mut self) -> bool {
        let was_open = self.is_open();
        *self = Self::new(self.first);
        was_open
    }

    /// A flush or a probe ended without one acknowledged record. `jitter`, from 0 to 1, spreads the probes of thousands
    /// of environments that lost the same stream. Returns whether that opens the breaker.
    pub(crate) fn failed(&mut self, now: Moment, jitter: f64) -> bool {
        let was_open = self.is_open();
        self.failures = self.failures.saturating_add(1);
        if self.is_open() {
            let doublings = (self.failures - TOLERATED).min(16);
            let bound = self.first.saturating_mul(1 << doublings).min(LONGEST);
            self.pause = Some((now, bound.mul_f64(0.5 + jitter / 2.0)));
        }
        self.is_open() && !was_open
    }

    /// Whether invocations are not held.
    pub(crate) fn is_open(&self) -> bool {
        self.failures >= TOLERATED
    }

    /// How long it takes until something may be sent; nothing where the breaker is closed.
    pub(crate) fn wait(&self, now: Moment) -> Duration {
        let Some((since, pause)) = self.pause else { return Duration::ZERO };
        pause.saturating_sub(now.since(since))
    }

    /// Whether the last flush was in vain: then the next one begins with a small request, on which little is lost.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.failures > 0
    }

    /// How long an invocation may be held after its function has finished: less where it may well be in vain. The later
    /// probes are so seldom that they may have all the time that a far region or a slow function needs.
    pub(crate) fn hold(&self, flush_timeout: Duration) -> Duration {
        match self.failures {
            1 | 3 => flush_timeout / 2,
            2 => flush_timeout / 4,
            _ => flush_timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::now;

    fn later(now: Moment, seconds: u64) -> Moment {
        now + Duration::from_secs(seconds)
    }

    /// One that has failed so often.
    fn failed(times: u32, now: Moment) -> Breaker {
        let mut breaker = Breaker::new(FIRST);
        for _ in 0..times {
            breaker.failed(now, 1.0);
        }
        breaker
    }

    #[test]
    fn two_failures_in_a_row_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::new(FIRST);
        assert!(!breaker.failed(now(), 0.5) && !breaker.is_open());
        assert!(!breaker.succeeded(), "it was not open");
        assert!(!breaker.failed(now(), 0.5) && !breaker.is_open(), "not in a row");
        assert!(breaker.failed(now(), 0.5) && breaker.is_open());
        assert!(!breaker.failed(now(), 0.5), "it opens once");
        assert!(breaker.succeeded() && !breaker.is_open());
        assert_eq!(breaker.wait(now()), Duration::ZERO);
    }

    #[test]
    fn probes_come_at_growing_distances_up_to_five_minutes() {
        let start = now();
        let pauses = |times| failed(times, start).wait(start).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 8, 100].map(pauses),
            [0, 10, 20, 40, 80, 160, 300, 300, 300]
        );
    }

    #[test]
    fn probes_of_many_environments_are_spread_over_half_of_the_distance() {
        let pause = |jitter| {
            let (mut breaker, start) = (failed(1, now()), now());
            breaker.failed(start, jitter);
            breaker.wait(start)
        };
        assert_eq!([pause(0.0), pause(1.0)], [FIRST / 2, FIRST]);
    }

    #[test]
    fn the_time_of_a_freeze_counts_whichever_clock_stood_still() {
        let start = now();
        let breaker = failed(2, start);
        assert_eq!(breaker.wait(later(start, 4)), Duration::from_secs(6));
        let (slept, woke) = (start, later(start, 60));
        let stood_still = Moment { monotonic: slept.monotonic, ..woke };
        assert_eq!(breaker.wait(stood_still), Duration::ZERO, "the monotonic one");
        assert_eq!(
            breaker.wait(Moment { wall: slept.wall, ..woke }),
            Duration::ZERO,
            "the wall clock"
        );
        let set_back = Moment { wall: start.wall - Duration::from_hours(1), ..later(start, 4) };
        assert_eq!(breaker.wait(set_back), Duration::from_secs(6));
    }

    #[test]
    fn what_may_be_in_vain_holds_an_invocation_for_less_and_seldom_probes_have_their_time() {
        let second = Duration::from_secs(1);
        let hold = |times| failed(times, now()).hold(second).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 99].map(hold), [1_000, 500, 250, 500, 1_000, 1_000]);
    }
}
