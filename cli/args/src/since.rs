//! The start of a period: `5m`, `2h`, `1d`, a number of seconds, or a timestamp.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// The start of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This long before the command started.
    Ago(Duration),
    /// A point in time.
    At(SystemTime),
}

impl Since {
    /// Returns the point in time for a command that started at `now`, 1970 at the earliest.
    pub fn start(self, now: SystemTime) -> SystemTime {
        match self {
            Self::Ago(ago) => {
                now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH).max(SystemTime::UNIX_EPOCH)
            }
            Self::At(time) => time,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_year = text.len() == 4 && text.starts_with(['1', '2']);
        if let Some(seconds) = text.parse().ok().filter(|_| !is_year) {
            return Ok(Self::Ago(Duration::from_secs(seconds)));
        }
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        timestamp(text).map(Self::At).ok_or_else(|| {
            "set a duration (30s, 5m, 2h, 1d) or a timestamp (2026-11-29T12:00:00Z, 2026-11-29T12:00:00+01:00, 2026-11-29)".to_owned()
        })
    }
}

/// Parses RFC 3339 with any offset. Also accepts a space instead of the `T`, no zone (UTC), or a date alone.
fn timestamp(text: &str) -> Option<SystemTime> {
    if text.len() == "2026-11-29".len() {
        return humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    }
    let (local, offset) = match text.rfind(['+', '-']).filter(|&at| at > "2026-11-29T".len()) {
        Some(at) => (&text[..at], offset(&text[at..])?),
        None => (text, 0),
    };
    let time = humantime::parse_rfc3339_weak(local).ok()?;
    let shift = Duration::from_secs(offset.unsigned_abs());
    if offset < 0 { time.checked_add(shift) } else { time.checked_sub(shift) }
}

/// Parses an offset such as `+01:00` or `-0730`, and returns the seconds that it is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replacen(':', "", 1);
    let (hours, minutes) = digits.split_at_checked(2)?;
    let number = |text: &str, most: i64| {
        let is_number = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        text.parse::<i64>().ok().filter(|it| is_number && *it <= most)
    };
    let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Since {
        Since::At(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn durations_and_timestamps_of_any_zone_are_read() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("2h", 7_200),
            ("1d", 86_400),
            ("600", 600),
            ("1h30m", 5_400),
        ] {
            assert_eq!(text.parse(), Ok(Since::Ago(Duration::from_secs(seconds))), "{text}");
        }
        let noon = 1_795_953_600;
        for text in [
            "2026-11-29T12:00:00Z",
            "2026-11-29 12:00:00",
            "2026-11-29T13:00:00+01:00",
            "2026-11-29T04:30:00-0730",
            "2026-11-29T12:00:00.000Z",
        ] {
            assert_eq!(text.parse(), Ok(at(noon)), "{text}");
        }
        assert_eq!("2026-11-29".parse(), Ok(at(noon - 43_200)));
    }

    #[test]
    fn nonsense_is_refused_with_examples() {
        for text in [
            "",
            "soon",
            "2026",
            "2026-13-01",
            "2026-11-29T12:00:00+25:00",
            "2026-11-29T12:00:00+é1",
            "-5m",
            "١٢",
        ] {
            assert!(text.parse::<Since>().unwrap_err().contains("5m"), "{text}");
        }
    }

    #[test]
    fn a_start_before_1970_is_1970() {
        let since = Since::Ago(Duration::MAX);
        assert_eq!(since.start(SystemTime::now()), SystemTime::UNIX_EPOCH);
    }
}
