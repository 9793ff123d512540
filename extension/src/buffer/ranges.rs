//! Sets of numbers in bounded memory.
//!
//! Pure. A consumer that misses an event looks here to see whether it was discarded. A range may cover too many numbers
//! but never too few, and states how many of its numbers belong to the set.

use std::collections::BTreeMap;

use serde_json::json;

/// The maximum number of ranges. Beyond it the nearest ranges are merged, because each takes some 40 bytes in every
/// ledger.
const MOST: usize = 100;

/// A set of numbers as ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<u64, Range>);

/// A range from its key to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    last: u64,
    /// The number of members in the range.
    events: u64,
}

impl Ranges {
    /// Adds `events` numbers between `first` and `last`.
    pub fn add(&mut self, first: u64, last: u64, events: u64) {
        let (mut first, mut added) = (first, Range { last, events });
        // Ranges that touch or overlap are merged.
        while let Some((&start, &range)) = self.0.range(..=added.last.saturating_add(1)).next_back()
        {
            if range.last.saturating_add(1) < first {
                break;
            }
            self.0.remove(&start);
            first = first.min(start);
            added = Range { last: added.last.max(range.last), events: added.events + range.events };
        }
        self.0.insert(first, added);
        if self.0.len() > MOST {
            self.draw_together();
        }
    }

    /// True if this number may be a member.
    #[cfg(test)]
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, range)| number <= range.last)
    }

    /// Returns the ranges as JSON: a list of `first`, `last` and `events`.
    pub fn record(&self) -> serde_json::Value {
        let range = |(first, Range { last, events }): (&u64, &Range)| json!({ "first": first, "last": last, "events": events });
        self.0.iter().map(range).collect()
    }

    /// Merges the two ranges with the smallest gap.
    fn draw_together(&mut self) {
        let gap = |((_, left), (start, _)): &((&u64, &Range), (&u64, &Range))| *start - left.last;
        let nearest = self.0.iter().zip(self.0.iter().skip(1)).min_by_key(gap);
        let Some(((&first, &left), (&start, &right))) = nearest else { return };
        self.0.remove(&start);
        self.0.insert(first, Range { last: right.last, events: left.events + right.events });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(numbers: &[u64]) -> Ranges {
        let mut ranges = Ranges::default();
        for number in numbers {
            ranges.add(*number, *number, 1);
        }
        ranges
    }

    #[test]
    fn neighbours_become_one_range() {
        let ranges = ranges(&[3, 1, 2, 7, 5, 6]);
        let expected = json!([
            { "first": 1, "last": 3, "events": 3 },
            { "first": 5, "last": 7, "events": 3 },
        ]);
        assert_eq!(ranges.record(), expected);
    }

    #[test]
    fn a_sparse_range_states_how_many_numbers_belong_to_it() {
        let mut ranges = Ranges::default();
        ranges.add(10, 20, 4);
        ranges.add(15, 30, 2);
        assert_eq!(ranges.record(), json!([{ "first": 10, "last": 30, "events": 6 }]));
    }

    proptest! {
        #[test]
        fn no_number_is_lost_and_the_counts_agree(
            numbers in prop::collection::btree_set(0_u64..5_000, 0..600),
        ) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let ranges = ranges(&numbers);
            prop_assert!(numbers.iter().all(|number| ranges.contains(*number)));
            prop_assert!(ranges.0.len() <= MOST);
            prop_assert_eq!(ranges.0.values().map(|it| it.events).sum::<u64>(), numbers.len() as u64);
        }
    }
}
