//! Figures as short texts. Pure.

use kinesis_telemetry_stream::thousands;
use kinesis_telemetry_terminal::plain;
use textwrap::core::display_width;

/// Returns a count in at most seven characters: 999,999, then 1.2M.
pub(super) fn count(number: u64) -> String {
    match number {
        0..1_000_000 => thousands(usize::try_from(number).unwrap_or(usize::MAX)),
        _ => scaled(number, &[(1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T")]),
    }
}

/// Returns a rate: one decimal below 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A cast from a float saturates at the bounds of the integer.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_owned(),
        it if it < 99.95 => format!("{it:.1}"),
        it => count(it.round() as u64),
    }
}

/// Returns bytes, in units of 1,000.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A cast from a float saturates at the bounds of the integer.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes.round() as u64 {
        small @ 0..1_000 => format!("{small} B"),
        large => scaled(
            large,
            &[
                (1_000, " kB"),
                (1_000_000, " MB"),
                (1_000_000_000, " GB"),
                (1_000_000_000_000, " TB"),
            ],
        ),
    }
}

/// Returns a duration in its largest unit: 834 ms, 1.2 s, 3.5 min, 2.1 h, 4.0 d.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => scaled(ms, &[(1_000, " s"), (60_000, " min"), (3_600_000, " h"), (86_400_000, " d")]),
    }
}

/// Returns a number in the largest unit that is not larger: with one decimal below 100.
fn scaled(number: u64, units: &[(u64, &str)]) -> String {
    let unit = units.iter().rev().find(|(size, _)| number >= *size).or(units.first());
    let Some((size, unit)) = unit else { return number.to_string() };
    let (whole, tenths) = (number / size, number % size / (size / 10));
    if whole < 100 {
        format!("{whole}.{tenths}{unit}")
    } else {
        format!("{}{unit}", whole.min(99_999))
    }
}

/// Returns the number of columns of a text, as [`plain`] shows it.
pub(super) fn width(text: &str) -> usize {
    display_width(&plain(text))
}

/// Returns a text of exactly `columns` columns: filled with spaces on the right, or cut, with `…` at its end.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let text = plain(text);
    let width = display_width(&text);
    if width <= columns {
        return format!("{text}{}", " ".repeat(columns - width));
    }
    let mut cut = String::new();
    let mut width = 0;
    for c in text.chars() {
        let more = display_width(c.encode_utf8(&mut [0; 4]));
        if width + more + 1 > columns {
            break;
        }
        cut.push(c);
        width += more;
    }
    if width < columns {
        cut.push('…');
        width += 1;
    }
    cut + &" ".repeat(columns.saturating_sub(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stay_short() {
        let shown = [0, 999_999, 1_000_000, 12_345_678, 123_456_789_000, u64::MAX].map(count);
        assert_eq!(shown, ["0", "999,999", "1.0M", "12.3M", "123G", "99999T"]);
    }

    #[test]
    fn rates_and_bytes_have_three_digits() {
        let shown = [0.0, 0.04, 7.25, 99.94, 100.4, 12_345.6, f64::MAX].map(rate);
        assert_eq!(shown, ["0", "0.0", "7.2", "99.9", "100", "12,346", "99999T"]);
        let shown = [0.0, 834.2, 1_234.0, 123_456.0, 1e9, f64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "834 B", "1.2 kB", "123 kB", "1.0 GB", "99999 TB"]);
    }

    #[test]
    fn durations_have_their_largest_unit() {
        let shown = [0, 834, 1_250, 59_999, 210_000, 7_560_000, 345_600_000].map(duration);
        assert_eq!(shown, ["0 ms", "834 ms", "1.2 s", "59.9 s", "3.5 min", "2.1 h", "4.0 d"]);
    }

    #[test]
    fn texts_of_every_script_fit_their_columns() {
        for (text, columns, expected) in [
            ("orders", 8, "orders  "),
            ("orders", 6, "orders"),
            ("orders", 5, "orde…"),
            ("東京都", 5, "東京…"),
            ("東京都", 4, "東… "),
            ("a\u{1b}[2Jb\nc", 9, "a\u{fffd}[2Jb c "),
            ("ab", 0, ""),
        ] {
            assert_eq!(fitted(text, columns), expected, "{text:?}");
        }
    }
}
