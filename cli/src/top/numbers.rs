//! Tracks which numbers of one instance have not arrived, in bounded memory. Pure.

use std::collections::BTreeMap;

/// Largest number of separate gaps of an instance. Beyond it, the two closest gaps are joined.
const GAPS: usize = 128;

/// Numbers that a ledger reports as shed: `events` of those from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShedRange {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) events: u64,
}

/// The numbers that arrived, stored as the gaps between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// The lowest and the highest number.
    seen: Option<(u64, u64)>,
    /// The number from which all numbers must arrive. Earlier numbers may have arrived before reading began.
    base: Option<u64>,
    /// The gaps, by first number.
    gaps: BTreeMap<u64, Gap>,
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    last: u64,
    /// The count of numbers that have not arrived. It is smaller than the range if the gap was joined from several.
    missing: u64,
    /// The time at which a later number arrived, in milliseconds since 1970.
    since_ms: i64,
}

impl Numbers {
    /// Adds a number that arrived at `at_ms`.
    ///
    /// `is_of_period` is true for an event that was created after reading began. All events with later numbers then arrive after
    /// that, too.
    pub(super) fn add(&mut self, number: u64, at_ms: i64, is_of_period: bool) {
        if is_of_period || number == 1 {
            self.base = Some(self.base.map_or(number, |base| base.min(number)));
        }
        let Some((first, last)) = self.seen else {
            self.seen = Some((number, number));
            return;
        };
        self.seen = Some((first.min(number), last.max(number)));
        if number > last {
            self.open(last + 1, number - 1, at_ms);
        } else if number < first {
            self.open(number + 1, first - 1, at_ms);
        } else {
            self.fill(number);
        }
    }

    /// Returns the count of missing numbers in gaps from before `settled_ms`, without those that a ledger explains.
    pub(super) fn missing(&self, settled_ms: i64, shed: &[ShedRange]) -> u64 {
        let Some(base) = self.base else { return 0 };
        let gaps = self.gaps.iter().filter(|(_, gap)| gap.since_ms <= settled_ms);
        let gaps: Vec<_> = gaps.map(|(&first, gap)| (first.max(base), gap)).collect();
        let within = |from: u64, to: u64| {
            let overlaps = gaps.iter().filter_map(|(first, gap)| {
                let numbers = gap.last.min(to).checked_sub((*first).max(from))?;
                Some(gap.missing.min(numbers.saturating_add(1)))
            });
            overlaps.fold(0, u64::saturating_add)
        };
        let explained = shed.iter().map(|it| it.events.min(within(it.first, it.last)));
        within(base, u64::MAX).saturating_sub(explained.fold(0, u64::saturating_add))
    }

    fn open(&mut self, first: u64, last: u64, since_ms: i64) {
        if first <= last {
            self.gaps.insert(first, Gap { last, missing: last - first + 1, since_ms });
            self.bound();
        }
    }

    fn fill(&mut self, number: u64) {
        let before = self.gaps.range_mut(..=number).next_back();
        let Some((&first, gap)) = before.filter(|(_, gap)| number <= gap.last) else { return };
        if gap.missing <= gap.last - first {
            // The gap was joined from several, so this number was only most likely one of the missing ones.
            gap.missing -= 1;
            if gap.missing == 0 {
                self.gaps.remove(&first);
            }
            return;
        }
        let Gap { last, since_ms, .. } = *gap;
        self.gaps.remove(&first);
        self.open(first, number - 1, since_ms);
        self.open(number + 1, last, since_ms);
    }

    /// Joins the two closest gaps if there are too many.
    fn bound(&mut self) {
        if self.gaps.len() <= GAPS {
            return;
        }
        let pairs = self.gaps.iter().zip(self.gaps.iter().skip(1));
        let closest = pairs.min_by_key(|((_, left), (right, _))| **right - left.last);
        let Some(((&first, &left), (&second, &right))) = closest else { return };
        self.gaps.remove(&second);
        let missing = left.missing.saturating_add(right.missing);
        let since_ms = left.since_ms.max(right.since_ms);
        self.gaps.insert(first, Gap { last: right.last, missing, since_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl IntoIterator<Item = u64>) -> Numbers {
        let mut seen = Numbers::default();
        for (at_ms, number) in (0..).zip(numbers) {
            seen.add(number, at_ms, true);
        }
        seen
    }

    fn missing(numbers: impl IntoIterator<Item = u64>) -> u64 {
        of(numbers).missing(i64::MAX, &[])
    }

    #[test]
    fn numbers_between_the_first_and_the_last_are_missing() {
        assert_eq!(missing([]), 0);
        assert_eq!(missing([7]), 0);
        assert_eq!(missing([7, 8, 9]), 0);
        assert_eq!(missing([7, 10, 12]), 3);
    }

    #[test]
    fn a_gap_that_is_filled_late_is_not_missing() {
        assert_eq!(missing([1, 5, 3]), 2);
        assert_eq!(missing([1, 5, 3, 2, 4]), 0);
        assert_eq!(missing([5, 1, 2, 4, 3]), 0);
    }

    #[test]
    fn duplicates_change_nothing() {
        assert_eq!(missing([1, 1, 3, 3, 1]), 1);
        assert_eq!(missing([1, 3, 2, 2, 3]), 0);
    }

    #[test]
    fn two_shards_out_of_order_leave_no_gap() {
        let odd = (0..5_000).map(|n| 2 * n + 1);
        let even = (1..=5_000).map(|n| 2 * n);
        assert_eq!(missing(odd.clone().chain(even.clone())), 0);
        assert_eq!(missing(even.rev().chain(odd)), 0);
    }

    #[test]
    fn gaps_stay_within_their_bound_and_their_count_stays_right() {
        let every_third = of((0..1_000).map(|n| 3 * n + 1));
        assert_eq!(every_third.gaps.len(), GAPS);
        assert_eq!(every_third.missing(i64::MAX, &[]), 2 * 999);
    }

    #[test]
    fn a_gap_is_missing_after_the_settle_time() {
        let mut numbers = of([1]);
        numbers.add(3, 500, true);
        assert_eq!((numbers.missing(499, &[]), numbers.missing(500, &[])), (0, 1));
        numbers.add(9, 800, true);
        assert_eq!((numbers.missing(600, &[]), numbers.missing(800, &[])), (1, 6));
    }

    #[test]
    fn events_that_a_ledger_reports_as_shed_are_not_missing() {
        let numbers = of([1, 10, 20]);
        let shed = |first, last, events| ShedRange { first, last, events };
        assert_eq!(numbers.missing(i64::MAX, &[]), 17);
        assert_eq!(numbers.missing(i64::MAX, &[shed(2, 9, 8)]), 9);
        assert_eq!(numbers.missing(i64::MAX, &[shed(2, 9, 8), shed(11, 19, 9)]), 0);
        assert_eq!(numbers.missing(i64::MAX, &[shed(5, 15, 3)]), 14, "a drawn range");
        assert_eq!(numbers.missing(i64::MAX, &[shed(30, 40, 11)]), 17, "numbers not known yet");
        assert_eq!(numbers.missing(i64::MAX, &[shed(0, u64::MAX, u64::MAX); 3]), 0);
    }

    #[test]
    fn numbers_from_before_the_period_are_not_missing() {
        let mut numbers = Numbers::default();
        // A retry of an earlier event; the events between were not read.
        numbers.add(50, 0, false);
        numbers.add(90, 0, false);
        assert_eq!(numbers.missing(0, &[]), 0);
        numbers.add(95, 0, true);
        numbers.add(98, 0, true);
        assert_eq!(numbers.missing(0, &[]), 2);
        numbers.add(92, 0, true);
        assert_eq!(numbers.missing(0, &[]), 4, "a lower number of the period");
    }

    #[test]
    fn a_process_that_began_in_the_period_is_judged_from_one() {
        let mut numbers = Numbers::default();
        numbers.add(4, 0, true);
        numbers.add(1, 0, false);
        assert_eq!(numbers.missing(0, &[]), 2);
    }

    #[test]
    fn enormous_numbers_neither_overflow_nor_take_memory() {
        let numbers = of([1, (1 << 53) - 1, u64::MAX]);
        assert_eq!(numbers.missing(i64::MAX, &[]), u64::MAX - 3);
        assert_eq!(numbers.gaps.len(), 2);
    }
}
