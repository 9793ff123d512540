//! Which invocation a log line belongs to.
//!
//! Pure: compares the times that the platform states. Log lines and platform events travel on different paths, so a
//! line may come before the `platform.start` of its invocation, or after the `platform.runtimeDone`. Where the times
//! leave a doubt, a line is given to nobody: a wrong request id is worse than none.

use std::collections::VecDeque;

use memchr::memmem;

/// Invocations that are remembered. Lines later than that are given to nobody.
const REMEMBERED: usize = 32;

/// The invocations of this environment, as the platform has told of them.
#[derive(Debug, Default)]
pub(crate) struct Attribution {
    invocations: VecDeque<Invocation>,
}

#[derive(Debug)]
struct Invocation {
    request_id: String,
    start: String,
    done: Option<String>,
}

impl Attribution {
    /// `platform.start` of a request, at this time.
    pub(crate) fn started(&mut self, request_id: &str, time: &str) {
        if self.invocations.len() == REMEMBERED {
            self.invocations.pop_front();
        }
        let (request_id, start) = (request_id.to_owned(), time.to_owned());
        self.invocations.push_back(Invocation { request_id, start, done: None });
    }

    /// `platform.runtimeDone` of a request, at this time.
    pub(crate) fn done(&mut self, request_id: &str, time: &str) {
        let is_it = |it: &&mut Invocation| it.request_id == request_id;
        if let Some(invocation) = self.invocations.iter_mut().find(is_it) {
            invocation.done = Some(time.to_owned());
        }
    }

    /// The request that a line of this time and text belongs to; none where that is open, or where the text names it.
    pub(crate) fn request_of(&self, time: &str, text: &str) -> Option<&str> {
        let owner = self.owner_of(time)?;
        memmem::find(text.as_bytes(), owner.as_bytes()).is_none().then_some(owner)
    }

    /// The request that a line of this time belongs to; none where that is open.
    pub(crate) fn owner_of(&self, time: &str) -> Option<&str> {
        // Times of one form compare as text; another form would compare wrongly.
        let is_comparable = |other: &str| other.len() == time.len();
        let started = |it: &Invocation| it.start.as_str() <= time;
        let index = self.invocations.iter().rposition(started)?;
        let invocation = &self.invocations[index];
        if !is_comparable(&invocation.start) {
            return None;
        }
        // Within the millisecond in which it began, the line may be the one before's.
        let may_be_of_the_one_before = index > 0 && invocation.start == time;
        // After its end and before the next start is known, the line may be the next one's.
        let is_last = index + 1 == self.invocations.len();
        let may_be_of_the_next =
            is_last && invocation.done.as_deref().is_some_and(|done| done < time);
        if may_be_of_the_one_before || may_be_of_the_next {
            return None;
        }
        Some(&invocation.request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of a line at this second, after invocations `(id, start, done)`; a second of 0 is not known.
    fn request_of(invocations: &[(&str, u32, u32)], line: u32) -> Option<String> {
        let time = |second: u32| format!("2026-08-09T12:34:{second:02}.000Z");
        let mut attribution = Attribution::default();
        for (id, start, done) in invocations {
            attribution.started(id, &time(*start));
            if *done > 0 {
                attribution.done(id, &time(*done));
            }
        }
        attribution.request_of(&time(line), "hello").map(str::to_owned)
    }

    #[test]
    fn a_line_belongs_to_the_invocation_that_was_running() {
        let two = [("a", 10, 20), ("b", 30, 0)];
        assert_eq!(request_of(&two, 15).as_deref(), Some("a"));
        assert_eq!(request_of(&two, 35).as_deref(), Some("b"));
        assert_eq!(request_of(&[("a", 10, 0)], 10).as_deref(), Some("a"), "there is no other");
    }

    #[test]
    fn a_late_line_is_not_given_to_the_next_invocation() {
        assert_eq!(request_of(&[("a", 10, 20), ("b", 30, 0)], 25).as_deref(), Some("a"));
    }

    #[test]
    fn a_doubtful_line_is_given_to_nobody() {
        assert_eq!(request_of(&[("a", 10, 20), ("b", 30, 0)], 30), None, "the moment of a start");
        assert_eq!(
            request_of(&[("a", 10, 20)], 25),
            None,
            "late, or early for what is not known yet"
        );
        assert_eq!(request_of(&[("a", 10, 20)], 5), None, "printed during init");
        assert_eq!(request_of(&[], 5), None);
    }

    #[test]
    fn a_line_that_names_its_request_needs_no_second_naming() {
        let mut attribution = Attribution::default();
        attribution.started("6d68ca91", "2026-08-09T12:34:10.000Z");
        let time = "2026-08-09T12:34:11.000Z";
        assert_eq!(attribution.request_of(time, r#"{"requestId":"6d68ca91"}"#), None);
        assert_eq!(attribution.request_of(time, r#"{"requestId":"other"}"#), Some("6d68ca91"));
    }

    #[test]
    fn times_of_another_form_are_not_compared() {
        let mut attribution = Attribution::default();
        attribution.started("a", "2026-08-09T12:34:10Z");
        assert_eq!(attribution.request_of("2026-08-09T12:34:11.000Z", ""), None);
    }

    #[test]
    fn memory_of_invocations_is_bounded() {
        let mut attribution = Attribution::default();
        for n in 0..10_000 {
            attribution.started(&n.to_string(), "2026-08-09T12:34:10.000Z");
        }
        assert_eq!(attribution.invocations.len(), REMEMBERED);
    }
}
