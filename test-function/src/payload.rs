//! The payload: what the function is to do.

use serde::Deserialize;
use serde_json::Value;

/// Every member has a default; an unknown one is an error, so that a misspelt request does not pass for a small one.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Payload {
    /// How many lines to log.
    pub(crate) lines: u32,
    /// Length of each line in bytes, at least; a line that says what it must is never shorter.
    pub(crate) bytes: usize,
    /// Level of the lines.
    pub(crate) level: String,
    /// Format of the lines; by default the function's log format.
    pub(crate) format: Option<Format>,
    /// How much memory to fill after logging, in MB. It is free again when the invocation ends.
    pub(crate) allocate_mb: usize,
    /// How long to sleep after that, in milliseconds.
    pub(crate) sleep_ms: u64,
    /// How to end.
    pub(crate) end: End,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Text,
    Json,
}

/// How the invocation ends.
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
    /// Reads it; says what is wrong with it, and what can be asked for.
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
    fn every_member_is_understood() {
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
    fn an_unknown_member_or_word_is_named_with_what_there_is() {
        for (payload, name) in
            [(json!({ "line": 3 }), "`line`"), (json!({ "end": "sleep" }), "`sleep`")]
        {
            let error = Payload::parse(payload).unwrap_err();
            assert!(error.contains(name) && error.contains("sleepMs"), "{error}");
        }
    }
}
