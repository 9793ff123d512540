//! Decides how long to wait before a retry, with full jitter.
//!
//! Pure except for the jitter. Each wait is random between zero and a bound that grows exponentially. It spreads the
//! retries of thousands of environments that failed at the same moment.

use std::time::Duration;

/// The bound of the first wait, about one round trip within a region.
const BASE: Duration = Duration::from_millis(25);
/// The largest bound. A throttled shard has room again every second, and a flush rarely has much longer.
const CAP: Duration = Duration::from_millis(800);

/// Counts failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Returns the wait after one more failure.
    pub(crate) fn wait(&mut self) -> Duration {
        let bound = self.bound();
        self.failures += 1;
        bound.mul_f64(fastrand::f64())
    }

    /// Resets the count after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    fn bound(self) -> Duration {
        BASE.saturating_mul(1 << self.failures.min(16)).min(CAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_its_cap_until_a_success() {
        let mut backoff = Backoff::default();
        let mut bounds = Vec::new();
        for _ in 0..7 {
            let bound = backoff.bound();
            assert!(backoff.wait() <= bound);
            bounds.push(bound.as_millis());
        }
        assert_eq!(bounds, [25, 50, 100, 200, 400, 800, 800]);
        backoff.reset();
        assert_eq!(backoff.bound(), BASE);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let mut backoff = Backoff { failures: u32::MAX - 1 };
        assert!(backoff.wait() <= CAP);
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let waits: Vec<_> = (0..200).map(|_| Backoff { failures: 5 }.wait()).collect();
        assert!(
            waits.iter().any(|wait| *wait < CAP / 4)
                && waits.iter().any(|wait| *wait > CAP * 3 / 4)
        );
    }
}
