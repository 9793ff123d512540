//! Every invocation that a line may belong to: where one of them is delivered, the line must be.

use super::named::named;
use super::{Attribution, Invocation};

/// The invocations that a line may belong to. A line of init belongs to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owners {
    /// The numbers of those that have begun.
    pub(crate) known: Vec<u64>,
    /// True if the line may belong to the one that begins next.
    pub(crate) or_next: bool,
    /// True if the line may belong to one whose start was not read, or to any.
    pub(crate) or_unknown: bool,
}

impl Attribution {
    /// Returns every invocation that a line may belong to, by its time and by the request that it names. `record` is the
    /// line as JSON.
    pub(crate) fn owners(&self, time: &str, record: &str) -> Owners {
        let at_time = self.owners_at(time);
        let or_unknown = at_time.is_none();
        let (mut known, or_next) = at_time.unwrap_or_default();
        if let ([number], false) = (&*known, or_next)
            && self
                .invocations
                .iter()
                .rev()
                .any(|it| it.number == *number && it.is_named_in(record))
        {
            // Nearly always: it names the invocation that its time tells.
            return Owners { known, or_next, or_unknown };
        }
        if let Some(named) = named(record) {
            let mut of_it = self.invocations.iter().rev().filter(|it| it.request_id == named);
            let began = |it: &&Invocation| it.start.as_str() <= time;
            let latest = of_it.clone().find(began).or_else(|| of_it.next());
            known.extend(latest.map(|it| it.number).filter(|it| !known.contains(it)));
        }
        Owners { known, or_next, or_unknown }
    }

    /// Returns the numbers of the invocations that a line of this time may belong to, and whether it may belong to the next
    /// one; none if it may belong to one that is not known.
    fn owners_at(&self, time: &str) -> Option<(Vec<u64>, bool)> {
        let Some(index) = self.last_before(time) else {
            return (!self.has_earlier).then(|| (Vec::new(), self.invocations.is_empty()));
        };
        let Invocation { number, start, done, has_gap_after, .. } = &self.invocations[index];
        let known = [Some(start), done.as_ref()];
        if known.into_iter().flatten().any(|other| other.len() != time.len()) {
            return None;
        }
        if *has_gap_after && done.as_deref().unwrap_or(start) < time {
            return None;
        }
        if start == time {
            // Within the millisecond in which it began, the line may be the one before's, or of init.
            let same = self.invocations.range(..=index).rev().take_while(|it| it.start == time);
            let mut known: Vec<u64> = same.map(|it| it.number).collect();
            let before = (index + 1).checked_sub(known.len() + 1);
            let is_after_init = self.init_done.as_deref().is_some_and(|done| done < time);
            return match before {
                Some(before) => {
                    known.push(self.invocations[before].number);
                    Some((known, false))
                }
                None if self.has_earlier => None,
                None if is_after_init => Some((known, false)),
                None => Some((Vec::new(), false)),
            };
        }
        let is_last = index + 1 == self.invocations.len();
        let is_after = done.as_deref().is_some_and(|done| done < time);
        Some((vec![*number], is_last && is_after))
    }
}
