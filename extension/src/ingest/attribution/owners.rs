//! Finds every invocation that a line may belong to. If one of them is delivered, the line must be delivered too.

use super::named::named;
use super::{Attribution, Invocation};

/// The length of a request id of Lambda. A shorter id may occur in a line by chance.
const UUID: usize = 36;

/// The invocations that a line may belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owners {
    /// The numbers of invocations that have started.
    pub(crate) known: Vec<u64>,
    /// True if the line may belong to the invocation that starts next.
    pub(crate) or_next: bool,
    /// True if the line may belong to any invocation, or to one whose start was not read.
    pub(crate) or_unknown: bool,
    /// True if the line may belong to init, and so to no invocation.
    pub(crate) or_none: bool,
}

impl Owners {
    fn unknown() -> Self {
        Self { or_unknown: true, ..Self::default() }
    }
}

impl Attribution {
    /// Returns every invocation that a line may belong to, by its time and by the request that it names. `record` is the
    /// line as JSON.
    pub(crate) fn owners(&self, time: &str, record: &str) -> Owners {
        let mut owners = self.owners_at(time);
        // The search starts at the end, where these invocations are.
        let of_number =
            |number: &u64| self.invocations.iter().rev().find(|it| it.number == *number);
        let names_it = |it: &&Invocation| it.request_id.len() >= UUID && it.is_named_in(record);
        let mut named_in = owners.known.iter().filter_map(of_number).filter(names_it);
        if let (Some(it), None) = (named_in.next(), named_in.next()) {
            // In most cases the line names one of the invocations that its time allows.
            return Owners { known: vec![it.number], ..Owners::default() };
        }
        if let Some(named) = named(record) {
            let mut of_it = self.invocations.iter().rev().filter(|it| it.request_id == named);
            let last = of_it.next();
            let began = |it: &&Invocation| it.start.as_str() <= time;
            let latest = last.filter(began).or_else(|| of_it.find(began)).or(last);
            let number = latest.map(|it| it.number).filter(|it| !owners.known.contains(it));
            owners.known.extend(number);
        }
        owners
    }

    /// Returns the invocations that a line of this time may belong to.
    fn owners_at(&self, time: &str) -> Owners {
        let Some(index) = self.last_before(time) else {
            let is_after_init = self.init_done.as_deref().is_none_or(|done| done < time);
            let or_next = self.invocations.is_empty() && is_after_init;
            return Owners {
                or_next,
                or_unknown: self.has_earlier,
                or_none: true,
                ..Owners::default()
            };
        };
        let Invocation { number, start, done, has_gap_after, .. } = &self.invocations[index];
        let times = [Some(start), done.as_ref()];
        if times.into_iter().flatten().any(|other| other.len() != time.len()) {
            return Owners::unknown();
        }
        if *has_gap_after && done.as_deref().unwrap_or(start) < time {
            return Owners::unknown();
        }
        if start == time {
            // Within the millisecond of the start, the line may belong to the previous invocation or to init.
            let same = self.invocations.range(..=index).rev().take_while(|it| it.start == time);
            let mut known: Vec<u64> = same.map(|it| it.number).collect();
            let before = (index + 1).checked_sub(known.len() + 1);
            known.extend(before.map(|before| self.invocations[before].number));
            let or_unknown = before.is_none() && self.has_earlier;
            let is_after_init = self.init_done.as_deref().is_some_and(|done| done < time);
            let or_none = before.is_none() && !is_after_init;
            return Owners { known, or_unknown, or_none, ..Owners::default() };
        }
        if done.as_deref().is_none_or(|done| done >= time) {
            return Owners { known: vec![*number], ..Owners::default() };
        }
        // Between an end and the next start, it may belong to either invocation.
        let next = self.invocations.get(index + 1);
        let known = [*number].into_iter().chain(next.map(|next| next.number)).collect();
        Owners { known, or_next: next.is_none(), ..Owners::default() }
    }
}
