//! Defines which invocations' log lines are delivered.

use std::fmt;
use std::time::Duration;

use crate::level::LogLevel;
use crate::value::{Kind, Millis, Value};

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

/// The share of ordinary invocations whose log lines are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Log lines of every invocation are delivered.
    All,
    /// Log lines of invocations whose 64-bit hash is below this are delivered.
    Below(u64),
}

impl Sample {
    /// A regular expression for the text that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str = r"^(0(\.[0-9]+)?|1(\.0+)?)$";

    /// True if the sample contains an invocation with this hash, the first eight bytes of a SHA-256 in big-endian
    /// order.
    pub fn contains(self, hash: u64) -> bool {
        match self {
            Self::All => true,
            Self::Below(threshold) => hash < threshold,
        }
    }
}

impl Value for Sample {
    const KIND: Kind = Kind::Share;
    const EXPECTED: &'static str = "a decimal number from 0 to 1, such as 0.05";
    fn parse(text: &str) -> Option<Self> {
        // `f64::from_str` also accepts `+1`, `1e-2` and `.5`, which other languages read differently.
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if !matches!(whole, "0" | "1") || !is_digits(fraction) {
            return None;
        }
        let share: f64 = text.parse().ok().filter(|share| *share <= 1.0)?;
        if share >= 1.0 {
            return Some(Self::All);
        }
        // Scaling by a power of two is exact. An integer is below the product if it is below the product's ceiling.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the product is at least 0 and below 2^64"
        )]
        Some(Self::Below((share * 2_f64.powi(64)).ceil() as u64))
    }
}

/// The conditions that make an invocation remarkable, so that its log lines are delivered whatever the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// True if failed and timed-out invocations are remarkable.
    pub failed: bool,
    /// The lowest level of a log line that makes its invocation remarkable.
    pub level: Option<LogLevel>,
    /// The duration above which an invocation is remarkable.
    pub slow: Option<Millis>,
}

impl Keep {
    /// A regular expression for one condition that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str =
        r"^(failed|level:(trace|debug|info|warn|error|fatal)|slow:[0-9]{1,15})$";

    /// True if an invocation of this duration counts as slow.
    pub fn is_slow(&self, duration: Duration) -> bool {
        self.slow.is_some_and(|slow| duration > slow.duration())
    }
}

/// Writes the conditions as [`parse`](Value::parse) accepts them.
impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions = [
            self.failed.then(|| "failed".to_owned()),
            self.level.map(|level| format!("level:{}", level.word())),
            self.slow.map(|Millis(ms)| format!("slow:{ms}")),
        ];
        f.write_str(&conditions.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

impl Value for Keep {
    const KIND: Kind = Kind::Conditions;
    const EXPECTED: &'static str = "failed, level:LEVEL such as level:error, or slow:MS such as slow:2000, separated by commas";
    fn parse(text: &str) -> Option<Self> {
        let mut keep = Self { failed: false, level: None, slow: None };
        for condition in text.split(',') {
            match condition.trim().split_once(':') {
                None if condition.trim() == "failed" => keep.failed = true,
                Some(("level", word)) => {
                    let level = LogLevel::ALL.into_iter().find(|level| level.word() == word)?;
                    // If two levels are named, the lower one counts.
                    keep.level = Some(keep.level.map_or(level, |other| other.min(level)));
                }
                Some(("slow", ms)) if (1..=15).contains(&ms.len()) => {
                    let ms = Millis::parse(ms)?;
                    keep.slow = Some(keep.slow.map_or(ms, |other| other.min(ms)));
                }
                _ => return None,
            }
        }
        Some(keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_threshold_for_64_bits() {
        let sample = |text| Sample::parse(text).unwrap();
        for (text, all) in [("1", true), ("1.0", true), ("1.000", true), ("0.9999", false)] {
            assert_eq!(sample(text) == Sample::All, all, "{text}");
        }
        assert_eq!(sample("0"), Sample::Below(0));
        assert_eq!(sample("0.5"), Sample::Below(1 << 63));
        assert!(sample("0.5").contains((1 << 63) - 1) && !sample("0.5").contains(1 << 63));
        assert!(!sample("0.0").contains(0) && sample("1").contains(u64::MAX));
        for bad in
            ["", "2", "1.1", "-0.5", "+0.5", ".5", "0.", "5e-1", "0,5", "50 %", "NaN", "01", "0x1"]
        {
            assert_eq!(Sample::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn conditions_are_named_and_the_wider_of_two_counts() {
        let keep = Keep::parse("failed,level:error").unwrap();
        assert_eq!(keep, Keep { failed: true, level: Some(LogLevel::Error), slow: None });
        assert_eq!(keep.to_string(), "failed,level:error");
        let keep = Keep::parse("slow:2000, level:error,level:warn,slow:100").unwrap();
        let slow = Some(Millis(100));
        assert_eq!(keep, Keep { failed: false, level: Some(LogLevel::Warn), slow });
        assert_eq!(keep.to_string(), "level:warn,slow:100");
        let [exactly, longer] = [100_000, 100_001].map(Duration::from_micros);
        assert!(!keep.is_slow(exactly) && keep.is_slow(longer));
        for bad in [
            "",
            "fail",
            "failed,",
            "level",
            "level:",
            "level:loud",
            "slow:",
            "slow:1.5",
            "slow:-1",
            "Failed",
            "failed:1",
        ] {
            assert_eq!(Keep::parse(bad), None, "{bad:?}");
        }
    }
}
