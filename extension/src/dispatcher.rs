//! The telemetry dispatcher: from the queue to Kinesis, within a deadline.
//!
//! Sends again only what failed. Knows the decisions that an answer calls for, and neither Lambda nor the SDK.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::backoff::Backoff;
use crate::deadline;
use crate::log;
use crate::pack::{Record, Scope};
use crate::queue::Queue;

/// Where records go.
pub trait Sink: Send + Sync + 'static {
    /// Sends the records in one request. `Ok` tells of each record, in their order, whether it was taken or why not.
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send;

    /// Uses no old connection for what comes next.
    fn reset(&self);
}

/// What became of one record.
pub type Answer = Result<(), String>;

/// Why a whole request failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do.
    pub decision: Decision,
    /// What happened, for people.
    pub message: String,
}

/// What a failure calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The connection broke: try again on a new one, at first without waiting.
    Reconnect,
    /// The service is busy or broken: wait, then try again.
    BackOff,
    /// The request is too large or holds a record that is refused: try with fewer records.
    Shrink,
    /// Nothing that we do helps; a person must change something. Say it once, keep the events, try at the next flush.
    Configuration,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing in its scope waits any more.
    Delivered,
    /// The time was over; the rest still waits. Why it took so long, unless there was no time at all.
    OutOfTime(Option<String>),
    /// Kinesis takes nothing until a person changes something, and what that is; the rest still waits.
    Blocked(String),
}

/// A wait that would leave less than this is not worth another request.
const LAST_CHANCE: Duration = Duration::from_millis(20);

/// Delivers the queue. One delivery runs at a time.
#[derive(Debug)]
pub struct Dispatcher<S> {
    sink: S,
    queue: Arc<Mutex<Queue>>,
    /// What was said of the trouble that is going on, so that each thing is said once.
    trouble: Mutex<HashSet<String>>,
}

/// What a delivery has learnt so far.
struct Tries {
    backoff: Backoff,
    max_records: usize,
    attempt_timeout: Duration,
    broken: u32,
    /// Records that were refused alone since one was last taken.
    set_aside: usize,
    /// Whether a record was taken since one was last given up: then it is the record that is at fault, not the setting.
    has_taken: bool,
}

/// What comes after a request.
enum Next {
    Again,
    Wait(String),
    Block(String),
}

impl<S: Sink> Dispatcher<S> {
    /// Sends what the queue holds to the sink.
    pub fn new(sink: S, queue: Arc<Mutex<Queue>>) -> Self {
        Self { sink, queue, trouble: Mutex::default() }
    }

    /// Sends what waits, in scope, until it is delivered or the time is over. May be cancelled at any point: a record
    /// stays in the queue until it is acknowledged.
    /// The first request has at most `first` records; when it is acknowledged the others have as many as fit.
    pub async fn deliver(&self, scope: Scope, first: usize, until: Instant) -> Outcome {
        let mut tries = Tries {
            backoff: Backoff::default(),
            max_records: first,
            attempt_timeout: deadline::attempt(until.saturating_duration_since(Instant::now())),
            broken: 0,
            set_aside: 0,
            has_taken: false,
        };
        let mut why = None;
        loop {
            let records = self.queue().request(scope, tries.max_records);
            if records.is_empty() {
                self.recovered();
                return Outcome::Delivered;
            }
            let now = Instant::now();
            if now >= until {
                return Outcome::OutOfTime(why);
            }
            let attempt = until.min(now + tries.attempt_timeout);
            let next = match timeout_at(attempt, self.sink.put(&records)).await {
                Ok(Ok(answers)) => self.settle(&records, answers, &mut tries),
                Ok(Err(failure)) => self.fail(&records, failure, &mut tries),
                Err(_) => {
                    self.sink.reset();
                    // Too much for the time there is, perhaps: a small function has little CPU to send with.
                    tries.max_records = (records.len() / 2).max(1);
                    Next::Wait("kinesis did not answer in time".to_owned())
                }
            };
            match next {
                Next::Again => {}
                Next::Block(why) => return Outcome::Blocked(why),
                Next::Wait(message) => {
                    let remaining = until.saturating_duration_since(Instant::now());
                    if remaining < LAST_CHANCE {
                        return Outcome::OutOfTime(Some(message));
                    }
                    log::debug(&format!("will send again: {message}"));
                    why = Some(message);
                    // However long the wait would be, it leaves time for another request.
                    let wait = tries.backoff.wait().min(remaining / 2);
                    sleep_until(Instant::now() + wait).await;
                }
            }
        }
    }

    /// Drops every connection: the environment may have been frozen.
    pub fn reset(&self) {
        self.sink.reset();
    }

    /// Says why a delivery was not complete, once for as long as the trouble lasts.
    pub fn say(&self, outcome: &Outcome) {
        let (Outcome::OutOfTime(Some(why)) | Outcome::Blocked(why)) = outcome else { return };
        // What comes after the code may differ from time to time.
        let code = why.split(": ").next().unwrap_or_default();
        if self.trouble().insert(code.to_owned()) {
            let waiting = self.queue().len();
            log::error(&format!("telemetry is not delivered: {why}; {waiting} events wait"));
        }
    }

    /// Takes out what was acknowledged. If anything was not, tells why the first was not.
    fn settle(&self, records: &[Record], answers: Vec<Answer>, tries: &mut Tries) -> Next {
        let acknowledged: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        self.queue().settle(&acknowledged);
        let taken = acknowledged.iter().filter(|it| **it).count();
        log::debug(&format!("kinesis took {taken} of {} records", records.len()));
        if taken > 0 {
            tries.backoff.reset();
            (tries.has_taken, tries.set_aside) = (true, 0);
        }
        // Fewer answers than records would be a broken service; what has no answer is sent again.
        let unanswered =
            (answers.len() < records.len()).then(|| "no answer for a record".to_owned());
        if let Some(refused) = answers.into_iter().find_map(Result::err).or(unanswered) {
            return Next::Wait(refused);
        }
        tries.max_records = usize::MAX;
        Next::Again
    }

    fn fail(&self, records: &[Record], failure: Failure, tries: &mut Tries) -> Next {
        let Failure { decision, message } = failure;
        match decision {
            Decision::BackOff => Next::Wait(message),
            Decision::Configuration => Next::Block(message),
            Decision::Reconnect => {
                self.sink.reset();
                tries.broken += 1;
                if tries.broken == 1 { Next::Again } else { Next::Wait(message) }
            }
            Decision::Shrink if records.len() > 1 => {
                tries.max_records = records.len() / 2;
                Next::Again
            }
            Decision::Shrink if tries.has_taken => {
                tries.has_taken = false;
                let events = self.queue().give_up_first();
                log::error(&format!("gave up a record with {events} events: {message}"));
                Next::Again
            }
            // Others go first, to tell a bad record from a bad setting.
            Decision::Shrink => {
                tries.set_aside += 1;
                if tries.set_aside > self.queue().set_first_aside() {
                    return Next::Block(message);
                }
                Next::Again
            }
        }
    }

    fn recovered(&self) {
        if !std::mem::take(&mut *self.trouble()).is_empty() {
            log::warn("telemetry is delivered again");
        }
    }

    fn trouble(&self) -> MutexGuard<'_, HashSet<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whatever panicked while it held the lock, the events in the queue are still to be delivered.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
