//! What delivers records, as those see it who send them: answers, and what these call for.
//!
//! Pure: only the words of a conversation. Knows neither the SDK nor time.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};

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
    /// What happened.
    pub trouble: Trouble,
    /// Whether the shard of its key takes no more at present.
    pub is_throttled: bool,
    /// Whether it will never be taken, whatever is tried.
    pub is_final: bool,
}

impl Refusal {
    /// One that may well be none another time.
    pub fn for_now(trouble: Trouble) -> Self {
        Self { trouble, is_throttled: false, is_final: false }
    }
}

/// Why a whole request failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do.
    pub decision: Decision,
    /// What happened.
    pub trouble: Trouble,
}

/// What keeps records from being delivered, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is, in words that stay the same as long as it lasts: an error code, for example.
    pub kind: String,
    /// What else is known of it, and what to do; it may differ from time to time.
    pub details: Option<String>,
}

impl Trouble {
    /// One of which nothing else is known.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), details: None }
    }

    /// Adds what else is known.
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

/// What a failure calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The connection broke: try again on a new one, at first without waiting.
    Reconnect,
    /// The service is busy or broken: wait, then try again.
    BackOff,
    /// The credentials have expired: ask for new ones, once.
    Renew,
    /// The signature is too old, or too new: a freeze came between signing and sending, or the clock was late to follow.
    /// Sign and send again, once.
    Sign,
    /// The request is too large or holds a record that is refused: try with fewer records.
    Shrink,
    /// Nothing that we do helps; a person must change something. Say it once, keep the events, try at the next flush.
    Configuration,
}

/// A value that is built when it is first needed; clones are the same one.
///
/// A client of an AWS service reads rules, certificate authorities and the environment, which together take longer than all
/// that the first `next` must wait for.
pub(crate) type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// Returns a value that `make` builds when it is first needed.
pub(crate) fn lazy<T>(make: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    Arc::new(LazyLock::new(Box::new(make)))
}

impl<S: Sink> Sink for Lazy<S> {
    fn put(&self, records: &[Record]) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send {
        LazyLock::force(self).put(records)
    }

    fn reset(&self) {
        // One that was never built has no connections.
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

    /// Counts what is asked of it.
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
    async fn it_is_built_once_by_the_first_who_needs_it_whichever_copy_that_is() {
        let built = Arc::<AtomicUsize>::default();
        let counter = built.clone();
        let first = lazy(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Counted::default()
        });
        let copy = first.clone();
        first.reset();
        copy.restart();
        assert_eq!(built.load(Ordering::Relaxed), 0, "there was nothing to throw away");
        assert!(LazyLock::get(&first).is_none());
        assert_eq!(copy.put(&[]).await, Ok(Vec::new()));
        first.reset();
        copy.restart();
        assert_eq!((first.max_records(), first.renew()), (7, false));
        assert_eq!(built.load(Ordering::Relaxed), 1);
        assert_eq!(first.resets.load(Ordering::Relaxed), 2);
    }
}
