//! The telemetry dispatcher: from the queue to Kinesis, within a deadline.
//!
//! Sends again only what failed. Does what an answer calls for, and knows neither Lambda nor the SDK.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use extension_spec::limits;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::base::failpoint;
use crate::base::log;
use crate::base::sync::lock;
use crate::buffer::queue::{Destination, Queue, Request};
use crate::pack::Scope;
use crate::pack::sink::{Answer, Decision, Failure, Refusal, Sink, Trouble};
use crate::policy::backoff::Backoff;
use crate::policy::deadline;

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing in its scope waits any more.
    Delivered,
    /// The time was over; the rest still waits. Why it took so long, unless there was no time at all.
    OutOfTime(Option<Trouble>),
    /// Kinesis takes nothing until a person changes something, and what that is; the rest still waits.
    Blocked(Trouble),
}

/// A wait that would leave less than this is not worth another request.
const LAST_CHANCE: Duration = Duration::from_millis(20);

/// A timeout that is later than this has slept through a freeze. Then an answer that has come is read within the same time.
const AFTER_A_FREEZE: Duration = Duration::from_millis(50);

/// Most troubles that are said before one passes. A service whose every error has a code of its own fills neither log nor memory.
const MAX_TROUBLES: usize = 50;

/// What goes where, in words for people.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What is sent, and a verb.
    pub what_is: &'static str,
    /// The service that takes it.
    pub service: &'static str,
}

impl Route {
    /// To the stream.
    pub const STREAM: Self = Self { what_is: "telemetry is", service: "kinesis" };
    /// To the dead-letter queue.
    pub const DEAD_LETTERS: Self = Self { what_is: "dead letters are", service: "sqs" };
}

/// Delivers the queue. One delivery runs at a time.
#[derive(Debug)]
pub struct Dispatcher<S> {
    sink: S,
    queue: Arc<Mutex<Queue>>,
    route: Route,
    /// What was said of the trouble that is going on, so that each thing is said once.
    trouble: Mutex<HashSet<String>>,
    /// Most records of a request that the time allows: what was too much once is not tried again at once.
    pace: AtomicUsize,
}

/// What a delivery has learnt so far.
struct Tries {
    backoff: Backoff,
    max_records: usize,
    attempt_timeout: Duration,
    broken: u32,
    has_renewed: bool,
    /// True if a request was signed again since one was last acknowledged.
    has_signed_again: bool,
    /// Records that were refused alone since one was last taken.
    set_aside: usize,
    /// Whether a record was taken since one was last given up: then it is the record that is at fault, not the setting.
    has_taken: bool,
}

/// What comes after a request.
enum Next {
    /// At once. Why something was not taken, if anything was not.
    Again(Option<Trouble>),
    Wait(Trouble),
    Block(Trouble),
}

impl<S: Sink> Dispatcher<S> {
    /// Sends what the queue holds to the sink.
    pub fn new(route: Route, sink: S, queue: Arc<Mutex<Queue>>) -> Self {
        Self { sink, queue, route, trouble: Mutex::default(), pace: AtomicUsize::new(usize::MAX) }
    }

    /// Sends what waits, in scope, until it is delivered or the time is over. May be cancelled at any point: a record
    /// stays in the queue until it is acknowledged.
    /// The first request has at most `first` records; when it is acknowledged the others have as many as fit.
    pub async fn deliver(
        &self,
        destination: Destination,
        scope: Scope,
        first: usize,
        until: Instant,
    ) -> Outcome {
        failpoint::panic_in("dispatcher");
        let mut tries = Tries {
            backoff: Backoff::default(),
            max_records: first.min(self.pace.load(Ordering::Relaxed)),
            attempt_timeout: deadline::attempt(until.saturating_duration_since(Instant::now())),
            broken: 0,
            has_renewed: false,
            has_signed_again: false,
            set_aside: 0,
            has_taken: false,
        };
        let mut why = None;
        loop {
            let now = Instant::now();
            let at_most = tries.max_records.min(self.sink.max_records());
            let request = self.queue().request(destination, scope, at_most, now.into_std());
            if request.records.is_empty() {
                let Some(due) = request.until else {
                    if scope == Scope::All && self.queue().has_any_for(destination) {
                        return Outcome::OutOfTime(Some(Trouble::new(
                            "there is no memory to send with",
                        )));
                    }
                    self.recovered();
                    return Outcome::Delivered;
                };
                // All that waits was refused, and goes out again when it is due.
                let remaining = until.saturating_duration_since(now);
                if remaining < LAST_CHANCE {
                    return Outcome::OutOfTime(why);
                }
                sleep_until(Instant::from_std(due).min(now + remaining / 2)).await;
                if Instant::now() < Instant::from_std(due) {
                    self.queue().forget_refusals();
                }
                continue;
            }
            if now >= until {
                return Outcome::OutOfTime(why);
            }
            let attempt = until.min(now + tries.attempt_timeout);
            let next = match self.put(&request, attempt).await {
                Ok(Ok(answers)) => {
                    Next::Again(self.settle(&request, destination, answers, &mut tries))
                }
                Ok(Err(failure)) => self.fail(&request, destination, failure, &mut tries),
                Err(_) => {
                    self.sink.reset();
                    self.count_failure(destination);
                    // Too much for the time there is, perhaps: a small function has little CPU to send with.
                    tries.max_records = (request.records.len() / 2).max(1);
                    self.pace.store(tries.max_records, Ordering::Relaxed);
                    Next::Wait(Trouble::new(format!(
                        "{} did not answer in time",
                        self.route.service
                    )))
                }
            };
            match next {
                Next::Again(trouble) => why = trouble.or(why),
                Next::Block(why) => return Outcome::Blocked(why),
                Next::Wait(trouble) => {
                    let remaining = until.saturating_duration_since(Instant::now());
                    if remaining < LAST_CHANCE {
                        return Outcome::OutOfTime(Some(trouble));
                    }
                    log::debug(&format!("will send again: {trouble}"));
                    why = Some(trouble);
                    // However long the wait would be, it leaves time for another request.
                    let wait = tries.backoff.wait().min(remaining / 2);
                    sleep_until(Instant::now() + wait).await;
                }
            }
        }
    }

    /// Sends a request, and waits for the answer until then.
    async fn put(
        &self,
        request: &Request,
        until: Instant,
    ) -> Result<Result<Vec<Answer>, Failure>, Elapsed> {
        let mut put = pin!(self.sink.put(&request.records));
        let answer = timeout_at(until, &mut put).await;
        if answer.is_err() && until.elapsed() > AFTER_A_FREEZE {
            return timeout(AFTER_A_FREEZE, put).await;
        }
        answer
    }

    /// Drops every connection: the environment may have been frozen.
    pub fn reset(&self) {
        self.sink.reset();
    }

    /// This process is a copy of another one now: connects, and asks for credentials, anew.
    pub fn restart(&self) {
        self.sink.restart();
        self.trouble().clear();
        self.pace.store(usize::MAX, Ordering::Relaxed);
    }

    /// Says why a delivery was not complete, once for as long as the trouble lasts.
    pub fn say(&self, outcome: &Outcome) {
        let (Outcome::OutOfTime(Some(why)) | Outcome::Blocked(why)) = outcome else { return };
        let is_new = {
            let mut said = self.trouble();
            said.len() < MAX_TROUBLES && said.insert(why.kind.clone())
        };
        if is_new {
            let waiting = self.queue().held();
            let what_is = self.route.what_is;
            log::error(&format!("{what_is} not delivered: {why}; {waiting} events wait"));
        }
    }

    /// Takes out what was acknowledged. Records that were refused wait, and hold up no others. Tells why the first was.
    fn settle(
        &self,
        request: &Request,
        destination: Destination,
        mut answers: Vec<Answer>,
        tries: &mut Tries,
    ) -> Option<Trouble> {
        // Fewer answers than records would be a broken service; what has no answer is sent again.
        let unanswered = || Err(Refusal::for_now(Trouble::new("no answer for a record")));
        answers.resize_with(request.records.len(), unanswered);
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        let now = Instant::now();
        let again = now + if taken < answers.len() { tries.backoff.wait() } else { Duration::ZERO };
        self.queue().settle(request, destination, &answers, again.into_std(), now.into_std());
        log::debug(&format!("{} took {taken} of {} records", self.route.service, answers.len()));
        if taken > 0 {
            (tries.has_taken, tries.set_aside) = (true, 0);
            // The clock is right: an outdated signature after this is another freeze.
            tries.has_signed_again = false;
        }
        let refused = answers.into_iter().find_map(Result::err);
        if refused.is_none() {
            tries.backoff.reset();
            let pace = self.pace.load(Ordering::Relaxed);
            // As many as there was time for: next time there may be time for twice as many.
            let grown = if request.records.len() >= pace { pace.saturating_mul(2) } else { pace };
            self.pace.store(grown, Ordering::Relaxed);
            tries.max_records = grown;
        }
        refused.map(|refusal| refusal.trouble)
    }

    /// Metrics are of the stream.
    fn count_failure(&self, destination: Destination) {
        if destination == Destination::Stream {
            self.queue().stats.failed_calls += 1;
        }
    }

    fn fail(
        &self,
        request: &Request,
        destination: Destination,
        failure: Failure,
        tries: &mut Tries,
    ) -> Next {
        let Failure { decision, trouble } = failure;
        self.count_failure(destination);
        match decision {
            Decision::BackOff => Next::Wait(trouble),
            Decision::Renew if !tries.has_renewed && self.sink.renew() => {
                tries.has_renewed = true;
                Next::Again(Some(trouble))
            }
            // Every request is signed when it is sent.
            Decision::Sign if !tries.has_signed_again => {
                tries.has_signed_again = true;
                Next::Again(Some(trouble))
            }
            Decision::Configuration | Decision::Renew | Decision::Sign => Next::Block(trouble),
            Decision::Reconnect => {
                self.sink.reset();
                tries.broken += 1;
                if tries.broken == 1 { Next::Again(Some(trouble)) } else { Next::Wait(trouble) }
            }
            Decision::Shrink if request.records.len() > 1 => {
                tries.max_records = request.records.len() / 2;
                Next::Again(Some(trouble))
            }
            // A stream may take less than `MAX_RECORD_BYTES`; or one event is what is refused.
            Decision::Shrink
                if (tries.has_taken || is_large(request)) && self.queue().halve(request) =>
            {
                Next::Again(Some(trouble))
            }
            Decision::Shrink if tries.has_taken => {
                tries.has_taken = false;
                let events = self.queue().give_up(request);
                log::error(&format!(
                    "a record with {events} events is refused for good: {trouble}"
                ));
                Next::Again(Some(trouble))
            }
            // Others go first, to tell a bad record from a bad setting.
            Decision::Shrink => {
                tries.set_aside += 1;
                if tries.set_aside > self.queue().set_aside(request) {
                    return Next::Block(trouble);
                }
                Next::Again(Some(trouble))
            }
        }
    }

    fn recovered(&self) {
        if !std::mem::take(&mut *self.trouble()).is_empty() {
            log::warn(&format!("{} delivered again", self.route.what_is));
        }
    }

    fn trouble(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.trouble)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whatever panicked while it held the lock, the events in the queue are still to be delivered.
        lock(&self.queue)
    }
}

/// Whether a record is larger than a stream takes that nobody has changed.
fn is_large(request: &Request) -> bool {
    request.records.iter().any(|record| record.size() as u64 > limits::RECORD_BYTES)
}

#[cfg(test)]
mod tests;
