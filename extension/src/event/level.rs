//! Determines the level of a log line and the importance of an event.
//!
//! Pure. It costs more than reading anything else of an event, so it is only called where the result is needed.

use extension_spec::{LogLevel, event_type};
use serde_json::Value;

use crate::base::json;

/// The importance of events, in the order in which they are discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Debug lines, and platform events without a failure.
    Chatter,
    /// Other log lines, and unknown types of events.
    Ordinary,
    /// Warnings.
    Warning,
    /// Errors, failures, reports, and the extension's own events.
    Essential,
}

impl Importance {
    /// All values, the first to be discarded first.
    pub const ALL: [Self; 4] = [Self::Chatter, Self::Ordinary, Self::Warning, Self::Essential];

    /// Returns the importance of an event, given as its line.
    pub fn of(line: &[u8]) -> Self {
        let line = std::str::from_utf8(line).unwrap_or_default();
        let [event_type, record] = json::values(line, ["type", "record"]);
        let record = record.unwrap_or("null");
        match &*event_type.and_then(json::text).unwrap_or_default() {
            "function" | "extension" => match level_of(record) {
                Some(LogLevel::Trace | LogLevel::Debug) => Self::Chatter,
                Some(LogLevel::Info) | None => Self::Ordinary,
                Some(LogLevel::Warn) => Self::Warning,
                Some(LogLevel::Error | LogLevel::Fatal) => Self::Essential,
            },
            "platform.report"
            | "platform.initReport"
            | "platform.restoreReport"
            | "platform.fault"
            | "platform.logsDropped" => Self::Essential,
            it if it.starts_with(event_type::PREFIX) => Self::Essential,
            it if it.starts_with("platform.") && has_succeeded(record) => Self::Chatter,
            it if it.starts_with("platform.") => Self::Essential,
            _ => Self::Ordinary,
        }
    }
}

/// True if the platform's data states no failure.
fn has_succeeded(record: &str) -> bool {
    let [status] = json::values(record, ["status"]);
    status.is_none_or(|status| status == r#""success""#)
}

/// Returns the level of a log line, given as the JSON text of its `record`; none if it is unknown. In an object, the
/// members of [`LogLevel::MEMBERS`] state it. In a text, [`LogLevel::of_text`] finds it, or JSON in the text states it.
pub(crate) fn level_of(record: &str) -> Option<LogLevel> {
    if record.starts_with('{') {
        return of_members(record, true);
    }
    let text = json::text(record)?;
    if text.starts_with('{') {
        of_members(json::value(&text)?, true)
    } else {
        LogLevel::of_text(&text)
    }
}

/// Reads the members of an object and of the object in its `log` member, but no deeper, because nesting is unbounded.
fn of_members(object: &str, may_nest: bool) -> Option<LogLevel> {
    let (mut words, mut numbers, mut is_gelf) = (None, Vec::new(), false);
    for (name, value) in json::members(object) {
        let name = &*json::text(name)?;
        is_gelf |= LogLevel::GELF_MEMBERS.contains(&name);
        if let Some(member) = LogLevel::MEMBERS.into_iter().find(|member| *member == name) {
            if let Some(word) = json::text(value) {
                words = words.max(LogLevel::parse(&word));
            } else if let Value::Number(number) = serde_json::from_str(value).ok()? {
                numbers.extend(number.as_i64().map(|number| (member, number)));
            }
        } else if name == "log" && may_nest {
            // The Elastic Common Schema also allows this form.
            words = words.max(of_members(value, false));
        }
    }
    // The meaning of a number depends on the other members.
    let of_number = |(member, number): &(&str, i64)| LogLevel::of_number(member, *number, is_gelf);
    words.max(numbers.iter().filter_map(of_number).max())
}

#[cfg(test)]
mod loggers;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_lines_are_discarded_first_and_errors_last() {
        let importance = |event: &str| Importance::of(event.as_bytes());
        let function = |level: &str| {
            importance(&format!(r#"{{"type":"function","record":{{"level":"{level}"}}}}"#))
        };
        let platform = |name: &str, record: &str| {
            importance(&format!(r#"{{"type":"platform.{name}","record":{record}}}"#))
        };
        let chatter = [
            function("DEBUG"),
            platform("start", "{}"),
            platform("runtimeDone", r#"{"status":"success"}"#),
        ];
        assert_eq!(chatter, [Importance::Chatter; 3]);
        assert_eq!(function("INFO"), Importance::Ordinary);
        assert_eq!(importance(r#"{"type":"of tomorrow"}"#), Importance::Ordinary);
        assert_eq!(function("WARN"), Importance::Warning);
        let essential = [
            function("ERROR"),
            platform("report", r#"{"status":"success"}"#),
            platform("fault", "\"gone\""),
            platform("runtimeDone", r#"{"status":"timeout"}"#),
            importance(r#"{"type":"kinesis-telemetry.ledger"}"#),
        ];
        assert_eq!(essential, [Importance::Essential; 5]);
    }
}
