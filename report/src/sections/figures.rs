//! Figures for people.

use std::fmt::Display;

/// Returns a whole number with commas between thousands.
pub(super) fn number(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a duration with about three digits, and `–` for an unknown one.
pub(super) fn duration(ms: Option<f64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms.abs() < 9.995 => format!("{ms:.2} ms"),
        Some(ms) if ms.abs() < 99.95 => format!("{ms:.1} ms"),
        Some(ms) if ms.abs() < 999.5 => format!("{ms:.0} ms"),
        Some(ms) if ms.abs() < 9_995.0 => format!("{:.2} s", ms / 1e3),
        Some(ms) if ms.abs() < 119_950.0 => format!("{:.1} s", ms / 1e3),
        Some(ms) if ms.abs() < 7_170_000.0 => format!("{:.1} min", ms / 60e3),
        Some(ms) => format!("{:.1} h", ms / 3600e3),
    }
}

/// Returns a size in decimal units.
#[expect(clippy::cast_precision_loss)] // The size is rounded to a tenth.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Returns the date and the time of day in UTC, to the second.
pub(super) fn time(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March, eras have 400 years.
    let day = days + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration, number, time};

    #[test]
    fn thousands_are_separated() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1000), "1,000");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn durations_have_the_unit_that_reads_best() {
        let of = |ms| duration(Some(ms));
        assert_eq!([of(0.5), of(12.34), of(693.92)], ["0.50 ms", "12.3 ms", "694 ms"]);
        assert_eq!([of(1234.0), of(90_000.0)], ["1.23 s", "90.0 s"]);
        assert_eq!([of(180_000.0), of(9e6)], ["3.0 min", "2.5 h"]);
        assert_eq!(duration(None), "–");
    }

    #[test]
    fn sizes_have_decimal_units() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_234), "1.2 KB");
        assert_eq!(bytes(5_250_000), "5.2 MB");
    }

    #[test]
    fn times_are_dates_in_utc() {
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(time(1_786_278_891_694), "2026-08-09 12:34:51");
        assert_eq!(time(-1), "1969-12-31 23:59:59");
        let _ = (time(i64::MIN), time(i64::MAX));
    }
}
