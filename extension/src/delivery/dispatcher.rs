//! The telemetry dispatcher: delivers the queue to a service within a deadline.
//!
//! It retries only what failed, and follows the decision on each failure. It knows neither Lambda nor the SDK.

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

/// The result of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything in scope was delivered.
    Delivered,
    /// The time was over, and the rest is still queued. The problem states why it took so long, unless there was no
    /// time at all.
    OutOfTime(Option<Trouble>),
    /// A person must fix this problem before the service accepts anything; the rest is still queued.
    Blocked(Trouble),
}

/// The shortest time that is worth another request.
const LAST_CHANCE: Duration = Duration::from_millis(20);

/// A timeout that fires later than this has slept through a freeze. A response that has arrived is then read within the
/// same time.
const AFTER_A_FREEZE: Duration = Duration::from_millis(50);

/// The maximum number of problems that are reported before one is resolved. A service whose every error has its own code must fill
/// neither the log nor memory.
const MAX_TROUBLES: usize = 50;

/// The payload and the service of a delivery, for log messages.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The payload, and a verb.
    pub what_is: &'static str,
    /// The service that accepts it.
    pub service: &'static str,
}

impl Route {
    /// The route to the stream.
    pub const STREAM: Self = Self { what_is: "telemetry is", service: "kinesis" };
    /// The route to the dead-letter queue.
    pub const DEAD_LETTERS: Self = Self { what_is: "dead letters are", service: "sqs" };
}

/// Delivers the queue. One delivery runs at a time.
#[derive(Debug)]
pub struct Dispatcher<S> {
    sink: S,
    queue: Arc<Mutex<Queue>>,
    route: Route,
    /// The problems that were reported since the last success, so that each is reported once.
    trouble: Mutex<HashSet<String>>,
    /// The maximum number of records per request that the time allows. A size that failed is not tried again at once.
    pace: AtomicUsize,
}

/// The state of a delivery between its requests.
struct Tries {
    backoff: Backoff,
    max_records: usize,
    attempt_timeout: Duration,
    broken: u32,
    has_renewed: bool,
    /// True if a request was signed again after the last acknowledgement.
    has_signed_again: bool,
    /// The number of records that were rejected alone since the last one was accepted.
    set_aside: usize,
    /// True if a record was accepted since the last one was discarded. A rejection then concerns the record, not a
    /// setting.
    has_taken: bool,
}

/// The next step after a request.
enum Next {
    /// Continue at once. The problem states why a record was rejected, if one was.
    Again(Option<Trouble>),
    Wait(Trouble),
    Block(Trouble),
}

impl<S: Sink> Dispatcher<S> {
    /// Creates a dispatcher from the queue to this sink.
    pub fn new(route: Route, sink: S, queue: Arc<Mutex<Queue>>) -> Self {
        Self { sink, queue, route, trouble: Mutex::default(), pace: AtomicUsize::new(usize::MAX) }
    }

    /// Sends the queued events in scope until all are delivered or the time is over. It may be cancelled at any point,
    /// because records stay in the queue until they are acknowledged.
    ///
    /// The first request has at most `first` records. After its acknowledgement requests are as large as possible.
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
                        return Outcome::OutOfTime(Some(Trouble::new("not enough memory to send")));
                    }
                    self.recovered();
                    return Outcome::Delivered;
                };
                // All queued records were rejected, and wait until they are due again.
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
                    // The request may be too large for the available time: a small function has little CPU for sending.
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
                    log::debug(&format!("retrying: {trouble}"));
                    why = Some(trouble);
                    // The wait always leaves time for another request.
                    let wait = tries.backoff.wait().min(remaining / 2);
                    sleep_until(Instant::now() + wait).await;
                }
            }
        }
    }

    /// Sends a request, and waits for the response until the given time.
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

    /// Drops every connection, because the environment may have been frozen.
    pub fn reset(&self) {
        self.sink.reset();
    }

    /// Prepares for a life as a copy of another process: new connections, new credentials, nothing reported.
    pub fn restart(&self) {
        self.sink.restart();
        self.trouble().clear();
        self.pace.store(usize::MAX, Ordering::Relaxed);
    }

    /// Reports why a delivery was incomplete, once for each problem.
    pub fn report(&self, outcome: &Outcome) {
        let (Outcome::OutOfTime(Some(why)) | Outcome::Blocked(why)) = outcome else { return };
        let is_new = {
            let mut reported = self.trouble();
            reported.len() < MAX_TROUBLES && reported.insert(why.kind.clone())
        };
        if is_new {
            let waiting = self.queue().held();
            let what_is = self.route.what_is;
            log::error(&format!("{what_is} not delivered: {why}; {waiting} events wait"));
        }
    }

    /// Removes acknowledged records. Rejected records wait without delaying others. Returns why the first one was
    /// rejected.
    fn settle(
        &self,
        request: &Request,
        destination: Destination,
        mut answers: Vec<Answer>,
        tries: &mut Tries,
    ) -> Option<Trouble> {
        // A broken service may answer fewer records than were sent. The others are sent again.
        let unanswered = || Err(Refusal::for_now(Trouble::new("no answer for a record")));
        answers.resize_with(request.records.len(), unanswered);
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        let now = Instant::now();
        let again = now + if taken < answers.len() { tries.backoff.wait() } else { Duration::ZERO };
        self.queue().settle(request, destination, &answers, again.into_std(), now.into_std());
        log::debug(&format!("{} took {taken} of {} records", self.route.service, answers.len()));
        if taken > 0 {
            (tries.has_taken, tries.set_aside) = (true, 0);
            // The clock is correct, so an outdated signature after this means another freeze.
            tries.has_signed_again = false;
        }
        let refused = answers.into_iter().find_map(Result::err);
        if refused.is_none() {
            tries.backoff.reset();
            let pace = self.pace.load(Ordering::Relaxed);
            // The time sufficed for these records, so next time twice as many are tried.
            let grown = if request.records.len() >= pace { pace.saturating_mul(2) } else { pace };
            self.pace.store(grown, Ordering::Relaxed);
            tries.max_records = grown;
        }
        refused.map(|refusal| refusal.trouble)
    }

    /// Metrics count only the stream.
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
            // Every request gets a new signature when it is sent.
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
            // The stream may have a lower limit than `MAX_RECORD_BYTES`, or one event is the cause.
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
            // Other records are sent first, to distinguish an invalid record from an invalid setting.
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
        // Even after a panic under the lock the queued events must be delivered.
        lock(&self.queue)
    }
}

/// True if a record is larger than a stream's default limit.
fn is_large(request: &Request) -> bool {
    request.records.iter().any(|record| record.size() as u64 > limits::RECORD_BYTES)
}

#[cfg(test)]
mod tests;
