//! Both clocks, read together: in a freeze either may stand still, and the wall clock may be set at any time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock and the wall clock.
pub fn now() -> (Instant, SystemTime) {
    (tokio::time::Instant::now().into_std(), wall())
}

/// The wall clock.
#[cfg(not(test))]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
pub use simulated::{advance_wall, wall};

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    wall().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// In tests the wall clock follows the monotonic one, which they control, and can be set.
#[cfg(test)]
mod simulated {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};

    use tokio::time::Instant;

    thread_local! {
        static BASE: (Instant, SystemTime) = (Instant::now(), SystemTime::now());
        /// What it is ahead of the monotonic clock, in seconds.
        static AHEAD: Cell<f64> = const { Cell::new(0.0) };
    }

    /// The wall clock.
    pub fn wall() -> SystemTime {
        let wall = BASE.with(|(monotonic, wall)| *wall + monotonic.elapsed());
        let ahead = Duration::from_secs_f64(AHEAD.get().abs());
        if AHEAD.get() < 0.0 { wall - ahead } else { wall + ahead }
    }

    /// Lets time go by, or back, that the monotonic clock knows nothing of.
    pub fn advance_wall(seconds: f64) {
        AHEAD.set(AHEAD.get() + seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_of_a_test_follows_its_other_clock_and_can_be_set() {
        let (monotonic, wall) = now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(now(), (monotonic + Duration::from_secs(1), wall + Duration::from_secs(1)));
        advance_wall(60.0);
        advance_wall(-10.0);
        assert_eq!(now(), (monotonic + Duration::from_secs(1), wall + Duration::from_secs(51)));
        advance_wall(-50.0);
    }
}
