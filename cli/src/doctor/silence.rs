//! Skips a check for further functions when the service does not answer.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

/// Duration from which a failed check counts as unanswered. An error response comes at once, while the SDK waits twice for a
/// missing one.
const SILENT: Duration = Duration::from_secs(4);

/// Remembers the result of a check that the service did not answer, so that further functions do not wait again.
pub(super) struct Silence<T>(RefCell<Option<T>>);

impl<T> Default for Silence<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> Silence<T> {
    /// Makes a check, or returns the remembered result.
    pub(super) async fn or(
        &self,
        check: impl Future<Output = T>,
        has_failed: impl FnOnce(&T) -> bool,
    ) -> T {
        if let Some(known) = &*self.0.borrow() {
            return known.clone();
        }
        let began = Instant::now();
        let result = check.await;
        if has_failed(&result) && began.elapsed() >= SILENT {
            self.0.replace(Some(result.clone()));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::sleep;

    use super::*;

    /// Returns how often a check is made if it takes this long and has this result.
    async fn made(takes: Duration, has_failed: bool) -> usize {
        let (silence, count) = (Silence::default(), Cell::new(0));
        for _ in 0..3 {
            let check = async {
                count.set(count.get() + 1);
                sleep(takes).await;
            };
            silence.or(check, |()| has_failed).await;
        }
        count.get()
    }

    #[test]
    fn a_silent_service_costs_one_timeout() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (short, long) = (Duration::from_millis(1), SILENT + Duration::from_millis(1));
            // Concurrent, because they take real time.
            let (slow, refused) = tokio::join!(made(long, true), made(short, true));
            assert_eq!((slow, refused), (1, 3));
        });
    }
}
