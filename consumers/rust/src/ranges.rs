//! Sets of numbers as ranges, each with its first and last number. A gap of 10^12 numbers costs one entry. Pure.

use std::collections::BTreeMap;

/// A range of numbers: its first and its last one.
pub type Range = (u64, u64);

/// A set of numbers that takes memory for each gap, not for each number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds a number. Returns false if the set has it already.
    pub fn insert(&mut self, number: u64) -> bool {
        let before = self.0.range(..=number).next_back().map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let after = number.checked_add(1).and_then(|next| self.0.remove(&next));
        self.0.insert(first, after.unwrap_or(number));
        true
    }

    /// Returns true if the set has this number.
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, &last)| number <= last)
    }

    /// Returns true if the numbers are exactly those from 1 to `last`.
    pub(crate) fn is_all_up_to(&self, last: u64) -> bool {
        self.0.len() == 1 && self.0.get(&1) == Some(&last)
    }

    /// Returns the numbers from `first` to `last` that the set does not have, in order.
    pub fn gaps(&self, first: u64, last: u64) -> Vec<Range> {
        let mut found = Vec::new();
        let mut next = first;
        // The range that begins at or before `first` may reach into the period.
        let from = self.0.range(..=first).next_back().map_or(first, |(&start, _)| start);
        for (&start, &end) in self.0.range(from..).take_while(|(start, _)| **start <= last) {
            if start > next {
                found.push((next, start - 1));
            }
            next = next.max(end.saturating_add(1));
        }
        if next <= last {
            found.push((next, last));
        }
        found
    }

    /// Returns the number of ranges.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Returns the numbers that are in both lists. Each is sorted and without overlaps.
pub(crate) fn common(left: &[Range], right: &[Range]) -> Vec<Range> {
    let (mut found, mut i, mut j) = (Vec::new(), 0, 0);
    while let (Some(one), Some(other)) = (left.get(i), right.get(j)) {
        let both = (one.0.max(other.0), one.1.min(other.1));
        if both.0 <= both.1 {
            found.push(both);
        }
        if one.1 < other.1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Returns the numbers of `left` that are not in `right`. Each is sorted and without overlaps.
pub(crate) fn without(left: &[Range], right: &[Range]) -> Vec<Range> {
    let mut rest = Vec::new();
    let mut others = right.iter().copied().peekable();
    for &(mut first, last) in left {
        while others.next_if(|other| other.1 < first).is_some() {}
        while let Some(&(start, end)) = others.peek().filter(|other| other.0 <= last) {
            if start > first {
                rest.push((first, start - 1));
            }
            first = end.saturating_add(1);
            // A range that reaches beyond `last` may hold numbers of the next one, too.
            if end > last {
                break;
            }
            others.next();
        }
        if first <= last {
            rest.push((first, last));
        }
    }
    rest
}

/// Returns how many numbers the ranges hold, which do not overlap.
pub(crate) fn count(ranges: &[Range]) -> u64 {
    ranges.iter().map(|(first, last)| last - first + 1).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(numbers: impl IntoIterator<Item = u64>) -> Ranges {
        let mut ranges = Ranges::default();
        for number in numbers {
            ranges.insert(number);
        }
        ranges
    }

    #[test]
    fn a_million_numbers_in_any_order_are_one_range() {
        let mut ranges = set((1..=1_000_000).filter(|it| it % 2 == 0));
        assert_eq!(ranges.len(), 500_000);
        for number in (1..=1_000_000).rev().filter(|it| it % 2 == 1) {
            assert!(ranges.insert(number));
        }
        assert!(ranges.is_all_up_to(1_000_000));
        assert!(!ranges.insert(7) && ranges.contains(7) && !ranges.contains(1_000_001));
    }

    #[test]
    fn a_huge_number_costs_one_range() {
        let ranges = set([3, (1 << 53) - 1]);
        assert_eq!(ranges.gaps(1, (1 << 53) - 1), [(1, 2), (4, (1 << 53) - 2)]);
    }

    #[test]
    fn gaps_are_those_of_the_period() {
        let ranges = set([1, 2, 3, 6, 7, 11]);
        assert_eq!(ranges.gaps(1, 11), [(4, 5), (8, 10)]);
        assert_eq!(ranges.gaps(2, 9), [(4, 5), (8, 9)]);
        assert_eq!(ranges.gaps(5, 5), [(5, 5)]);
        assert_eq!(ranges.gaps(9, 5), []);
        assert_eq!(set([]).gaps(1, 4), [(1, 4)]);
    }

    fn listed(numbers: &BTreeSet<u64>) -> Vec<Range> {
        set(numbers.iter().copied()).0.into_iter().collect()
    }

    fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
        prop::collection::btree_set(1_u64..60, 0..40)
    }

    fn flat(ranges: &[Range]) -> BTreeSet<u64> {
        ranges.iter().flat_map(|&(first, last)| first..=last).collect()
    }

    proptest! {
        #[test]
        fn ranges_are_what_sets_of_numbers_are(left in numbers(), right in numbers(), first in 1_u64..60, last in 1_u64..60) {
            let (ranges, others) = (listed(&left), listed(&right));
            prop_assert_eq!(flat(&common(&ranges, &others)), &left & &right);
            prop_assert_eq!(flat(&without(&ranges, &others)), &left - &right);
            prop_assert_eq!(count(&ranges), left.len() as u64);
            let due: BTreeSet<u64> = (first..=last).collect();
            prop_assert_eq!(flat(&set(left.iter().copied()).gaps(first, last)), &due - &left);
        }
    }
}
