//! Decides when the waiting events of a subscriber become a batch: by items, bytes and time, whichever limit is reached
//! first.
//!
//! Pure over a clock that is passed in. Source: Lambda Developer Guide, "Telemetry API: Buffering".

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One event that waits: its text, and its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) text: String,
    pub(crate) journal: usize,
}

/// Collects events.
#[derive(Debug)]
pub(crate) struct Batcher {
    max_items: usize,
    max_bytes: usize,
    timeout: Duration,
    waiting: VecDeque<(Waiting, Instant)>,
    bytes: usize,
}

impl Batcher {
    pub(crate) fn new(max_items: usize, max_bytes: usize, timeout: Duration) -> Self {
        Self { max_items, max_bytes, timeout, waiting: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn push(&mut self, event: Waiting, now: Instant) {
        self.bytes += event.text.len();
        self.waiting.push_back((event, now));
    }

    /// Returns when a batch is due: at once if a limit is reached, otherwise some time after its first event.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (_, first) = self.waiting.front()?;
        let is_full = self.waiting.len() >= self.max_items || self.bytes >= self.max_bytes;
        Some(if is_full { *first } else { *first + self.timeout })
    }

    /// Takes the next batch out: at least one event, and no more than the limits allow.
    pub(crate) fn take(&mut self) -> Vec<Waiting> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some((event, _)) = self.waiting.front() {
            if !batch.is_empty()
                && (batch.len() >= self.max_items || bytes + event.text.len() > self.max_bytes)
            {
                break;
            }
            bytes += event.text.len();
            batch.extend(self.waiting.pop_front().map(|(event, _)| event));
        }
        self.bytes -= bytes;
        batch
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    fn batcher(texts: &[&str], now: Instant) -> Batcher {
        let mut batcher = Batcher::new(3, 10, TIMEOUT);
        for (journal, text) in texts.iter().enumerate() {
            batcher.push(Waiting { text: (*text).to_owned(), journal }, now);
        }
        batcher
    }

    fn take(batcher: &mut Batcher) -> Vec<String> {
        batcher.take().into_iter().map(|event| event.text).collect()
    }

    #[test]
    fn the_time_runs_from_the_first_event_of_the_batch() {
        let now = Instant::now();
        let mut batcher = batcher(&["a"], now);
        batcher.push(Waiting { text: "b".into(), journal: 1 }, now + TIMEOUT / 2);
        assert_eq!(batcher.due(), Some(now + TIMEOUT));
        assert_eq!(take(&mut batcher), ["a", "b"]);
        assert_eq!((batcher.due(), batcher.bytes()), (None, 0));
    }

    #[test]
    fn a_batch_is_due_at_once_when_items_or_bytes_are_reached() {
        let now = Instant::now();
        assert_eq!(batcher(&["a", "b", "c"], now).due(), Some(now));
        assert_eq!(batcher(&["0123456789"], now).due(), Some(now));
    }

    #[test]
    fn no_batch_exceeds_its_limits_but_for_a_single_large_event() {
        let now = Instant::now();
        let mut many = batcher(&["a", "b", "c", "d"], now);
        assert_eq!(
            (take(&mut many), take(&mut many)),
            (vec!["a".into(), "b".into(), "c".into()], vec!["d".into()])
        );
        let mut large = batcher(&["a", "0123456789ab", "b"], now);
        assert_eq!(
            [take(&mut large), take(&mut large), take(&mut large)],
            [["a"], ["0123456789ab"], ["b"]]
        );
    }
}
