//! Decides when a delivery can start so that no freeze catches it.
//!
//! Lambda freezes the environment when the function has finished and every extension has called `next`. Kinesis may
//! have stored a request that is in flight at that moment although its answer is lost. Its events are then sent again
//! as duplicates. So a delivery starts at INVOKE, before `next` is called, if the function usually runs long enough to
//! cover it. Later in an invocation it starts only if the function usually runs on for long enough.
//!
//! Pure.

use std::time::{Duration, Instant};

use super::durations::Durations;

/// One in this many invocations whose function is too short to cover a delivery is held open for it.
const HELD_ONE_IN: u32 = 20;
/// A function that has run as long as this many deliveries is not expected to end during the next one.
const LONG_RUN: u32 = 1_000;
/// Until this time no run counts as far longer than the others.
const OVERLONG: Duration = Duration::from_millis(100);
/// The shortest and the longest wait for an answer that may be lost because of a freeze.
const THAWED: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];

/// The observed durations of this environment's invocations and deliveries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freeze {
    functions: Durations,
    deliveries: Durations,
    /// When the last invocation started.
    invoked: Option<Instant>,
    /// The number of invocations since one was held open for a delivery.
    since_held: u32,
}

impl Freeze {
    /// Creates the state without observations.
    pub(super) fn new() -> Self {
        Self {
            functions: Durations::default(),
            deliveries: Durations::default(),
            invoked: None,
            since_held: HELD_ONE_IN,
        }
    }

    /// Records the start of an invocation.
    pub(super) fn invoked(&mut self, now: Instant) {
        self.invoked = Some(now);
        self.since_held = self.since_held.saturating_add(1);
    }

    /// Records how long a function ran.
    pub(super) fn ran(&mut self, duration: Duration) {
        self.functions.record(duration);
    }

    /// Records how long a delivery took until its acknowledgement.
    pub(super) fn delivered(&mut self, duration: Duration) {
        self.deliveries.record(duration);
    }

    /// True if functions usually run longer than a delivery takes, or if that is unknown.
    pub(super) fn covers_a_delivery(&self) -> bool {
        let (functions, deliveries) = (self.functions.usual(), self.deliveries.usual());
        functions
            .zip(deliveries)
            .is_none_or(|(function, delivery)| function.median >= delivery.long * 5 / 4)
    }

    /// True if a delivery may hold an invocation open beyond the end of a short function.
    pub(super) fn may_hold(&self) -> bool {
        self.since_held >= HELD_ONE_IN
    }

    /// Notes that an invocation is held open for a delivery, at least if its function is short.
    pub(super) fn hold(&mut self) {
        self.since_held = 0;
    }

    /// Notes that a freeze broke a delivery. The next delivery may hold its invocation open.
    pub(super) fn lost(&mut self) {
        self.since_held = HELD_ONE_IN;
    }

    /// True if this moment is before the start of the last invocation.
    pub(super) fn is_before_the_invocation(&self, moment: Instant) -> bool {
        self.invoked.is_none_or(|invoked| moment <= invoked)
    }

    /// Returns the first moment, not before this one, at which a delivery that starts after `next` is expected to end
    /// before the function does.
    pub(super) fn safe_from(&self, moment: Instant) -> Instant {
        let (Some(invoked), Some(function), Some(delivery)) =
            (self.invoked, self.functions.usual(), self.deliveries.usual())
        else {
            return moment;
        };
        let closes = invoked + function.shortest.saturating_sub(delivery.long * 2);
        // This invocation is far longer than the others.
        let overlong = (function.longest * 2).min(delivery.long * LONG_RUN);
        let opens = invoked + overlong.max(OVERLONG);
        if moment < closes { moment } else { moment.max(opens) }
    }

    /// Returns how long to wait for an answer that may be lost because of a freeze. It usually arrives at once, or the
    /// connection is dead.
    pub(super) fn patience(&self) -> Duration {
        let [least, most] = THAWED;
        self.deliveries.usual().map_or(most, |delivery| delivery.long.clamp(least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Creates a state with deliveries of 10 ms and functions of these durations.
    fn after(functions: &[u64]) -> Freeze {
        let mut freeze = Freeze::new();
        freeze.delivered(ms(10));
        for function in functions {
            freeze.ran(ms(*function));
        }
        freeze
    }

    /// Returns when a delivery is safe that would start at `moment`, both in milliseconds since the invocation's start.
    fn safe_from(mut freeze: Freeze, moment: u64) -> u128 {
        let invoked = Instant::now();
        freeze.invoked(invoked);
        freeze.safe_from(invoked + ms(moment)).duration_since(invoked).as_millis()
    }

    #[test]
    fn a_delivery_starts_if_the_shortest_function_covers_two() {
        let freeze = after(&[90, 50, 70]);
        assert_eq!(safe_from(freeze, 0), 0);
        assert_eq!(safe_from(freeze, 29), 29);
        assert_eq!(safe_from(freeze, 30), 180, "twice the longest");
        assert_eq!(safe_from(freeze, 200), 200);
    }

    #[test]
    fn after_a_thousand_deliveries_a_run_allows_one_at_any_time() {
        let freeze = after(&[600_000, 1_000]);
        assert_eq!(safe_from(freeze, 979), 979);
        assert_eq!(safe_from(freeze, 980), 10_000);
        assert_eq!(safe_from(freeze, 10_001), 10_001);
    }

    #[test]
    fn a_delivery_starts_at_once_without_observations() {
        assert_eq!(safe_from(Freeze::new(), 7), 7);
        assert_eq!(safe_from(after(&[]), 7), 7);
        assert!(Freeze::new().covers_a_delivery());
    }

    #[test]
    fn a_function_covers_a_delivery_that_is_usually_shorter() {
        assert!(after(&[20, 13, 12]).covers_a_delivery());
        assert!(!after(&[20, 12, 11]).covers_a_delivery());
    }

    #[test]
    fn one_in_twenty_invocations_of_a_short_function_is_held() {
        let mut freeze = after(&[1]);
        let held = (0..100).filter(|_| {
            freeze.invoked(Instant::now());
            let may_hold = freeze.may_hold();
            if may_hold {
                freeze.hold();
            }
            may_hold
        });
        assert_eq!(held.collect::<Vec<_>>(), [0, 20, 40, 60, 80]);
    }

    #[test]
    fn an_answer_after_a_freeze_is_awaited_for_50_ms_at_most() {
        assert_eq!(after(&[]).patience(), ms(10));
        let mut slow = Freeze::new();
        slow.delivered(ms(400));
        assert_eq!(slow.patience(), ms(50));
        assert_eq!(Freeze::new().patience(), ms(50));
    }
}
