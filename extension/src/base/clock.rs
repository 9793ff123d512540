//! Reads the monotonic and the wall clock together: either may stand still in a freeze, and the wall clock may be set
//! at any time.

use std::ops::Add;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment on the monotonic clock and on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock. It only goes forward, and may stand still while the environment is frozen or the machine is
    /// paused.
    pub monotonic: Instant,
    /// The wall clock. It may be set forward or back at any time.
    pub wall: SystemTime,
}

impl Moment {
    /// Returns the time since `earlier`. The clock that shows more counts, because either may have stood still in a
    /// freeze.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic_since(earlier).max(self.wall_since(earlier))
    }

    /// Returns how long the monotonic clock has stood still since `earlier`, according to the wall clock.
    pub fn standstill_since(self, earlier: Self) -> Duration {
        self.wall_since(earlier).saturating_sub(self.monotonic_since(earlier))
    }

    fn monotonic_since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_duration_since(earlier.monotonic)
    }

    fn wall_since(self, earlier: Self) -> Duration {
        self.wall.duration_since(earlier.wall).unwrap_or_default()
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self { monotonic: self.monotonic + time, wall: self.wall + time }
    }
}

/// Reads both clocks.
pub(crate) fn now() -> Moment {
    Moment { monotonic: tokio::time::Instant::now().into_std(), wall: wall() }
}

/// Returns the time of the wall clock.
#[cfg(not(test))]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
pub(crate) use simulated::{advance_wall, wall};

/// Returns the milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    wall().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A wall clock for tests. It follows the monotonic clock, which tests control, and can be set.
#[cfg(test)]
mod simulated {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};

    use tokio::time::Instant;

    thread_local! {
        static BASE: (Instant, SystemTime) = (Instant::now(), SystemTime::now());
        /// Seconds by which the wall clock is ahead of the monotonic clock.
        static AHEAD: Cell<f64> = const { Cell::new(0.0) };
    }

    /// Returns the time of the wall clock.
    pub(crate) fn wall() -> SystemTime {
        let wall = BASE.with(|(monotonic, wall)| *wall + monotonic.elapsed());
        let ahead = Duration::from_secs_f64(AHEAD.get().abs());
        if AHEAD.get() < 0.0 { wall - ahead } else { wall + ahead }
    }

    /// Sets the wall clock forward, or back if `seconds` is negative. The monotonic clock does not change.
    pub(crate) fn advance_wall(seconds: f64) {
        AHEAD.set(AHEAD.get() + seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_of_a_test_follows_the_monotonic_one() {
        let start = now();
        let second = Duration::from_secs(1);
        tokio::time::sleep(second).await;
        let moment = |wall| Moment { monotonic: start.monotonic + second, wall };
        assert_eq!(now(), moment(start.wall + second));
        advance_wall(60.0);
        advance_wall(-10.0);
        assert_eq!(now(), moment(start.wall + Duration::from_secs(51)));
        advance_wall(-50.0);
    }

    #[test]
    fn the_clock_that_shows_more_decides_the_elapsed_time() {
        let start = now();
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let later = start + minute;
        assert_eq!(later.since(start), minute);
        assert_eq!(Moment { monotonic: start.monotonic, ..later }.since(start), minute);
        assert_eq!(Moment { wall: start.wall, ..later }.since(start), minute);
        assert_eq!(Moment { wall: start.wall - hour, ..later }.since(start), minute, "set back");
        assert_eq!(start.since(later), Duration::ZERO);
        let stood_still = Moment { monotonic: start.monotonic, ..later };
        assert_eq!(stood_still.standstill_since(start), minute);
        assert_eq!(later.standstill_since(start), Duration::ZERO);
    }
}
