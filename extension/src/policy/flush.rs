//! Decides when queued events are sent.
//!
//! Pure: counts and ages come in as values. How events are sent is decided elsewhere.

mod durations;
mod freeze;
mod invocation_rate;

use std::time::{Duration, Instant};

use extension_spec::{Config, Flush};

use crate::base::clock::Moment;
use crate::pack::Scope;
use crate::policy::lifecycle::Event;
use freeze::Freeze;
use invocation_rate::InvocationRate;

/// The flush settings, with the observed rate and duration of invocations.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    strategy: Flush,
    min_events: u64,
    max_age: Duration,
    rate: InvocationRate,
    freeze: Freeze,
}

/// The state of the queue, as far as the policy needs it.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// The number of queued events.
    pub events: u64,
    /// True if the events fill a record.
    pub has_full_record: bool,
    /// When the oldest event was queued.
    pub oldest: Option<Instant>,
    /// True if the events take so much memory that they should be sent soon.
    pub is_pressing: bool,
    /// True if Lambda will take a snapshot at an unknown time.
    pub is_snapshot_ahead: bool,
}

/// A delivery while the function is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextDelivery {
    /// The earliest time at which to send.
    pub at: Instant,
    /// The events to send.
    pub scope: Scope,
}

/// How long events wait for more while a snapshot is ahead. Each restored environment would send the events that the
/// snapshot contains.
const BEFORE_A_SNAPSHOT: Duration = Duration::from_millis(250);

impl Policy {
    /// Creates the policy of these settings.
    pub fn new(config: &Config) -> Self {
        Self {
            strategy: config.flush,
            min_events: config.max_batch_records_items.0,
            max_age: config.max_age.duration(),
            rate: InvocationRate::new(config.max_age.duration()),
            freeze: Freeze::new(),
        }
    }

    /// Forgets the observed rate and duration of invocations.
    pub fn restart(&mut self) {
        self.rate = InvocationRate::new(self.max_age);
        self.freeze = Freeze::new();
    }

    /// Records the start of an invocation.
    pub fn record(&mut self, now: Moment) {
        self.rate.record(now);
        self.freeze.invoked(now.monotonic);
    }

    /// Records how long a function ran.
    pub fn ran(&mut self, duration: Duration) {
        self.freeze.ran(duration);
    }

    /// Records how long a delivery took.
    pub fn delivered(&mut self, duration: Duration) {
        self.freeze.delivered(duration);
    }

    /// Returns the lifecycle event for an INVOKE.
    pub fn on_invoke(&mut self, backlog: &Backlog, now: Instant) -> Event {
        if self.holds_for_the_function() {
            return Event::InvokeHeld;
        }
        // Events that would be sent while the function runs are sent before `next` is called, where no freeze can catch
        // the delivery. The monotonic clock of a paused machine does not show how old they are.
        let least = if self.rate.was_long() { 1 } else { self.min_events };
        let is_enough = self.strategy == Flush::Start && backlog.events >= least;
        let is_wanted = is_enough || self.is_wanted(backlog, now);
        if is_wanted && (!self.is_short() || backlog.is_pressing || self.freeze.may_hold()) {
            self.freeze.hold();
            Event::InvokeSent
        } else {
            Event::InvokePassed
        }
    }

    /// True if an invocation is held open until its function has finished.
    pub fn holds_for_the_function(&self) -> bool {
        match self.strategy {
            Flush::End => true,
            Flush::Start => false,
            Flush::Adaptive => !self.rate.is_quick(),
        }
    }

    /// Returns the next delivery while the function is running, for every strategy: full records, and events that have
    /// reached their maximum age. With `can_freeze`, `next` has been called and the delivery must avoid the freeze.
    pub fn next_delivery(
        &self,
        backlog: &Backlog,
        now: Instant,
        can_freeze: bool,
    ) -> Option<NextDelivery> {
        let due = self.due(backlog);
        let is_old = due.is_some_and(|due| due <= now);
        let (at, scope) = if backlog.has_full_record && !is_old {
            (now, Scope::Full)
        } else {
            (due?.max(now), Scope::All)
        };
        // An old event that this invocation was not held for waits no longer: after `next` only a freeze would delay
        // it.
        let is_late =
            self.is_short() && due.is_some_and(|due| self.freeze.is_before_the_invocation(due));
        let is_safe = !can_freeze || backlog.is_pressing || is_late;
        Some(NextDelivery { at: if is_safe { at } else { self.freeze.safe_from(at) }, scope })
    }

    /// True if events should be sent now.
    pub fn is_wanted(&self, backlog: &Backlog, now: Instant) -> bool {
        self.next_delivery(backlog, now, false).is_some_and(|next| next.at <= now)
    }

    /// True if invocations are frequent and their functions usually end before a delivery would.
    fn is_short(&self) -> bool {
        self.rate.is_quick() && !self.freeze.covers_a_delivery()
    }

    /// Notes that a freeze broke a delivery. The next delivery may hold its invocation open.
    pub fn lost(&mut self) {
        self.freeze.lost();
    }

    /// Returns how long to wait for an answer that may be lost because of a freeze.
    pub fn patience(&self) -> Duration {
        self.freeze.patience()
    }

    /// Returns when the oldest event reaches its maximum age.
    fn due(&self, backlog: &Backlog) -> Option<Instant> {
        let age = if backlog.is_snapshot_ahead { BEFORE_A_SNAPSHOT } else { self.max_age };
        backlog.oldest.map(|oldest| oldest + age)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::base::clock::now;

    fn policy(variables: &[(&str, &str)]) -> Policy {
        let variables =
            variables.iter().map(|(name, value)| (format!("KINESIS_TELEMETRY_{name}"), value));
        Policy::new(&extension_spec::load(variables).config)
    }

    fn backlog(events: u64) -> Backlog {
        Backlog {
            events,
            has_full_record: false,
            oldest: None,
            is_pressing: false,
            is_snapshot_ahead: false,
        }
    }

    #[test]
    fn end_holds_every_invocation_until_its_function_finishes() {
        for events in [0, 9] {
            let event = policy(&[("FLUSH", "end")]).on_invoke(&backlog(events), Instant::now());
            assert_eq!(event, Event::InvokeHeld);
        }
    }

    #[test]
    fn start_sends_while_the_function_runs_if_enough_is_queued() {
        let mut policy = policy(&[("FLUSH", "start"), ("MAX_BATCH_RECORDS_ITEMS", "5")]);
        let now = Instant::now();
        assert_eq!(policy.on_invoke(&backlog(4), now), Event::InvokePassed);
        assert_eq!(policy.on_invoke(&backlog(5), now), Event::InvokeSent);
        let full = Backlog { has_full_record: true, ..backlog(1) };
        assert_eq!(policy.on_invoke(&full, now), Event::InvokeSent);
        let old = Backlog { oldest: Some(now), ..backlog(1) };
        assert_eq!(policy.on_invoke(&old, now + policy.max_age), Event::InvokeSent);
    }

    #[test]
    fn start_sends_even_few_events_after_a_long_pause() {
        let mut policy = policy(&[("FLUSH", "start"), ("MAX_AGE_MS", "1000")]);
        let start = now();
        policy.record(start);
        // On a paused machine the monotonic clock stands still.
        policy.record(Moment { wall: start.wall + Duration::from_secs(1), ..start });
        assert_eq!(policy.on_invoke(&backlog(1), start.monotonic), Event::InvokeSent);
        assert_eq!(policy.on_invoke(&backlog(0), start.monotonic), Event::InvokePassed);
        policy.record(Moment {
            monotonic: start.monotonic + Duration::from_millis(10),
            wall: start.wall + Duration::from_millis(1_010),
        });
        assert_eq!(policy.on_invoke(&backlog(1), start.monotonic), Event::InvokePassed);
    }

    #[test]
    fn adaptive_holds_rare_invocations_but_not_frequent_ones() {
        let mut policy = policy(&[("FLUSH", "adaptive"), ("MAX_AGE_MS", "1000")]);
        let start = now();
        let mut invoke = |backlog: &Backlog, ms| {
            let now = start + Duration::from_millis(ms);
            policy.record(now);
            policy.on_invoke(backlog, now.monotonic)
        };
        for record in 0..5 {
            assert_eq!(invoke(&backlog(99), record * 100), Event::InvokeHeld);
        }
        assert_eq!(invoke(&backlog(99), 500), Event::InvokePassed);
        let old = Backlog { oldest: Some(start.monotonic), ..backlog(1) };
        assert_eq!(invoke(&old, 999), Event::InvokePassed);
        assert_eq!(invoke(&old, 1_000), Event::InvokeSent);
        let full = Backlog { has_full_record: true, ..backlog(1) };
        assert_eq!(invoke(&full, 1_100), Event::InvokeSent);
        assert_eq!(invoke(&backlog(1), 2_200), Event::InvokeHeld, "after a pause");
    }

    #[test]
    fn a_running_function_does_not_delay_full_or_old_records() {
        let policy = policy(&[("MAX_AGE_MS", "100")]);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let next = |backlog: &Backlog, ms| {
            let next = policy.next_delivery(backlog, at(ms), false);
            next.map(|next| (next.at.duration_since(start).as_millis(), next.scope))
        };
        let young = Backlog { oldest: Some(start), ..backlog(1) };
        assert_eq!(next(&young, 99), Some((100, Scope::All)));
        assert_eq!(next(&young, 101), Some((101, Scope::All)));
        let before_a_snapshot = Backlog { is_snapshot_ahead: true, ..young };
        assert_eq!(next(&before_a_snapshot, 99), Some((250, Scope::All)));
        let full = Backlog { has_full_record: true, ..backlog(1) };
        assert_eq!(next(&full, 7), Some((7, Scope::Full)));
        assert_eq!(next(&backlog(0), 1_000), None);
    }

    /// Creates a policy with frequent invocations whose functions take `function` milliseconds, and with deliveries of
    /// 10 ms.
    fn quick(function: u64) -> (Policy, Moment) {
        let mut policy = policy(&[("MAX_AGE_MS", "1000")]);
        policy.delivered(Duration::from_millis(10));
        policy.ran(Duration::from_millis(function));
        let mut now = now();
        for _ in 0..6 {
            now = now + Duration::from_millis(30);
            policy.record(now);
        }
        (policy, now)
    }

    #[test]
    fn a_delivery_that_no_run_covers_waits_for_the_next_invocation() {
        let (mut policy, invoked) = quick(25);
        let full = Backlog { has_full_record: true, ..backlog(9) };
        let at = |ms| invoked.monotonic + Duration::from_millis(ms);
        let next = |ms| policy.next_delivery(&full, at(ms), true).unwrap().at;
        assert_eq!(next(4), at(4));
        assert_eq!(next(10), at(100));
        let pressing = Backlog { is_pressing: true, ..full };
        assert_eq!(policy.next_delivery(&pressing, at(10), true).unwrap().at, at(10));
        assert_eq!(policy.on_invoke(&full, at(30)), Event::InvokeSent);
    }

    #[test]
    fn short_functions_are_held_for_full_records_once_in_twenty() {
        let (mut policy, mut now) = quick(2);
        let full = Backlog { has_full_record: true, ..backlog(9) };
        let mut held = Vec::new();
        for number in 0..45 {
            now = now + Duration::from_millis(30);
            policy.record(now);
            if policy.on_invoke(&full, now.monotonic) == Event::InvokeSent {
                held.push(number);
            }
        }
        assert_eq!(held, [0, 20, 40]);
        let pressing = Backlog { is_pressing: true, ..full };
        assert_eq!(policy.on_invoke(&pressing, now.monotonic), Event::InvokeSent);
    }

    #[test]
    fn an_old_event_of_a_short_function_waits_one_more_invocation() {
        let (mut policy, first) = quick(2);
        let old = Backlog { oldest: Some(first.monotonic), ..backlog(1) };
        let invoke = |policy: &mut Policy, ms| {
            let now = first + Duration::from_millis(ms);
            policy.record(now);
            (policy.on_invoke(&old, now.monotonic), now.monotonic)
        };
        assert_eq!(invoke(&mut policy, 400).0, Event::InvokePassed);
        assert_eq!(invoke(&mut policy, 800).0, Event::InvokePassed);
        assert_eq!(invoke(&mut policy, 999).0, Event::InvokePassed);
        let in_the_middle = first.monotonic + Duration::from_secs(1);
        let next = policy.next_delivery(&old, in_the_middle, true).unwrap();
        assert!(next.at > in_the_middle, "it reached its age in this invocation");
        assert_eq!(invoke(&mut policy, 1_001).0, Event::InvokeSent, "held");
        let (event, now) = invoke(&mut policy, 1_400);
        assert_eq!(event, Event::InvokePassed);
        let next = policy.next_delivery(&old, now, true);
        assert_eq!(next, Some(NextDelivery { at: now, scope: Scope::All }), "after next");
    }
}
