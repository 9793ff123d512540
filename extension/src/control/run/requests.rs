//! Which requests have begun and ended, as far as the loop has read.
//!
//! An INVOKE and the `platform.runtimeDone` of its request come on different ways, so either may be read first. Lambda repeats a
//! request under the same id when it tries again, so beginnings and ends are counted.

use std::collections::VecDeque;

/// Requests that are remembered, in case the end of one is read before its INVOKE.
const REMEMBERED: usize = 8;

/// Counts beginnings less ends, by request.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<(String, i64)>);

impl Requests {
    /// An INVOKE was read. Returns whether the end of this invocation was read before.
    pub(super) fn begin(&mut self, request_id: &str) -> bool {
        // An end that was lost, before, is none that this invocation has to wait for.
        self.count(request_id, |count| count.min(0) + 1) <= 0
    }

    /// The end of an invocation was read.
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
    fn an_end_is_of_the_invocation_before_it_or_else_of_the_next_one() {
        let mut requests = Requests::default();
        assert!(!requests.begin("r"));
        requests.end("r");
        assert!(!requests.begin("r"), "repeated");
        requests.end("r");
        requests.end("r");
        assert!(requests.begin("r"), "its end came first");
        assert!(!requests.begin("r"), "and is lost");
        assert!(!requests.begin("r"));
        requests.end("r");
        requests.end("r");
        assert!(requests.begin("r"), "lost ends hide no early one");
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
