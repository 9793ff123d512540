//! The interface between the dispatcher and a delivery backend: answers, and what failures call for.
//!
//! Pure: it knows neither an SDK nor time.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use crate::pack::Record;

/// A destination of records.
pub trait Sink: Send + Sync + 'static {
    /// Sends the records in one request. `Ok` has one answer per record, in order.
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send;

    /// Closes the connections, so that the next request opens a new one.
    fn reset(&self);

    /// Returns the maximum number of records in one request. Other limits may be lower.
    fn max_records(&self) -> usize {
        usize::MAX
    }

    /// Prepares for a life as a copy of another process. The connections, negotiated state and credentials belong to
    /// the original, so all are renewed.
    fn restart(&self) {
        self.reset();
        self.renew();
    }

    /// Requests new credentials for the next request. Returns true if there can be any.
    fn renew(&self) -> bool {
        false
    }
}

/// The result for one record.
pub type Answer = Result<(), Refusal>;

/// Why one record of a request was rejected. Unless it is final, the reason is transient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The problem that occurred.
    pub trouble: Trouble,
    /// True if the shard of its key is throttled.
    pub is_throttled: bool,
    /// True if the record will never be accepted.
    pub is_final: bool,
}

impl Refusal {
    /// Returns a transient rejection.
    pub fn for_now(trouble: Trouble) -> Self {
        Self { trouble, is_throttled: false, is_final: false }
    }
}

/// Why a whole request failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reaction that it calls for.
    pub decision: Decision,
    /// The problem that occurred.
    pub trouble: Trouble,
}

/// A problem that keeps records from being delivered, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The kind of problem, such as an error code. It stays the same as long as the problem lasts.
    pub kind: String,
    /// Details and a remedy, which may differ each time.
    pub details: Option<String>,
}

impl Trouble {
    /// Returns a problem without details.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), details: None }
    }

    /// Adds details.
    #[must_use]
    pub fn with(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..self }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.details.iter().try_for_each(|details| write!(f, ": {details}"))
    }
}

/// The reaction that a failure calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The connection broke: retry on a new one, the first time without waiting.
    Reconnect,
    /// The service is busy or failing: wait, then retry.
    BackOff,
    /// The credentials have expired: request new ones, once.
    Renew,
    /// The signature is too old or too new, because of a freeze between signing and sending, or a clock that lagged
    /// behind: sign and send again, once.
    Sign,
    /// The request is too large or contains a rejected record: retry with fewer records.
    Shrink,
    /// Only a person can fix the cause: report it once, keep the events, retry with the next flush.
    Configuration,
}

/// A value that is built on first use. Clones share it.
///
/// A client of an AWS service reads rules, certificate authorities and the environment. Together they take longer than
/// everything that the first `next` must wait for.
pub(crate) type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// Returns a value that `make` builds on first use.
pub(crate) fn lazy<T>(make: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    Arc::new(LazyLock::new(Box::new(make)))
}

impl<S: Sink> Sink for Lazy<S> {
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send {
        LazyLock::force(self).put(records)
    }

    fn reset(&self) {
        // A sink that was never built has no connections.
        if let Some(sink) = LazyLock::get(self) {
            sink.reset();
        }
    }

    fn max_records(&self) -> usize {
        LazyLock::force(self).max_records()
    }

    fn restart(&self) {
        if let Some(sink) = LazyLock::get(self) {
            sink.restart();
        }
    }

    fn renew(&self) -> bool {
        LazyLock::force(self).renew()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts the calls that it receives.
    #[derive(Debug, Default)]
    struct Counted {
        resets: AtomicUsize,
    }

    impl Sink for Counted {
        async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
            Ok(records.iter().map(|_| Ok(())).collect())
        }

        fn reset(&self) {
            self.resets.fetch_add(1, Ordering::Relaxed);
        }

        fn max_records(&self) -> usize {
            7
        }
    }

    #[tokio::test]
    async fn a_lazy_sink_is_built_once_by_whichever_copy_needs_it() {
        let built = Arc::<AtomicUsize>::default();
        let counter = built.clone();
        let first = lazy(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Counted::default()
        });
        let copy = first.clone();
        first.reset();
        copy.restart();
        assert_eq!(built.load(Ordering::Relaxed), 0, "there was no connection to close");
        assert!(LazyLock::get(&first).is_none());
        assert_eq!(copy.put(&[]).await, Ok(Vec::new()));
        first.reset();
        copy.restart();
        assert_eq!((first.max_records(), first.renew()), (7, false));
        assert_eq!(built.load(Ordering::Relaxed), 1);
        assert_eq!(first.resets.load(Ordering::Relaxed), 2);
    }
}
