//! The widths of columns that share a line. Pure.

use std::borrow::Cow;
use std::cmp::Reverse;

use textwrap::core::display_width;

use super::GAP;

/// A column and the width that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Width below which other columns are omitted first.
    pub(super) comfortable: usize,
    /// Width below which the column is useless.
    pub(super) least: usize,
    /// The position in the order in which columns are omitted, if the column can be omitted.
    pub(super) dropped: Option<u8>,
}

/// Returns the widths of columns, given the widths of their cells and of the line; `None` for a column that is omitted.
pub(super) fn fitted<const N: usize>(
    columns: &[Column; N],
    natural: [usize; N],
    most: usize,
) -> [Option<usize>; N] {
    let mut widths = natural.map(Some);
    let total = |widths: &[Option<usize>; N]| {
        let shown = widths.iter().flatten();
        shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
    };
    shrink(&mut widths, most, &total, |index| columns[index].comfortable);
    let mut order: Vec<_> = (0..N).filter(|it| columns[*it].dropped.is_some()).collect();
    order.sort_by_key(|it| columns[*it].dropped);
    for index in order {
        if total(&widths) > most {
            widths[index] = None;
        }
    }
    shrink(&mut widths, most, &total, |index| columns[index].least);
    // The remaining columns of the last step go to the columns on the left.
    for index in 0..N {
        let left = most.saturating_sub(total(&widths));
        if let Some(width) = &mut widths[index] {
            *width = natural[index].min(*width + left);
        }
    }
    widths
}

/// Shrinks columns down to `least`, the widest first, until all fit.
fn shrink<const N: usize>(
    widths: &mut [Option<usize>; N],
    most: usize,
    total: &impl Fn(&[Option<usize>; N]) -> usize,
    least: impl Fn(usize) -> usize,
) {
    let mut order: Vec<_> = (0..N).collect();
    order.sort_by_key(|it| Reverse(widths[*it]));
    for index in order {
        let excess = total(widths).saturating_sub(most);
        if let Some(width) = &mut widths[index] {
            *width = (*width).min(least(index).max(width.saturating_sub(excess)));
        }
    }
}

/// Shortens a value to at most `width` columns. It omits the middle, because names of a stack's functions differ at the end.
pub(super) fn shortened(value: &str, width: usize) -> Cow<'_, str> {
    if display_width(value) <= width {
        return value.into();
    }
    let characters: Vec<char> = value.chars().collect();
    // A wide character takes two columns, so fewer fit.
    let mut kept = width.saturating_sub(1);
    loop {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let tail = &characters[characters.len().saturating_sub(tail)..];
        let short: String = characters.iter().take(head).chain(&['…']).chain(tail).collect();
        if display_width(&short) <= width || kept == 0 {
            return short.into();
        }
        kept -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { comfortable: 20, least: 5, dropped: None },
        Column { comfortable: 4, least: 4, dropped: None },
        Column { comfortable: 10, least: 10, dropped: Some(0) },
    ];

    #[test]
    fn columns_shrink_before_one_is_omitted() {
        let of = |most| fitted(&COLUMNS, [30, 4, 12], most);
        assert_eq!(of(50), [Some(30), Some(4), Some(12)]);
        assert_eq!(of(45), [Some(25), Some(4), Some(12)]);
        assert_eq!(of(38), [Some(20), Some(4), Some(10)]);
        assert_eq!(of(37), [Some(30), Some(4), None]);
        assert_eq!(of(20), [Some(14), Some(4), None]);
        assert_eq!(of(1), [Some(5), Some(4), None]);
    }

    #[test]
    fn a_long_value_keeps_its_beginning_and_end() {
        assert_eq!(shortened("orders", 6), "orders");
        assert_eq!(shortened("shop-prod-orders-8F3C", 11), "shop-…-8F3C");
        assert_eq!(shortened("東京東京東京", 5), "東…京");
        assert_eq!(shortened("abc", 1), "…");
    }
}
