//! Decides which invocation a log line belongs to.
//!
//! Pure: it compares the times that the platform states. Log lines and platform events take different paths, so a line
//! may arrive before the `platform.start` of its invocation, or after the `platform.runtimeDone`. If the times leave a
//! doubt, the line gets no request id, because a wrong one is worse than none.

mod named;
mod owners;

use std::cell::OnceCell;
use std::collections::VecDeque;

use memchr::memmem;

use named::named;
pub(crate) use owners::Owners;

/// The number of invocations that are remembered. Lines of earlier ones get no request id.
const REMEMBERED: usize = 32;
/// The number of invocations that are remembered if lines wait for the end of theirs. A body of 1,000 events, Lambda's
/// default batch, contains no more invocations.
pub(crate) const REMEMBERED_UNDECIDED: usize = 512;

/// The invocations of this environment, as the platform has reported them.
#[derive(Debug, Default)]
pub(crate) struct Attribution {
    /// The invocations in the order of their starts.
    invocations: VecDeque<Invocation>,
    /// True if there were invocations before the first of these.
    has_earlier: bool,
    /// True if lines wait for the end of their invocation.
    is_selected: bool,
    /// The number of invocations ever read.
    count: u64,
    /// The time at which the function's own init ended.
    init_done: Option<String>,
}

#[derive(Debug)]
struct Invocation {
    /// A number that distinguishes it from others, including an earlier attempt of the same request.
    number: u64,
    request_id: String,
    /// Finds the request id in lines. It is built for the first line, because building it costs more than searching a
    /// line.
    mention: OnceCell<memmem::Finder<'static>>,
    start: String,
    done: Option<String>,
    /// True if an invocation with an unread start may follow this one. Lines after the end of this one may belong to
    /// it.
    has_gap_after: bool,
}

impl Invocation {
    /// True if a line, given as the JSON of its record, contains the id of this request.
    fn is_named_in(&self, record: &str) -> bool {
        let mention = || memmem::Finder::new(&self.request_id).into_owned();
        self.mention.get_or_init(mention).find(record.as_bytes()).is_some()
    }
}

impl Attribution {
    /// Creates an attribution that remembers as many invocations as may be undecided at a time.
    pub(crate) fn for_selection() -> Self {
        Self { is_selected: true, ..Self::default() }
    }

    /// Returns an attribution of the same kind without invocations.
    pub(crate) fn restarted(&self) -> Self {
        Self { is_selected: self.is_selected, ..Self::default() }
    }

    /// Records `platform.start` of a request at this time. A start that arrives twice counts once. Returns the number
    /// of a new invocation.
    pub(crate) fn started(&mut self, request_id: &str, time: &str) -> Option<u64> {
        let at = self.last_before(time).map_or(0, |index| index + 1);
        let mut began_then = self.invocations.range(..at).rev().take_while(|it| it.start == time);
        if began_then.any(|it| it.request_id == request_id) {
            return None;
        }
        self.count += 1;
        let number = self.count;
        // This start was read after a later one. An invocation that may follow the previous one may also follow this
        // one.
        let before = at.checked_sub(1).filter(|_| at < self.invocations.len());
        let has_gap_after = before.is_some_and(|index| self.invocations[index].has_gap_after);
        let (request_id, start) = (request_id.to_owned(), time.to_owned());
        let mention = OnceCell::new();
        let started = Invocation { number, request_id, mention, start, done: None, has_gap_after };
        self.invocations.insert(at, started);
        let remembered = if self.is_selected { REMEMBERED_UNDECIDED } else { REMEMBERED };
        if self.invocations.len() > remembered {
            self.invocations.pop_front();
            self.has_earlier = true;
        }
        Some(number)
    }

    /// Records `platform.runtimeDone` of a request at this time. A retry has the id of the first attempt, so the latest
    /// start before the end counts. Returns the number of that invocation if its start was read.
    pub(crate) fn done(&mut self, request_id: &str, time: &str) -> Option<u64> {
        let is_it = |it: &Invocation| it.request_id == request_id;
        let began = |it: &Invocation| is_it(it) && it.start.as_str() <= time;
        let invocations = &self.invocations;
        let is_known = invocations.iter().rposition(began);
        if let Some(index) = is_known.or_else(|| invocations.iter().rposition(is_it)) {
            self.invocations[index].done = Some(time.to_owned());
            return Some(self.invocations[index].number);
        }
        // Its start was not read. It may have started as soon as the previous invocation ended.
        match self.last_before(time) {
            Some(index) => self.invocations[index].has_gap_after = true,
            None => self.has_earlier = true,
        }
        None
    }

    /// Records the end of the function's own init.
    pub(crate) fn init_done(&mut self, time: &str) {
        self.init_done.get_or_insert_with(|| time.to_owned());
    }

    /// Returns the number of the invocation that started last, as far as starts were read.
    pub(crate) fn last(&self) -> Option<u64> {
        self.invocations.back().map(|it| it.number)
    }

    /// Returns the number of this request's invocation if it started last and its end was not read.
    pub(crate) fn open(&self, request_id: &str) -> Option<u64> {
        let last = self.invocations.back()?;
        (last.request_id == request_id && last.done.is_none()).then_some(last.number)
    }

    /// Records that events were dropped or unreadable, before this time if it is known. They may have included starts,
    /// after the end of any earlier invocation.
    pub(crate) fn dropped(&mut self, time: Option<&str>) {
        self.has_earlier = true;
        for invocation in &mut self.invocations {
            // Times in another format cannot be compared.
            let is_later = |time: &str| {
                time.len() == invocation.start.len() && time < invocation.start.as_str()
            };
            invocation.has_gap_after |= !time.is_some_and(is_later);
        }
    }

    /// Returns the request that a line belongs to, if its time decides it and the line does not name a request.
    /// `record` is the line as JSON.
    pub(crate) fn request_of(&self, time: &str, record: &str) -> Option<&str> {
        let invocation = self.running_at(time)?;
        (!invocation.is_named_in(record) && named(record).is_none())
            .then_some(&invocation.request_id)
    }

    /// Returns the invocation that a line names, or the one that its time decides.
    pub(crate) fn invocation_of(&self, time: &str, record: &str) -> Option<&str> {
        let Some(named) = named(record) else { return self.owner_of(time) };
        let known = self.invocations.iter().map(|it| it.request_id.as_str());
        known.rev().find(|id| *id == named)
    }

    /// Returns the request that was running at this time; none if that is uncertain.
    pub(crate) fn owner_of(&self, time: &str) -> Option<&str> {
        self.running_at(time).map(|it| it.request_id.as_str())
    }

    /// Returns the invocation that was running at this time; none if that is uncertain.
    fn running_at(&self, time: &str) -> Option<&Invocation> {
        let index = self.last_before(time)?;
        let invocation = &self.invocations[index];
        let Invocation { start, done, has_gap_after, .. } = invocation;
        // Times of one format compare as text. Times of another format would compare wrongly.
        let known = [Some(start), done.as_ref()];
        if known.into_iter().flatten().any(|other| other.len() != time.len()) {
            return None;
        }
        // Within the millisecond of the start the line may belong to the previous invocation.
        let may_be_of_the_one_before = (index > 0 || self.has_earlier) && start == time;
        // After the end, and before the next start is known, the line may belong to the next invocation.
        let is_last = index + 1 == self.invocations.len();
        let may_be_of_the_next = is_last && done.as_deref().is_some_and(|done| done < time);
        // Between start and end there is no other invocation.
        let sure_until = done.as_deref().unwrap_or(start);
        let may_be_of_an_unknown_one = *has_gap_after && sure_until < time;
        let is_open = may_be_of_the_one_before || may_be_of_the_next || may_be_of_an_unknown_one;
        (!is_open).then_some(invocation)
    }

    /// Returns the index of the last invocation that started at or before this time.
    fn last_before(&self, time: &str) -> Option<usize> {
        self.invocations.iter().rposition(|it| it.start.as_str() <= time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the request of a line at this second, after invocations `(id, start, done)`. A second of 0 means
    /// unknown.
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
        assert_eq!(request_of(&[("a", 10, 0)], 10).as_deref(), Some("a"), "it is the only one");
    }

    #[test]
    fn a_late_line_is_not_given_to_the_next_invocation() {
        assert_eq!(request_of(&[("a", 10, 20), ("b", 30, 0)], 25).as_deref(), Some("a"));
    }

    #[test]
    fn a_doubtful_line_gets_no_request() {
        assert_eq!(request_of(&[("a", 10, 20), ("b", 30, 0)], 30), None, "the moment of a start");
        assert_eq!(
            request_of(&[("a", 10, 20)], 25),
            None,
            "late, or early for an unknown invocation"
        );
        assert_eq!(request_of(&[("a", 10, 20)], 5), None, "printed during init");
        assert_eq!(request_of(&[], 5), None);
    }

    #[test]
    fn a_line_that_names_its_request_gets_no_second_id() {
        let mut attribution = Attribution::default();
        attribution.started("6d68ca91", "2026-08-09T12:34:10.000Z");
        let time = "2026-08-09T12:34:11.000Z";
        assert_eq!(attribution.request_of(time, r#"{"requestId":"6d68ca91"}"#), None);
        assert_eq!(
            attribution.request_of(time, r#"{"requestId":"other"}"#),
            None,
            "it names no request"
        );
        assert_eq!(attribution.request_of(time, r#"{"msg":"other"}"#), Some("6d68ca91"));
    }

    #[test]
    fn after_dropped_events_no_line_gets_the_previous_request() {
        let time = |second: u32| format!("2026-08-09T12:34:{second:02}.000Z");
        let after = |dropped: Option<u32>, line: u32, done: bool| {
            let mut attribution = Attribution::default();
            attribution.started("a", &time(10));
            if done {
                attribution.done("a", &time(20));
            }
            attribution.dropped(dropped.map(time).as_deref());
            attribution.started("b", &time(40));
            attribution.request_of(&time(line), "\"\"").map(str::to_owned)
        };
        assert_eq!(after(Some(15), 12, false), None, "events were lost before the report");
        assert_eq!(after(Some(15), 10, false), None, "or before the first known start");
        assert_eq!(after(Some(15), 18, false), None);
        assert_eq!(after(Some(25), 18, true).as_deref(), Some("a"));
        assert_eq!(after(Some(25), 22, true), None, "late, or of a dropped invocation");
        assert_eq!(after(None, 12, false), None);
        assert_eq!(after(None, 12, true).as_deref(), Some("a"), "its end is known");
        assert_eq!(after(None, 22, true), None);
        assert_eq!(after(Some(15), 45, false).as_deref(), Some("b"), "until the next start");
        assert_eq!(after(Some(5), 15, false).as_deref(), Some("a"), "nothing was dropped since");
        assert_eq!(
            after(Some(5), 10, false),
            None,
            "another one may have ended in this millisecond"
        );
    }

    #[test]
    fn a_drop_may_hide_invocations_after_each_known_end() {
        let time = |second: u32| format!("2026-08-09T12:34:{second:02}.000Z");
        let mut attribution = Attribution::default();
        attribution.started("a", &time(10));
        attribution.done("a", &time(12));
        attribution.started("b", &time(20));
        attribution.dropped(Some(&time(25)));
        let owner = |attribution: &Attribution, line| {
            attribution.request_of(&time(line), "\"\"").map(str::to_owned)
        };
        assert_eq!(owner(&attribution, 15), None, "of a, or of a dropped invocation");
        assert_eq!(owner(&attribution, 11).as_deref(), Some("a"), "its end is known");
        assert_eq!(owner(&attribution, 22), None);
        attribution.done("b", &time(30));
        assert_eq!(owner(&attribution, 22).as_deref(), Some("b"), "its end is now known");
        attribution.started("late", &time(14));
        assert_eq!(owner(&attribution, 16), None, "others may follow it, too");
    }

    #[test]
    fn an_unknown_end_closes_the_window_of_the_previous_invocation() {
        let time = |second: u32| format!("2026-08-09T12:34:{second:02}.000Z");
        let with = |done: bool, line: u32| {
            let mut attribution = Attribution::default();
            attribution.started("a", &time(10));
            if done {
                attribution.done("a", &time(15));
            }
            attribution.done("unknown", &time(20));
            attribution.started("b", &time(40));
            attribution.request_of(&time(line), "\"\"").map(str::to_owned)
        };
        for (done, line) in [(false, 12), (false, 25), (true, 18), (true, 25)] {
            assert_eq!(with(done, line), None, "{line}");
        }
        assert_eq!(with(true, 12).as_deref(), Some("a"));
        assert_eq!(with(false, 45).as_deref(), Some("b"));
    }

    #[test]
    fn a_retry_with_the_same_id_is_a_separate_invocation() {
        let retried = [("a", 10, 20), ("b", 30, 35), ("a", 40, 50)];
        assert_eq!(request_of(&retried, 32).as_deref(), Some("b"));
        assert_eq!(request_of(&retried, 45).as_deref(), Some("a"));
        assert_eq!(request_of(&retried, 55), None, "the end belongs to the latest start");
        assert_eq!(
            request_of(&[("a", 10, 20), ("a", 30, 0)], 45).as_deref(),
            Some("a"),
            "it is running"
        );
    }

    #[test]
    fn events_that_arrive_twice_change_nothing() {
        let twice = [("a", 10, 20), ("b", 30, 0), ("a", 10, 20)];
        assert_eq!(request_of(&twice, 35).as_deref(), Some("b"));
        assert_eq!(request_of(&twice, 15).as_deref(), Some("a"));
    }

    #[test]
    fn times_in_another_format_are_not_compared() {
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
