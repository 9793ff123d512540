//! The telemetry dispatcher: from the queue to Kinesis, within a deadline.
//!
//! Sends again only what failed. Knows the decisions that an answer calls for, and neither Lambda nor the SDK.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing in its scope waits any more.
    Delivered,
    /// The time was over; the rest still waits.
    OutOfTime,
    /// Kinesis takes nothing until a person changes something; the rest still waits.
    Blocked,
}

/// Delivers the queue. One delivery runs at a time.
#[derive(Debug)]
pub struct Dispatcher<S> {
    sink: S,
    queue: Arc<Mutex<Queue>>,
    /// What was said of the trouble that is going on, so that each thing is said once.
    trouble: Mutex<HashSet<String>>,
}

impl<S: Sink> Dispatcher<S> {
    /// Sends what the queue holds to the sink.
    pub fn new(sink: S, queue: Arc<Mutex<Queue>>) -> Self {
        Self { sink, queue, trouble: Mutex::default() }
    }

    /// Sends what waits, in scope, until it is delivered or the time is over. May be cancelled at any point: a record
    /// stays in the queue until it is acknowledged.
    pub async fn deliver(&self, scope: Scope, until: Instant) -> Outcome {
        let attempt_timeout = deadline::attempt(until.saturating_duration_since(Instant::now()));
        let mut backoff = Backoff::default();
        let mut max_records = usize::MAX;
        let mut broken = 0;
        let mut set_aside = 0;
        loop {
            let records = self.queue().request(scope, max_records);
            if records.is_empty() {
                self.recovered();
                return Outcome::Delivered;
            }
            let attempt = until.min(Instant::now() + attempt_timeout);
            let message = match timeout_at(attempt, self.sink.put(&records)).await {
                Ok(Ok(answers)) => match self.settle(&records, answers) {
                    None => {
                        backoff.reset();
                        max_records = usize::MAX;
                        continue;
                    }
                    Some(refused) => refused,
                },
                Ok(Err(Failure { decision, message })) => match decision {
                    Decision::Reconnect => {
                        self.sink.reset();
                        broken += 1;
                        if broken == 1 && Instant::now() < until {
                            continue;
                        }
                        message
                    }
                    Decision::BackOff => message,
                    Decision::Shrink if records.len() > 1 => {
                        max_records = records.len() / 2;
                        continue;
                    }
                    // Where nothing was ever taken, the setting is the likelier culprit than the record: others go first.
                    Decision::Shrink if self.queue().ledger.delivered == 0 => {
                        set_aside += 1;
                        if set_aside > self.queue().set_first_aside() {
                            self.in_trouble(&message);
                            return Outcome::Blocked;
                        }
                        continue;
                    }
                    Decision::Shrink => {
                        let events = self.queue().give_up_first();
                        log::error(&format!("gave up a record with {events} events: {message}"));
                        continue;
                    }
                    Decision::Configuration => {
                        self.in_trouble(&message);
                        return Outcome::Blocked;
                    }
                },
                Err(_) => {
                    self.sink.reset();
                    // Too much for the time there is, perhaps: a small function has little CPU to send with.
                    max_records = (records.len() / 2).max(1);
                    "kinesis did not answer in time".to_owned()
                }
            };
            let next = Instant::now() + backoff.wait();
            if next >= until {
                self.in_trouble(&message);
                return Outcome::OutOfTime;
            }
            log::debug(&format!("will send again: {message}"));
            sleep_until(next).await;
        }
    }

    /// Drops every connection: the environment may have been frozen.
    pub fn reset(&self) {
        self.sink.reset();
    }

    /// Takes out what was acknowledged; tells why the first of the others was not.
    fn settle(&self, records: &[Record], answers: Vec<Answer>) -> Option<String> {
        let acknowledged: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        self.queue().settle(&acknowledged);
        let taken = acknowledged.iter().filter(|it| **it).count();
        log::debug(&format!("kinesis took {taken} of {} records", records.len()));
        // Fewer answers than records would be a broken service; what has no answer is sent again.
        let unanswered =
            (answers.len() < records.len()).then(|| "no answer for a record".to_owned());
        answers.into_iter().find_map(Result::err).or(unanswered)
    }

    fn in_trouble(&self, message: &str) {
        if self.trouble().insert(message.to_owned()) {
            let waiting = self.queue().len();
            log::error(&format!("telemetry is not delivered: {message}; {waiting} events wait"));
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
