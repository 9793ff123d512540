//! From the deadlines that Lambda states to the time that we may take.
//!
//! Pure: both clocks come in as values. A deadline is wall time and may lie in the past after a thaw.

use std::time::Duration;

/// Left between our last act and Lambda's deadline, for the reply to reach Lambda on a slice of a CPU; less where there
/// is hardly any time at all.
fn margin(remaining: Duration) -> Duration {
    Duration::from_millis(100).min(remaining / 4)
}

/// What Lambda has called us for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// INVOKE: its deadline is the timeout of the function.
    Invoke {
        /// The function's timeout, if it is known.
        timeout: Option<Duration>,
    },
    /// SHUTDOWN: its deadline is the moment in which this process is killed.
    Shutdown {
        /// Whether there is a queue for what the stream does not take, which needs time as well.
        has_dead_letters: bool,
    },
}

/// What the budgets depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Longest flush.
    pub flush_timeout: Duration,
    /// How long Lambda buffers telemetry.
    pub buffer_timeout: Duration,
}

/// How much time there is, all of it from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Longest wait before anything must be sent: for the end of the function, so that one that ends just before its
    /// timeout is not pushed into it by us; at SHUTDOWN for late telemetry, because `platform.report` of the last
    /// invocation usually comes after it.
    pub wait: Duration,
    /// By then the stream has had its chance, the last ledger included.
    pub deliver: Duration,
    /// By then `next` is called, or the process exits, whatever is still on its way. What lies between is for dead
    /// letters.
    pub end: Duration,
}

/// From the deadline that Lambda states, and the wall clock, to what may be done in which time.
///
/// Half of a short timeout is left to the function before we stop waiting for its end. At SHUTDOWN whatever the platform
/// has created by now is handed over within its buffer time; a third of the budget is the most that waiting for it may
/// cost, and another third is kept for dead letters.
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

/// No clock overflows when this is added to it.
const FAR: Duration = Duration::from_hours(24 * 365);

/// Returns what is left of a deadline.
///
/// A deadline that is over already says that the clock was set between Lambda's reading of it and ours. Then the least that
/// there can be is believed: a function has a second at least, and of the two seconds of a SHUTDOWN something is left when it
/// has just come. Should the time really be over, nothing is lost by trying.
///
/// An invocation has no more time than the function's timeout, which Lambda's own times tell; until they do, any deadline in
/// the future is believed, because the longest timeout that Lambda allows changes.
fn remaining(call: Call, deadline_ms: u64, now_ms: u64) -> Duration {
    let stated = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
    match call {
        Call::Invoke { .. } if stated.is_zero() => Duration::from_secs(1),
        Call::Invoke { timeout } => stated.min(timeout.unwrap_or(FAR)).min(FAR),
        // Two seconds on Lambda; an emulator may give more.
        Call::Shutdown { .. } if stated.is_zero() || stated > Duration::from_secs(15) => {
            Duration::from_millis(500)
        }
        Call::Shutdown { .. } => stated.min(Duration::from_secs(10)),
    }
}

/// Learns the function's timeout from Lambda's own times: an invocation's deadline less its start.
///
/// The largest one counts: a function can post a `platform.start` of its own, and must not shorten what it is given. Lambda
/// reads the two times in different places, so the difference is rounded up to a whole second, as timeouts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeout(Option<Duration>);

impl Timeout {
    /// An invocation with this deadline began at this time, both in milliseconds since 1970.
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

/// How long one request to Kinesis may take in a delivery of this length: short enough for a second one.
pub(crate) fn attempt(delivery: Duration) -> Duration {
    (delivery * 6 / 10).min(Duration::from_secs(5))
}

/// How long opening a connection may take.
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

    /// With this many milliseconds left.
    fn invoke(left: u64) -> Budget {
        budget(Call::Invoke { timeout: None }, NOW + left, NOW, &settings(1_000, 100))
    }

    fn shutdown(left: u64, buffer_timeout: u64, has_dead_letters: bool) -> Budget {
        let call = Call::Shutdown { has_dead_letters };
        budget(call, NOW + left, NOW, &settings(1_000, buffer_timeout))
    }

    #[test]
    fn an_ordinary_invocation_is_waited_for_until_a_flush_still_fits() {
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
    fn a_deadline_that_cannot_be_leaves_the_least_that_there_can_be() {
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
    fn any_deadline_in_the_future_is_believed_until_the_timeout_is_known() {
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
        assert_eq!(known(3_600_000), invoke(3_000), "a clock that was set back");
        assert_eq!(known(2_500), invoke(2_500));
    }

    #[test]
    fn the_timeout_is_the_longest_that_lambdas_times_tell_in_whole_seconds() {
        let mut timeout = Timeout::default();
        timeout.learn(NOW, NOW - 1);
        timeout.learn(NOW, NOW);
        assert_eq!(timeout.known(), None, "no invocation ends before it begins");
        timeout.learn(NOW, NOW + 2_995);
        assert_eq!(timeout.known(), Some(ms(3_000)));
        timeout.learn(NOW + 2_000, NOW + 2_995);
        assert_eq!(timeout.known(), Some(ms(3_000)), "a start that came late shortens nothing");
        timeout.learn(NOW, NOW + 1_800_000);
        assert_eq!(timeout.known(), Some(ms(1_800_000)));
    }

    #[test]
    fn shutdown_waits_for_the_platforms_buffer_and_no_longer_than_a_third() {
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
        fn whatever_the_clocks_say_each_budget_lies_within_the_next_and_ends_before_a_deadline_that_can_be(
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
                    // The function keeps half of its time, at least, before anybody stops waiting for it.
                    prop_assert!(call == shutdown || wait >= end / 2);
                }
            }
        }
    }

    #[test]
    fn two_attempts_with_a_new_connection_begin_within_one_flush() {
        for timeout in [ms(50), ms(1_000), ms(60_000)] {
            assert!(attempt(timeout) < timeout && connect(timeout) < attempt(timeout));
        }
    }
}
