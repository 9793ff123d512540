//! Remembers the totals of forgotten instances, whose ledgers continue to count if the instances return. Pure.

use std::collections::HashMap;

use crate::top::facts::Ledger;
use crate::top::row::Counts;

/// Number of entries of a generation.
const MOST: usize = 20_000;

/// Cumulative totals of an instance. An instance that returns continues them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// The last ledger, without its ranges.
    pub(super) ledger: Option<Ledger>,
    /// Log lines that Lambda dropped, by the events that were read.
    pub(super) dropped: u64,
}

impl Totals {
    /// Returns true if there is nothing to continue.
    pub(super) fn is_empty(&self) -> bool {
        self.dropped == 0 && self.ledger.is_none()
    }

    /// Adds the totals to `counts`.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        let ledger = self.ledger.as_ref();
        let of_ledger = |count: fn(&Ledger) -> u64| ledger.map_or(0, count);
        *counts += Counts {
            shed: of_ledger(|it| it.shed),
            // A ledger has the sum of the events `platform.logsDropped`, some of which may be missing themselves.
            dropped: self.dropped.max(of_ledger(|it| it.dropped)),
            sampled_out: of_ledger(|it| it.sampled_out),
            ..Counts::default()
        };
    }

    /// Subtracts the totals from `counts`; the inverse of [`Self::add_to`].
    pub(super) fn take_from(&self, counts: &mut Counts) {
        let mut own = Counts::default();
        self.add_to(&mut own);
        counts.shed = counts.shed.saturating_sub(own.shed);
        counts.dropped = counts.dropped.saturating_sub(own.dropped);
        counts.sampled_out = counts.sampled_out.saturating_sub(own.sampled_out);
    }
}

/// Remembers the totals of at least the latest [`MOST`] instances, by function and instance.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    current: HashMap<(String, String), Totals>,
    before: HashMap<(String, String), Totals>,
}

impl Forgotten {
    /// Remembers the totals of an instance.
    pub(super) fn add(&mut self, function: &str, instance: String, totals: Totals) {
        if totals.is_empty() {
            return;
        }
        self.current.insert((function.to_owned(), instance), totals);
        if self.current.len() >= MOST {
            self.before = std::mem::take(&mut self.current);
        }
    }

    /// Returns the totals of an instance, and forgets them.
    pub(super) fn take(&mut self, function: &str, instance: &str) -> Option<Totals> {
        if self.current.is_empty() && self.before.is_empty() {
            return None;
        }
        let key = (function.to_owned(), instance.to_owned());
        self.current.remove(&key).or_else(|| self.before.remove(&key))
    }

    /// Keeps the totals of these functions only.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        for totals in [&mut self.current, &mut self.before] {
            totals.retain(|(function, _), _| is_kept(function));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(dropped: u64) -> Totals {
        Totals { ledger: None, dropped }
    }

    #[test]
    fn totals_are_returned_once() {
        let mut forgotten = Forgotten::default();
        forgotten.add("orders", "a".to_owned(), dropped(3));
        forgotten.add("orders", "b".to_owned(), dropped(0));
        assert_eq!(forgotten.take("refunds", "a"), None);
        assert_eq!(forgotten.take("orders", "a"), Some(dropped(3)));
        assert_eq!(forgotten.take("orders", "a"), None);
        assert_eq!(forgotten.take("orders", "b"), None, "there is nothing to continue");
    }

    #[test]
    fn the_latest_totals_are_remembered_in_bounded_memory() {
        let mut forgotten = Forgotten::default();
        for n in 0..5 * MOST / 2 {
            forgotten.add("orders", n.to_string(), dropped(1));
        }
        assert!(forgotten.current.len() + forgotten.before.len() <= 2 * MOST);
        assert!(
            (3 * MOST / 2..5 * MOST / 2)
                .all(|n| forgotten.take("orders", &n.to_string()).is_some())
        );
    }

    #[test]
    fn functions_that_are_not_kept_have_no_totals() {
        let mut forgotten = Forgotten::default();
        forgotten.add("orders", "a".to_owned(), dropped(3));
        forgotten.add("refunds", "b".to_owned(), dropped(4));
        forgotten.retain(|function| function == "refunds");
        assert_eq!(forgotten.take("orders", "a"), None);
        assert_eq!(forgotten.take("refunds", "b"), Some(dropped(4)));
    }
}
