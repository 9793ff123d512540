//! What delivers records, as those see it who send them: answers, and what these call for.
//!
//! Pure: only the words of a conversation. Knows neither the SDK nor time.

use std::future::Future;

use crate::base::lazy::Lazy;
use crate::pack::Record;

/// Where records go.
pub trait Sink: Send + Sync + 'static {
    /// Sends the records in one request. `Ok` tells of each record, in their order, whether it was taken or why not.
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send;

    /// Uses no old connection for what comes next.
    fn reset(&self);

    /// Most records of one request; a request may be bounded by less.
    fn max_records(&self) -> usize {
        usize::MAX
    }

    /// This process is a copy of another one now: connections, and what was agreed on with servers, are the other's, and
    /// credentials are asked for again.
    fn restart(&self) {
        self.reset();
        self.renew();
    }

    /// Asks for new credentials before what comes next. Returns whether there can be any.
    fn renew(&self) -> bool {
        false
    }
}

/// What became of one record.
pub type Answer = Result<(), Refusal>;

/// Why one record of a request was not taken. Each such reason can pass by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened, for people.
    pub message: String,
    /// Whether the shard of its key takes no more at present.
    pub is_throttled: bool,
    /// Whether it will never be taken, whatever is tried.
    pub is_final: bool,
}

impl Refusal {
    /// One that may well be none another time.
    pub fn for_now(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_throttled: false, is_final: false }
    }
}

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
    /// The credentials have expired: ask for new ones, once.
    Renew,
    /// The request is too large or holds a record that is refused: try with fewer records.
    Shrink,
    /// Nothing that we do helps; a person must change something. Say it once, keep the events, try at the next flush.
    Configuration,
}

impl<S: Sink> Sink for Lazy<S> {
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send {
        self.get().put(records)
    }

    fn reset(&self) {
        // One that was never built has no connections.
        if let Some(sink) = self.built() {
            sink.reset();
        }
    }

    fn max_records(&self) -> usize {
        self.get().max_records()
    }

    fn restart(&self) {
        if let Some(sink) = self.built() {
            sink.restart();
        }
    }

    fn renew(&self) -> bool {
        self.get().renew()
    }
}
