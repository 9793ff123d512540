//! How grave a log line is, and how important an event.
//!
//! Pure. Costs more than all else that is read of an event, so it is asked only where somebody wants to know.

use extension_spec::{LogLevel, event_type};
use serde_json::Value;

use crate::base::json;

/// Events in the order in which they are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Lines for debugging, and what the platform says about the ordinary course.
    Chatter,
    /// Other lines, and what is new to us.
    Ordinary,
    /// Warnings.
    Warning,
    /// Errors, faults, reports, and what we ourselves have to say.
    Essential,
}

impl Importance {
    /// All of them, the first to be given up first.
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

/// Whether what the platform states is no failure.
fn has_succeeded(record: &str) -> bool {
    let [status] = json::values(record, ["status"]);
    status.is_none_or(|status| status == r#""success""#)
}

/// The level of a log line, given as the JSON text of its `record`: of an object, what the members of
/// [`LogLevel::MEMBERS`] state; of a text, what [`LogLevel::of_text`] finds, or what the JSON in it states. None if it cannot be
/// told.
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

/// Reads the members of an object, and of one within it, but not of one within that: a line may be nested without end.
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
            // As the Elastic Common Schema also allows.
            words = words.max(of_members(value, false));
        }
    }
    // What numbers mean depends on the other members.
    let of_number = |(member, number): &(&str, i64)| LogLevel::of_number(member, *number, is_gelf);
    words.max(numbers.iter().filter_map(of_number).max())
}

#[cfg(test)]
mod loggers;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debugging_and_platform_chatter_are_given_up_first_and_errors_and_reports_last() {
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
