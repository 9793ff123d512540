//! How grave a log line is, and how important an event.
//!
//! Pure. Costs more than all else that is read of an event, so it is asked only where somebody wants to know.

use std::borrow::Cow;

use extension_spec::{LogLevel, event_type};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

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

    /// Of an event, given as its line.
    pub fn of(line: &[u8]) -> Self {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(line) else { return Self::Ordinary };
        let record = event.record.map_or("null", RawValue::get);
        match event.event_type.as_deref().unwrap_or_default() {
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

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

/// Whether what the platform states is no failure.
fn has_succeeded(record: &str) -> bool {
    #[derive(Deserialize)]
    struct Outcome<'a> {
        #[serde(borrow)]
        status: Option<Cow<'a, str>>,
    }
    let outcome = serde_json::from_str::<Outcome<'_>>(record);
    outcome.ok().and_then(|it| it.status).is_none_or(|status| status == "success")
}

/// The level of a log line, given as the JSON text of its `record`: of an object what its `level` says, of a text what
/// Lambda's runtimes for Node and Python put before the message, or what the JSON in it says. None if there is none.
pub(crate) fn level_of(record: &str) -> Option<LogLevel> {
    if record.starts_with('{') {
        return of_object(record);
    }
    let text: Cow<'_, str> = serde_json::from_str::<Text<'_>>(record).ok()?.0;
    if text.starts_with('{') {
        return of_object(&text);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return LogLevel::parse(rest.split_once(']')?.0);
    }
    // Node: time, request, level and message, with tabs between.
    LogLevel::parse(text.split('\t').nth(2)?)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn of_object(text: &str) -> Option<LogLevel> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(alias = "severity", alias = "log.level", alias = "Level")]
        level: Value,
    }
    match serde_json::from_str::<Line>(text).ok()?.level {
        Value::String(word) => LogLevel::parse(&word),
        // Of pino and bunyan.
        Value::Number(number) => match number.as_u64()? {
            0..=10 => Some(LogLevel::Trace),
            11..=20 => Some(LogLevel::Debug),
            21..=30 => Some(LogLevel::Info),
            31..=40 => Some(LogLevel::Warn),
            41..=50 => Some(LogLevel::Error),
            _ => Some(LogLevel::Fatal),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_where_runtimes_and_libraries_write_it() {
        let level = |record: &str| level_of(record).map(LogLevel::word);
        for (record, expected) in [
            (r#"{"timestamp":"t","level":"WARN","message":"m"}"#, Some("warn")),
            (r#"{"level":50,"msg":"pino"}"#, Some("error")),
            (r#"{"severity":"Critical"}"#, Some("fatal")),
            (r#""2026-08-09T12:34:56.789Z\t6d68ca91\tERROR\tboom\n""#, Some("error")),
            (r#""[DEBUG]\t2026-08-09T12:34:56.789Z\t6d68ca91\tmessage""#, Some("debug")),
            (r#""{\"level\":\"info\",\"message\":\"powertools\"}\n""#, Some("info")),
            (r#""plain""#, None),
            (r#""[orders] 3 left""#, None),
            (r#"{"level":true}"#, None),
            (r#"{"message":"no level"}"#, None),
            (r#"{"level":"info","level":"error"}"#, None),
            ("17", None),
        ] {
            assert_eq!(level(record), expected, "{record}");
        }
    }

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
