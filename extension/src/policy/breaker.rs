//! The circuit breaker: while Kinesis accepts nothing, invocations are not delayed.
//!
//! A problem such as a VPC without an endpoint, a missing stream or an outage must not cost every invocation a flush
//! timeout. After two flushes in a row without an acknowledged record the breaker opens. Invocations then continue at
//! once, and from time to time one of them sends a probe in the background. Queued events stay in the queue, and
//! SHUTDOWN tries to deliver them in any case.
//!
//! Pure: clocks and jitter come in as values. Both clocks count, because either may stand still in a freeze.

use std::time::Duration;

use crate::base::clock::Moment;

/// The number of flushes in a row without an acknowledged record that opens the breaker.
const TOLERATED: u32 = 2;
/// The bound of the first pause between probes. A shorter one would recover sooner, but delay more invocations for
/// nothing.
pub(crate) const FIRST: Duration = Duration::from_secs(10);
/// The largest bound, and so the longest time until a recovery is noticed.
const LONGEST: Duration = Duration::from_mins(5);

/// Counts failures in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breaker {
    /// The bound of the first pause.
    first: Duration,
    failures: u32,
    /// When the last flush or probe ended, and how long the pause after it is.
    pause: Option<(Moment, Duration)>,
}

impl Breaker {
    /// Creates a closed breaker. `first` is the bound of the first pause between probes.
    pub(crate) const fn new(first: Duration) -> Self {
        Self { first, failures: 0, pause: None }
    }

    /// Closes the breaker, because Kinesis accepted a record or nothing is queued. Returns true if it was open.
    pub(crate) fn succeeded(&mut self) -> bool {
        let was_open = self.is_open();
        *self = Self::new(self.first);
        was_open
    }

    /// Notes that a flush or probe ended without an acknowledged record. `jitter`, from 0 to 1, spreads the probes of
    /// thousands of environments that lost the same stream. Returns true if this opens the breaker.
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

    /// True if the breaker is open, so that invocations are not delayed.
    pub(crate) fn is_open(&self) -> bool {
        self.failures >= TOLERATED
    }

    /// Returns the time until something may be sent; zero if the breaker is closed.
    pub(crate) fn wait(&self, now: Moment) -> Duration {
        let Some((since, pause)) = self.pause else { return Duration::ZERO };
        pause.saturating_sub(now.since(since))
    }

    /// True if the last flush failed. The next one then starts with a small request, which wastes little if it fails
    /// too.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.failures > 0
    }

    /// Returns how long an invocation may be delayed after its function has finished. It is shorter if the attempt may
    /// fail again. Later probes are so rare that they may take all the time that a distant region or a slow function
    /// needs.
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

    /// Creates a breaker after this many failures.
    fn failed(times: u32, now: Moment) -> Breaker {
        let mut breaker = Breaker::new(FIRST);
        for _ in 0..times {
            breaker.failed(now, 1.0);
        }
        breaker
    }

    #[test]
    fn two_failures_in_a_row_open_it_and_a_success_closes_it() {
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
    fn probes_come_at_growing_intervals_up_to_five_minutes() {
        let start = now();
        let pauses = |times| failed(times, start).wait(start).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 8, 100].map(pauses),
            [0, 10, 20, 40, 80, 160, 300, 300, 300]
        );
    }

    #[test]
    fn probes_of_many_environments_spread_over_half_the_interval() {
        let pause = |jitter| {
            let (mut breaker, start) = (failed(1, now()), now());
            breaker.failed(start, jitter);
            breaker.wait(start)
        };
        assert_eq!([pause(0.0), pause(1.0)], [FIRST / 2, FIRST]);
    }

    #[test]
    fn a_freeze_counts_whichever_clock_stood_still() {
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
    fn doubtful_flushes_hold_less_and_rare_probes_the_full_time() {
        let second = Duration::from_secs(1);
        let hold = |times| failed(times, now()).hold(second).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 99].map(hold), [1_000, 500, 250, 500, 1_000, 1_000]);
    }
}
