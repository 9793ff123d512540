//! Derives time budgets from the deadlines that Lambda states.
//!
//! Pure: both clocks come in as values. A deadline is wall time and may lie in the past after a thaw.

use std::time::Duration;

/// Returns the time reserved between our last action and Lambda's deadline. The reply needs it to reach Lambda on a
/// slice of a CPU. It is shorter if little time remains.
fn margin(remaining: Duration) -> Duration {
    Duration::from_millis(100).min(remaining / 4)
}

/// The call from Lambda that a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// INVOKE. Its deadline is the function's timeout.
    Invoke {
        /// The function's timeout, if it is known.
        timeout: Option<Duration>,
    },
    /// SHUTDOWN. Its deadline is the moment at which Lambda kills this process.
    Shutdown {
        /// True if there is a dead-letter queue, which needs time as well.
        has_dead_letters: bool,
    },
}

/// The settings that budgets depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The longest flush.
    pub flush_timeout: Duration,
    /// How long Lambda buffers telemetry.
    pub buffer_timeout: Duration,
}

/// The available time, counted from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The longest wait before sending. In an invocation it is the wait for the end of the function; it stops early
    /// enough that the extension does not push a function into its timeout. At SHUTDOWN it is the wait for late
    /// telemetry, because `platform.report` of the last invocation usually follows SHUTDOWN.
    pub wait: Duration,
    /// The time for the stream, including the last ledger.
    pub deliver: Duration,
    /// The time until `next` is called or the process exits, whatever is in flight. The time after `deliver` is for
    /// dead letters.
    pub end: Duration,
}

/// Returns the time budget for a deadline that Lambda stated.
///
/// The function keeps half of a short timeout before the extension stops waiting for its end. At SHUTDOWN the platform
/// hands over its telemetry within its buffer time. Waiting for it takes at most a third of the budget, and dead
/// letters have another third.
pub(crate) fn budget(call: Call, deadline_ms: u64, now_ms: u64, settings: &Settings) -> Budget {
    let remaining = remaining(call, deadline_ms, now_ms);
    let end = remaining.saturating_sub(margin(remaining));
    match call {
        Call::Invoke { .. } => {
            let flush = settings.flush_timeout.min(end / 2);
            Budget { wait: end.saturating_sub(flush), deliver: end, end }
        }
        Call::Shutdown { has_dead_letters } => {
            let buffered = settings.buffer_timeout + settings.buffer_timeout / 2;
            let wait = (buffered + Duration::from_millis(20)).min(end / 3);
            let deliver = if has_dead_letters { end * 2 / 3 } else { end };
            Budget { wait, deliver, end }
        }
    }
}

/// A duration that overflows no clock when it is added.
const FAR: Duration = Duration::from_hours(24 * 365);

/// Returns the time until a deadline.
///
/// A deadline in the past means that a clock was set between Lambda's reading and ours. The least possible time is
/// assumed then: a function has at least a second, and a SHUTDOWN that has just arrived has part of its two seconds. If
/// the time is really over, an attempt costs nothing.
///
/// An invocation has no more time than the function's timeout, which Lambda's own times reveal. Until they do, any
/// deadline in the future is accepted, because the longest timeout that Lambda allows may change.
fn remaining(call: Call, deadline_ms: u64, now_ms: u64) -> Duration {
    let stated = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
    match call {
        Call::Invoke { .. } if stated.is_zero() => Duration::from_secs(1),
        Call::Invoke { timeout } => stated.min(timeout.unwrap_or(FAR)).min(FAR),
        // Lambda gives two seconds; an emulator may give more.
        Call::Shutdown { .. } if stated.is_zero() || stated > Duration::from_secs(15) => {
            Duration::from_millis(500)
        }
        Call::Shutdown { .. } => stated.min(Duration::from_secs(10)),
    }
}

/// Learns the function's timeout from the deadline and the start of invocations.
///
/// The largest value counts: a function can post its own `platform.start`, which must not shorten the timeout. Lambda
/// reads the two times in different places, so the difference is rounded up to a whole second, as timeouts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeout(Option<Duration>);

impl Timeout {
    /// Records the start and the deadline of an invocation, both in milliseconds since 1970.
    pub(crate) fn learn(&mut self, start_ms: u64, deadline_ms: u64) {
        if let Some(ms) = deadline_ms.checked_sub(start_ms).filter(|ms| *ms > 0) {
            let timeout = Duration::from_secs(ms.div_ceil(1_000));
            self.0 = self.0.max(Some(timeout));
        }
    }

    /// Returns the timeout, if it is known.
    pub(crate) fn known(self) -> Option<Duration> {
        self.0
    }
}

/// Returns how long one request to Kinesis may take within this delivery, short enough for a second one.
pub(crate) fn attempt(delivery: Duration) -> Duration {
    (delivery * 6 / 10).min(Duration::from_secs(5))
}

/// Returns how long opening a connection may take.
pub(crate) fn connect(flush_timeout: Duration) -> Duration {
    (flush_timeout * 4 / 10).min(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use extension_spec::limits;
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const NOW: u64 = 1_800_000_000_000;

    fn settings(flush_timeout: u64, buffer_timeout: u64) -> Settings {
        Settings { flush_timeout: ms(flush_timeout), buffer_timeout: ms(buffer_timeout) }
    }

    /// Returns the budget of an invocation with this many milliseconds left.
    fn invoke(left: u64) -> Budget {
        budget(Call::Invoke { timeout: None }, NOW + left, NOW, &settings(1_000, 100))
    }

    fn shutdown(left: u64, buffer_timeout: u64, has_dead_letters: bool) -> Budget {
        let call = Call::Shutdown { has_dead_letters };
        budget(call, NOW + left, NOW, &settings(1_000, buffer_timeout))
    }

    #[test]
    fn the_wait_for_a_function_leaves_time_for_a_flush() {
        let of = |wait, end| Budget { wait: ms(wait), deliver: ms(end), end: ms(end) };
        assert_eq!(invoke(3_000), of(1_900, 2_900));
        assert_eq!(invoke(900_000), of(898_900, 899_900));
    }

    #[test]
    fn a_short_timeout_is_shared_with_the_function() {
        assert_eq!((invoke(1_000).wait, invoke(1_000).end), (ms(450), ms(900)));
        assert_eq!((invoke(40).wait, invoke(40).end), (ms(15), ms(30)));
    }

    #[test]
    fn an_impossible_deadline_leaves_the_least_possible_time() {
        let least = invoke(1_000);
        for timeout in [None, Some(ms(3_000))] {
            for deadline in [NOW - 5_000, NOW, 0] {
                let call = Call::Invoke { timeout };
                assert_eq!(budget(call, deadline, NOW, &settings(1_000, 100)), least, "{deadline}");
            }
        }
        for left in [0, 3_600_000] {
            assert_eq!(shutdown(left, 100, true), shutdown(500, 100, true));
        }
    }

    #[test]
    fn any_future_deadline_is_accepted_until_the_timeout_is_known() {
        let longest = [limits::FUNCTION_TIMEOUT_MS, limits::MANAGED_FUNCTION_TIMEOUT_MS];
        for left in [900_000, 86_400_000].into_iter().chain(longest) {
            let end = ms(left - 100);
            assert_eq!((invoke(left).end, invoke(left).wait), (end, end.saturating_sub(ms(1_000))));
        }
        let far = budget(Call::Invoke { timeout: None }, u64::MAX, 0, &settings(1_000, 100));
        assert!(far.end > Duration::from_hours(24), "and none overflows a clock: {far:?}");
        _ = std::time::Instant::now() + far.end;
    }

    #[test]
    fn an_invocation_has_no_more_time_than_the_functions_timeout() {
        let known = |left| {
            let call = Call::Invoke { timeout: Some(ms(3_000)) };
            budget(call, NOW + left, NOW, &settings(1_000, 100))
        };
        assert_eq!(known(3_600_000), invoke(3_000), "a clock was set back");
        assert_eq!(known(2_500), invoke(2_500));
    }

    #[test]
    fn the_timeout_is_the_longest_observed_in_whole_seconds() {
        let mut timeout = Timeout::default();
        timeout.learn(NOW, NOW - 1);
        timeout.learn(NOW, NOW);
        assert_eq!(timeout.known(), None, "no invocation ends before it begins");
        timeout.learn(NOW, NOW + 2_995);
        assert_eq!(timeout.known(), Some(ms(3_000)));
        timeout.learn(NOW + 2_000, NOW + 2_995);
        assert_eq!(timeout.known(), Some(ms(3_000)), "a late start does not shorten it");
        timeout.learn(NOW, NOW + 1_800_000);
        assert_eq!(timeout.known(), Some(ms(1_800_000)));
    }

    #[test]
    fn shutdown_waits_for_the_buffer_for_at_most_a_third() {
        let budget = Budget { wait: ms(170), deliver: ms(1_900), end: ms(1_900) };
        assert_eq!(shutdown(2_000, 100, false), budget);
        assert_eq!(shutdown(2_000, 30_000, false).wait, ms(1_900) / 3);
    }

    #[test]
    fn a_dead_letter_queue_has_the_last_third_of_shutdown() {
        assert_eq!(shutdown(1_600, 100, true).deliver, ms(1_000));
    }

    proptest! {
        #[test]
        fn budgets_are_nested_and_end_before_any_possible_deadline(
            left in 1_u64..1_000_000,
            ahead in any::<bool>(),
            flush in 50_u64..60_000,
            buffer in 25_u64..30_000,
            has_dead_letters in any::<bool>(),
        ) {
            let deadline = if ahead { NOW + left } else { NOW - left };
            let shutdown = Call::Shutdown { has_dead_letters };
            let invoke = Call::Invoke { timeout: None };
            for (call, longest) in [(invoke, u64::MAX), (shutdown, 10_000)] {
                let Budget { wait, deliver, end } =
                    budget(call, deadline, NOW, &settings(flush, buffer));
                prop_assert!(wait <= deliver && deliver <= end && !end.is_zero());
                if ahead && left <= longest {
                    prop_assert!(end + margin(ms(left)) <= ms(left));
                    // The function keeps at least half of its time before the wait for its end stops.
                    prop_assert!(call == shutdown || wait >= end / 2);
                }
            }
        }
    }

    #[test]
    fn two_attempts_with_a_new_connection_fit_into_one_flush() {
        for timeout in [ms(50), ms(1_000), ms(60_000)] {
            assert!(attempt(timeout) < timeout && connect(timeout) < attempt(timeout));
        }
    }
}
