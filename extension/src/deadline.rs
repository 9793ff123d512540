//! From the deadlines that Lambda states to the time that we may take.
//!
//! Pure: both clocks come in as values. A deadline is wall time and may lie in the past after a thaw.

use std::time::Duration;

/// Left between our last act and Lambda's deadline, for the reply to reach Lambda on a slice of a CPU; less where there
/// is hardly any time at all.
fn margin(remaining: Duration) -> Duration {
    Duration::from_millis(100).min(remaining / 4)
}

/// How long an invocation may be held open, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Longest wait for `platform.runtimeDone`. When it is over, what has arrived is sent, so that a function that ends
    /// just before its timeout is not pushed into it by us.
    pub wait: Duration,
    /// By then `next` is called, whatever is still on its way.
    pub end: Duration,
}

/// The budget of an invocation. Half of a short timeout is left to the function before we stop waiting for its end.
pub fn hold(remaining: Duration, flush_timeout: Duration) -> Hold {
    let end = remaining.saturating_sub(margin(remaining));
    let flush = flush_timeout.min(end / 2);
    Hold { wait: end.saturating_sub(flush), end }
}

/// How long SHUTDOWN may take, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Wait for late telemetry: `platform.report` of the last invocation usually comes after the SHUTDOWN event.
    pub settle: Duration,
    /// By then the stream has had its chance; what is left goes to the dead-letter queue, if there is one.
    pub deliver: Duration,
    /// By then the process exits.
    pub end: Duration,
}

/// The budget of SHUTDOWN. Whatever the platform has created by now is handed over within its buffer time; a third of
/// the budget is the most that waiting for it may cost, and another third is kept for dead letters.
pub fn shutdown(remaining: Duration, buffer_timeout: Duration, has_dead_letters: bool) -> Shutdown {
    let end = remaining.saturating_sub(margin(remaining));
    let settle = (buffer_timeout + buffer_timeout / 2 + Duration::from_millis(20)).min(end / 3);
    let deliver = if has_dead_letters { end * 2 / 3 } else { end };
    Shutdown { settle, deliver, end }
}

/// What is left of a deadline in milliseconds since 1970, when it is `now` in the same unit.
pub fn remaining(deadline_ms: u64, now_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}

/// How long one request to Kinesis may take in a delivery of this length: short enough for a second one.
pub fn attempt(delivery: Duration) -> Duration {
    (delivery * 6 / 10).min(Duration::from_secs(5))
}

/// How long opening a connection may take.
pub fn connect(flush_timeout: Duration) -> Duration {
    (flush_timeout * 4 / 10).min(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_ordinary_invocation_is_waited_for_until_a_flush_still_fits() {
        assert_eq!(hold(ms(3_000), ms(1_000)), Hold { wait: ms(1_900), end: ms(2_900) });
        assert_eq!(hold(ms(900_000), ms(1_000)), Hold { wait: ms(898_900), end: ms(899_900) });
    }

    #[test]
    fn a_short_timeout_is_shared_with_the_function() {
        assert_eq!(hold(ms(1_000), ms(1_000)), Hold { wait: ms(450), end: ms(900) });
    }

    #[test]
    fn a_deadline_in_the_past_leaves_no_time_at_all() {
        let nothing = Hold { wait: ms(0), end: ms(0) };
        assert_eq!(hold(remaining(1_000, 5_000), ms(1_000)), nothing);
        assert_eq!(hold(ms(40), ms(1_000)), Hold { wait: ms(15), end: ms(30) });
        let nothing = Shutdown { settle: ms(0), deliver: ms(0), end: ms(0) };
        assert_eq!(shutdown(ms(0), ms(100), true), nothing);
    }

    #[test]
    fn shutdown_waits_for_the_platforms_buffer_and_no_longer_than_a_third() {
        let budget = Shutdown { settle: ms(170), deliver: ms(1_900), end: ms(1_900) };
        assert_eq!(shutdown(ms(2_000), ms(100), false), budget);
        assert_eq!(shutdown(ms(2_000), ms(30_000), false).settle, ms(1_900) / 3);
    }

    #[test]
    fn a_dead_letter_queue_has_the_last_third_of_shutdown() {
        assert_eq!(shutdown(ms(1_600), ms(100), true).deliver, ms(1_000));
    }

    #[test]
    fn two_attempts_with_a_new_connection_begin_within_one_flush() {
        for timeout in [ms(50), ms(1_000), ms(60_000)] {
            assert!(attempt(timeout) < timeout && connect(timeout) < attempt(timeout));
        }
    }
}
