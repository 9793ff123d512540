//! The settings of the function, from its environment variables.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kinesis_telemetry_consumer::Period;

/// The variable with the ARN of the stream.
pub(crate) const STREAM: &str = "STREAM";
/// The variable with the length of the period in seconds.
const PERIOD: &str = "PERIOD_SECONDS";
/// The variable with the seconds that an event may take to arrive.
const SETTLE: &str = "SETTLE_SECONDS";

/// The stream and the period to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The ARN of the stream.
    pub(crate) stream: String,
    /// The length of the period, which ends when the function starts.
    pub(crate) period: Duration,
    /// The time that an event may take to arrive.
    pub(crate) settle: Duration,
}

impl Settings {
    /// Reads the variables. All of them must be set, as the construct does. The period must be long enough to judge events.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = |name: &str| variable(name).with_context(|| format!("{name} is not set"));
        let seconds = |name: &str| {
            let value = text(name)?;
            let seconds = value.parse::<u32>();
            let seconds =
                seconds.with_context(|| format!("{name} is {value:?}: set whole seconds"))?;
            anyhow::Ok(Duration::from_secs(seconds.into()))
        };
        let stream = text(STREAM)?;
        let (period, settle) = (seconds(PERIOD)?, seconds(SETTLE)?);
        let least = Period::too_short(settle);
        ensure!(
            period > least,
            "{PERIOD} is {}, which is too short to judge any event with {SETTLE} {}: set more than {}",
            period.as_secs(),
            settle.as_secs(),
            least.as_secs()
        );
        Ok(Self { stream, period, settle })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: [Option<&str>; 3]) -> Result<Settings> {
        Settings::read(|name| {
            let at = [STREAM, PERIOD, SETTLE].iter().position(|it| *it == name)?;
            values[at].map(str::to_owned)
        })
    }

    #[test]
    fn settings_are_read() {
        let settings = read([Some("arn"), Some("1800"), Some("0")]).unwrap();
        assert_eq!((settings.period, settings.settle), (Duration::from_mins(30), Duration::ZERO));
    }

    #[test]
    fn an_invalid_setting_is_named_with_its_value() {
        for (values, words) in [
            ([None, Some("1"), Some("1")], "STREAM is not set"),
            ([Some("arn"), None, Some("1")], "PERIOD_SECONDS is not set"),
            ([Some("arn"), Some("-1"), Some("1")], "PERIOD_SECONDS is \"-1\": set whole seconds"),
            ([Some("arn"), Some("1"), Some("5m")], "SETTLE_SECONDS is \"5m\": set whole seconds"),
        ] {
            assert_eq!(read(values).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn a_period_without_judged_events_is_refused() {
        let error = read([Some("arn"), Some("310"), Some("300")]).unwrap_err().to_string();
        let words = "PERIOD_SECONDS is 310, which is too short to judge any event with SETTLE_SECONDS 300: set more than 310";
        assert_eq!(error, words);
        assert!(read([Some("arn"), Some("311"), Some("300")]).is_ok());
    }
}
