//! The payload, which tells the function what to do.

use serde::Deserialize;
use serde_json::Value;

/// The actions of one invocation. Every member has a default. An unknown member is an error, so that a misspelt one is not ignored.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Payload {
    /// Number of lines to log.
    pub(crate) lines: u32,
    /// Length of each line in bytes. A line is longer if its text requires it.
    pub(crate) bytes: usize,
    /// Level of the lines.
    pub(crate) level: String,
    /// Format of the lines; by default the function's log format.
    pub(crate) format: Option<Format>,
    /// Memory to fill after logging, in MB. It is released when the invocation ends.
    pub(crate) allocate_mb: usize,
    /// Time to sleep after that, in milliseconds.
    pub(crate) sleep_ms: u64,
    /// The way in which the invocation ends.
    pub(crate) end: End,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Text,
    Json,
}

/// The way in which an invocation ends.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// With a result.
    Success,
    /// With an error.
    Fail,
    /// With a panic, which the runtime reports as an error.
    Panic,
    /// With the end of the process.
    Exit,
    /// Never: the function uses up its time.
    Timeout,
}

impl Default for Payload {
    fn default() -> Self {
        Self {
            lines: 3,
            bytes: 100,
            level: "INFO".to_owned(),
            format: None,
            allocate_mb: 0,
            sleep_ms: 0,
            end: End::Success,
        }
    }
}

impl Payload {
    /// Parses a payload. An error names the problem and the allowed members.
    pub(crate) fn parse(value: Value) -> Result<Self, String> {
        serde_json::from_value(value).map_err(|error| {
            format!(
                "cannot use the payload: {error}; it may hold lines, bytes, level, format (text or json), allocateMb, \
                 sleepMs and end (success, fail, panic, exit or timeout)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_payload_is_a_small_ordinary_invocation() {
        assert_eq!(Payload::parse(json!({})), Ok(Payload::default()));
    }

    #[test]
    fn every_member_is_parsed() {
        let payload = json!({
            "lines": 1, "bytes": 2, "level": "WARN", "format": "json", "allocateMb": 4, "sleepMs": 3,
            "end": "timeout",
        });
        let expected = Payload {
            lines: 1,
            bytes: 2,
            level: "WARN".into(),
            format: Some(Format::Json),
            allocate_mb: 4,
            sleep_ms: 3,
            end: End::Timeout,
        };
        assert_eq!(Payload::parse(payload), Ok(expected));
    }

    #[test]
    fn an_unknown_member_or_word_is_reported_with_the_choices() {
        for (payload, name) in
            [(json!({ "line": 3 }), "`line`"), (json!({ "end": "sleep" }), "`sleep`")]
        {
            let error = Payload::parse(payload).unwrap_err();
            assert!(error.contains(name) && error.contains("sleepMs"), "{error}");
        }
    }
}
