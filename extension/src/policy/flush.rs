//! When waiting events are sent: the policy, and nothing of how.
//!
//! Pure: counts and ages come in as values.

mod invocation_rate;

use std::time::{Duration, Instant};

use extension_spec::{Config, Flush};

use crate::base::clock::Moment;
use crate::pack::Scope;
use crate::policy::lifecycle::Event;
use invocation_rate::InvocationRate;

/// The settings that decide, and how often invocations come.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    strategy: Flush,
    min_events: u64,
    max_age: Duration,
    rate: InvocationRate,
}

/// What waits, as far as the policy must know it.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Events.
    pub events: u64,
    /// Whether they fill a record.
    pub has_full_record: bool,
    /// When the oldest of them reached us.
    pub oldest: Option<Instant>,
    /// Whether a snapshot will be taken, of which nobody tells when.
    pub is_snapshot_ahead: bool,
}

/// How long events wait for company while a snapshot is ahead: each of many environments would send what is in it.
const BEFORE_A_SNAPSHOT: Duration = Duration::from_millis(250);

impl Policy {
    /// From the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            strategy: config.flush,
            min_events: config.max_batch_records_items.0,
            max_age: config.max_age.duration(),
            rate: InvocationRate::new(config.max_age.duration()),
        }
    }

    /// Nothing is known of how often invocations come.
    pub fn restart(&mut self) {
        self.rate = InvocationRate::new(self.max_age);
    }

    /// An invocation begins.
    pub fn record(&mut self, now: Moment) {
        self.rate.record(now);
    }

    /// What an INVOKE means to the lifecycle.
    pub fn on_invoke(&self, backlog: &Backlog, now: Instant) -> Event {
        if self.holds_for_the_function() {
            return Event::InvokeHeld;
        }
        // What would be sent beside the function anyway is sent before `next` is called, where no freeze can catch it.
        // A paused machine's monotonic clock knows nothing of how old they have grown.
        let least = if self.rate.was_long() { 1 } else { self.min_events };
        let is_enough = self.strategy == Flush::Start && backlog.events >= least;
        if is_enough || self.while_running(backlog, now).is_some() {
            Event::InvokeSent
        } else {
            Event::InvokePassed
        }
    }

    /// Whether an invocation is held until its function has finished.
    pub fn holds_for_the_function(&self) -> bool {
        match self.strategy {
            Flush::End => true,
            Flush::Start => false,
            Flush::Adaptive => !self.rate.is_quick(),
        }
    }

    /// What to send while the function is running, in every strategy: what fills a record, and what has reached its age.
    pub fn while_running(&self, backlog: &Backlog, now: Instant) -> Option<Scope> {
        if self.due(backlog).is_some_and(|due| due <= now) {
            Some(Scope::All)
        } else if backlog.has_full_record {
            Some(Scope::Full)
        } else {
            None
        }
    }

    /// When the oldest event will have reached its age.
    pub fn due(&self, backlog: &Backlog) -> Option<Instant> {
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
        Backlog { events, has_full_record: false, oldest: None, is_snapshot_ahead: false }
    }

    #[test]
    fn end_holds_every_invocation_until_the_function_has_finished() {
        for events in [0, 9] {
            let event = policy(&[("FLUSH", "end")]).on_invoke(&backlog(events), Instant::now());
            assert_eq!(event, Event::InvokeHeld);
        }
    }

    #[test]
    fn start_sends_beside_the_function_what_is_worth_a_call() {
        let policy = policy(&[("FLUSH", "start"), ("MAX_BATCH_RECORDS_ITEMS", "5")]);
        let now = Instant::now();
        assert_eq!(policy.on_invoke(&backlog(4), now), Event::InvokePassed);
        assert_eq!(policy.on_invoke(&backlog(5), now), Event::InvokeSent);
        let full = Backlog { has_full_record: true, ..backlog(1) };
        assert_eq!(policy.on_invoke(&full, now), Event::InvokeSent);
        let old = Backlog { oldest: Some(now), ..backlog(1) };
        assert_eq!(policy.on_invoke(&old, now + policy.max_age), Event::InvokeSent);
    }

    #[test]
    fn after_a_pause_in_which_events_grow_old_start_sends_however_few_there_are() {
        let mut policy = policy(&[("FLUSH", "start"), ("MAX_AGE_MS", "1000")]);
        let start = now();
        policy.record(start);
        // A paused machine: the monotonic clock stood still.
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
    fn adaptive_holds_rare_invocations_and_sends_for_often_ones_only_what_is_full_or_old() {
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
    fn a_running_function_does_not_keep_full_records_or_old_events_waiting() {
        let policy = policy(&[("MAX_AGE_MS", "100")]);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let young = Backlog { oldest: Some(start), ..backlog(1) };
        assert_eq!(policy.while_running(&young, at(99)), None);
        assert_eq!(policy.while_running(&young, at(100)), Some(Scope::All));
        assert_eq!(policy.due(&young), Some(at(100)));
        let before_a_snapshot = Backlog { is_snapshot_ahead: true, ..young };
        assert_eq!(policy.due(&before_a_snapshot), Some(at(250)));
        let full = Backlog { has_full_record: true, ..young };
        assert_eq!(policy.while_running(&full, at(0)), Some(Scope::Full));
        assert_eq!(policy.while_running(&backlog(0), at(1_000)), None);
    }
}
