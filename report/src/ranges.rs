//! Ranges of event numbers, each with its first and last number.

/// Returns the ranges sorted, without overlaps and without reversed ranges.
pub(crate) fn merged(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut sorted: Vec<_> = ranges.iter().copied().filter(|(first, last)| first <= last).collect();
    sorted.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Returns the numbers of `ranges` that are in none of `others`, as merged ranges.
pub(crate) fn without(ranges: &[(u64, u64)], others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let others = merged(others);
    let mut rest = Vec::new();
    for (mut first, last) in merged(ranges) {
        let from = others.partition_point(|other| other.1 < first);
        let mut is_open = true;
        for &(begin, end) in others[from..].iter().take_while(|other| other.0 <= last) {
            if begin > first {
                rest.push((first, begin - 1));
            }
            if end >= last {
                is_open = false;
                break;
            }
            first = end + 1;
        }
        if is_open {
            rest.push((first, last));
        }
    }
    rest
}

/// Returns the count of numbers in ranges, which must not overlap.
pub(crate) fn count(ranges: &[(u64, u64)]) -> u64 {
    ranges
        .iter()
        .fold(0, |sum: u64, (first, last)| sum.saturating_add((last - first).saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::{count, merged, without};

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(merged(&[(5, 6), (1, 2), (3, 4), (9, 8), (6, 7)]), [(1, 7)]);
        assert_eq!(merged(&[(4, 4), (1, 2), (u64::MAX, u64::MAX)]).len(), 3);
    }

    #[test]
    fn explained_numbers_are_removed_from_missing_ranges() {
        assert_eq!(without(&[(1, 10)], &[(3, 4), (8, 20)]), [(1, 2), (5, 7)]);
        assert_eq!(without(&[(1, 10)], &[]), [(1, 10)]);
        assert_eq!(without(&[(1, 10)], &[(0, 11)]), []);
        assert_eq!(without(&[(1, 3), (7, 9)], &[(3, 7)]), [(1, 2), (8, 9)]);
        assert_eq!(without(&[(1, u64::MAX)], &[(2, u64::MAX)]), [(1, 1)]);
    }

    #[test]
    fn the_count_of_all_numbers_does_not_overflow() {
        assert_eq!(count(&[(1, 3), (7, 7)]), 4);
        assert_eq!(count(&[(0, u64::MAX), (0, u64::MAX)]), u64::MAX);
    }
}
