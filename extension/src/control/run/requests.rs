//! Tracks which requests have started and ended, as far as the loop has read.
//!
//! An INVOKE and the `platform.runtimeDone` of its request take different paths, so either may be read first. Lambda
//! retries a request under the same id, so starts and ends are counted.

use std::collections::VecDeque;

/// The number of requests that are remembered in case an end is read before its INVOKE.
const REMEMBERED: usize = 8;

/// Counts starts minus ends by request.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<(String, i64)>);

impl Requests {
    /// Counts an INVOKE. Returns true if the end of this invocation was already read.
    pub(super) fn begin(&mut self, request_id: &str) -> bool {
        // An earlier end that was lost must not make this invocation wait.
        self.count(request_id, |count| count.min(0) + 1) <= 0
    }

    /// Counts the end of an invocation.
    pub(super) fn end(&mut self, request_id: &str) {
        self.count(request_id, |count| count - 1);
    }

    fn count(&mut self, request_id: &str, change: impl Fn(i64) -> i64) -> i64 {
        let known = self.0.iter().position(|(id, _)| id == request_id);
        let (id, count) = known
            .and_then(|index| self.0.remove(index))
            .unwrap_or_else(|| (request_id.to_owned(), 0));
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        let count = change(count);
        self.0.push_back((id, count));
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_belongs_to_the_previous_invocation_or_the_next_one() {
        let mut requests = Requests::default();
        assert!(!requests.begin("r"));
        requests.end("r");
        assert!(!requests.begin("r"), "repeated");
        requests.end("r");
        requests.end("r");
        assert!(requests.begin("r"), "its end came first");
        assert!(!requests.begin("r"), "and its end is lost");
        assert!(!requests.begin("r"));
        requests.end("r");
        requests.end("r");
        assert!(requests.begin("r"), "lost ends do not hide an early one");
    }

    #[test]
    fn requests_are_forgotten_the_oldest_first() {
        let mut requests = Requests::default();
        requests.end("early");
        (0..REMEMBERED - 1).for_each(|n| _ = requests.begin(&n.to_string()));
        assert!(requests.begin("early"));
        requests.end("late");
        (0..REMEMBERED).for_each(|n| _ = requests.begin(&n.to_string()));
        assert!(!requests.begin("late"));
    }
}
