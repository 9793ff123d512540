//! When a delivery can begin so that no freeze catches it.
//!
//! Lambda freezes the environment when the function has finished and every extension has called `next`. A request that is in
//! flight then may have been stored although its answer is lost, and its events are sent a second time. So a delivery begins at the
//! INVOKE, before `next` is called, where the function's own run covers it; and in the middle of an invocation only if the
//! function usually runs on for long enough.
//!
//! Pure.

use std::time::{Duration, Instant};

use super::durations::Durations;

/// Of so many invocations whose function is too short to cover a delivery, one is held for it.
const HELD_ONE_IN: u32 = 20;
/// A function that has run for this many deliveries is not expected to end during the next one.
const LONG_RUN: u32 = 1_000;
/// No run is far longer than the others before this.
const OVERLONG: Duration = Duration::from_millis(100);
/// Shortest and longest wait for the answer to a request that a freeze may have caught.
const THAWED: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];

/// What is known of this environment's invocations and deliveries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freeze {
    functions: Durations,
    deliveries: Durations,
    /// When the last invocation began.
    invoked: Option<Instant>,
    /// Invocations since one was held for a delivery.
    since_held: u32,
}

impl Freeze {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            functions: Durations::default(),
            deliveries: Durations::default(),
            invoked: None,
            since_held: HELD_ONE_IN,
        }
    }

    /// An invocation begins.
    pub(super) fn invoked(&mut self, now: Instant) {
        self.invoked = Some(now);
        self.since_held = self.since_held.saturating_add(1);
    }

    /// A function has finished.
    pub(super) fn ran(&mut self, duration: Duration) {
        self.functions.record(duration);
    }

    /// A delivery was acknowledged.
    pub(super) fn delivered(&mut self, duration: Duration) {
        self.deliveries.record(duration);
    }

    /// True if functions usually run for longer than a delivery takes; also as long as that is unknown.
    pub(super) fn covers_a_delivery(&self) -> bool {
        let (functions, deliveries) = (self.functions.usual(), self.deliveries.usual());
        functions
            .zip(deliveries)
            .is_none_or(|(function, delivery)| function.median >= delivery.long * 5 / 4)
    }

    /// True if a delivery may hold an invocation beyond the end of a short function.
    pub(super) fn may_hold(&self) -> bool {
        self.since_held >= HELD_ONE_IN
    }

    /// An invocation is held for a delivery, at least if its function is short.
    pub(super) fn hold(&mut self) {
        self.since_held = 0;
    }

    /// A freeze has lost a delivery: the next one may hold its invocation.
    pub(super) fn lost(&mut self) {
        self.since_held = HELD_ONE_IN;
    }

    /// True if this moment is before the last invocation.
    pub(super) fn is_before_the_invocation(&self, moment: Instant) -> bool {
        self.invoked.is_none_or(|invoked| moment <= invoked)
    }

    /// Returns the first moment from this one on at which a delivery that begins after `next` is expected to end before
    /// the function does.
    pub(super) fn safe_from(&self, moment: Instant) -> Instant {
        let (Some(invoked), Some(function), Some(delivery)) =
            (self.invoked, self.functions.usual(), self.deliveries.usual())
        else {
            return moment;
        };
        let closes = invoked + function.shortest.saturating_sub(delivery.long * 2);
        // An invocation that is far longer than the others.
        let overlong = (function.longest * 2).min(delivery.long * LONG_RUN);
        let opens = invoked + overlong.max(OVERLONG);
        if moment < closes { moment } else { moment.max(opens) }
    }

    /// Returns how long the answer to a request is awaited that a freeze may have caught. It is usually here at once, or its
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

    /// Deliveries take 10 ms, functions as long as these.
    fn after(functions: &[u64]) -> Freeze {
        let mut freeze = Freeze::new();
        freeze.delivered(ms(10));
        for function in functions {
            freeze.ran(ms(*function));
        }
        freeze
    }

    /// The moment from which a delivery is safe, in milliseconds since the invocation, of one that would begin at another.
    fn safe_from(mut freeze: Freeze, moment: u64) -> u128 {
        let invoked = Instant::now();
        freeze.invoked(invoked);
        freeze.safe_from(invoked + ms(moment)).duration_since(invoked).as_millis()
    }

    #[test]
    fn a_delivery_begins_while_the_shortest_function_would_run_on_for_two_of_them() {
        let freeze = after(&[90, 50, 70]);
        assert_eq!(safe_from(freeze, 0), 0);
        assert_eq!(safe_from(freeze, 29), 29);
        assert_eq!(safe_from(freeze, 30), 180, "twice the longest");
        assert_eq!(safe_from(freeze, 200), 200);
    }

    #[test]
    fn in_a_run_of_a_thousand_deliveries_one_may_begin_at_any_time() {
        let freeze = after(&[600_000, 1_000]);
        assert_eq!(safe_from(freeze, 979), 979);
        assert_eq!(safe_from(freeze, 980), 10_000);
        assert_eq!(safe_from(freeze, 10_001), 10_001);
    }

    #[test]
    fn before_anything_is_known_a_delivery_begins_at_once() {
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
    fn of_twenty_invocations_of_a_short_function_one_is_held() {
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
    fn an_answer_that_a_freeze_may_have_lost_is_awaited_for_one_delivery_at_most_50_ms() {
        assert_eq!(after(&[]).patience(), ms(10));
        let mut slow = Freeze::new();
        slow.delivered(ms(400));
        assert_eq!(slow.patience(), ms(50));
        assert_eq!(Freeze::new().patience(), ms(50));
    }
}
