//! Events as text: a log line split into its parts, or a platform event as Lambda's own line. Pure.

mod platform;

use std::fmt::Write as _;

use extension_spec::LogLevel;
use kinesis_telemetry_consumer::Event;
use serde_json::{Map, Value};

/// Number of words at the start of a text that are searched for its level.
const WORDS: usize = 8;
/// Number of bytes of an event that are searched for a request ID.
const HEAD: usize = 300;
/// Members of a JSON log line that hold its text, in order of preference.
const TEXTS: [&str; 8] =
    ["message", "msg", "Message", "@m", "short_message", "errorMessage", "event", "text"];
/// Members that hold a stack trace, as lines or as one text.
const STACKS: [&str; 7] =
    ["stackTrace", "stack_trace", "stack", "stacktrace", "exception", "exc_info", "trace"];
/// Members that repeat fields of the event.
const KNOWN: [&str; 9] = [
    "timestamp",
    "time",
    "ts",
    "@timestamp",
    "@t",
    "requestId",
    "request_id",
    "AWSRequestId",
    "function_request_id",
];

/// An event as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The level of a log line, if it is known.
    pub level: Option<LogLevel>,
    /// The text without time, request ID and level. It may have several lines.
    pub text: String,
    /// Further members of a JSON log line, as `name=value`.
    pub members: String,
    /// The stack trace of a JSON log line, or nothing.
    pub stack: String,
    /// True for a platform event with a status other than success.
    pub is_failure: bool,
}

impl Line {
    /// Returns an event as text.
    pub fn of(event: &Event) -> Self {
        let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
        let record = &parsed["record"];
        if is_log_line(event) {
            return Self::of_record(record);
        }
        let is_failure = record["status"].as_str().is_some_and(|status| status != "success");
        Self { text: platform::line(&event.kind, record), is_failure, ..Self::default() }
    }

    fn of_record(record: &Value) -> Self {
        match record {
            Value::String(text) => match serde_json::from_str(text) {
                // The function logs JSON although its log format is "text".
                Ok(Value::Object(members)) if text.starts_with('{') => Self::of_members(&members),
                _ => Self::of_text(text.trim_end()),
            },
            Value::Object(members) => Self::of_members(members),
            Value::Null => Self::default(),
            other => Self { text: other.to_string(), ..Self::default() },
        }
    }

    fn of_text(text: &str) -> Self {
        let level = level_of_text(text);
        let text = level.map_or(text, |_| without_prefix(text));
        Self { level, text: text.to_owned(), ..Self::default() }
    }

    fn of_members(members: &Map<String, Value>) -> Self {
        let is_gelf = LogLevel::GELF_MEMBERS.iter().any(|name| members.contains_key(*name));
        let stated = LogLevel::MEMBERS.iter().filter_map(|name| match members.get(*name)? {
            Value::String(word) => LogLevel::parse(word),
            Value::Number(number) => LogLevel::of_number(name, number.as_i64()?, is_gelf),
            _ => None,
        });
        let nested = || LogLevel::parse(members.get("log")?.get("level")?.as_str()?);
        let level = stated.chain(nested()).max();
        let text_of =
            TEXTS.iter().copied().find(|name| members.get(*name).is_some_and(Value::is_string));
        let stack_of = STACKS.iter().copied().find(|name| members.get(*name).is_some_and(is_stack));
        let mut line = Self {
            level,
            text: text_of.map(|name| plain_value(&members[name])).unwrap_or_default(),
            members: String::new(),
            stack: stack_of.map(|name| stack(&members[name])).unwrap_or_default(),
            is_failure: false,
        };
        for (name, value) in members {
            let is_shown = Some(name.as_str()) == text_of
                || Some(name.as_str()) == stack_of
                || KNOWN.contains(&name.as_str())
                || (LogLevel::MEMBERS.contains(&name.as_str()) && level.is_some());
            if !is_shown {
                let space = if line.members.is_empty() { "" } else { " " };
                _ = write!(line.members, "{space}{name}={}", member_value(value));
            }
        }
        line
    }
}

/// Returns the request ID of an event: its own, or for a log line the first UUID near the beginning of its text, where Lambda's
/// text formats put it. The extension omits the ID if a line may belong to two invocations.
pub fn request_id(event: &Event) -> Option<&str> {
    let of_text = || {
        let head = event.text.get(..event.text.floor_char_boundary(HEAD))?;
        let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
        head.split(|c| !is_part(c)).find(|word| is_uuid(word))
    };
    event.request_id.as_deref().or_else(|| is_log_line(event).then(of_text).flatten())
}

fn is_uuid(word: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    word.len() == 36 && word.bytes().enumerate().all(is_right)
}

/// Returns true for events that a function or an extension logged.
pub fn is_log_line(event: &Event) -> bool {
    matches!(event.kind.as_str(), "function" | "extension")
}

fn is_stack(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().contains('\n'),
        Value::Array(lines) => !lines.is_empty() && lines.iter().all(Value::is_string),
        _ => false,
    }
}

fn stack(value: &Value) -> String {
    match value {
        Value::Array(lines) => {
            // Lines of a Python stack trace end with line breaks and may contain some.
            let lines = lines.iter().filter_map(Value::as_str).map(str::trim_end);
            lines.collect::<Vec<_>>().join("\n")
        }
        other => plain_value(other),
    }
}

fn plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim_end().to_owned())
}

/// Returns a value for `name=value`. A text is quoted if its end would be ambiguous.
fn member_value(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains([' ', '"', '=', '\n', '\t']) => {
            text.to_owned()
        }
        _ => value.to_string(),
    }
}

fn level_of_text(text: &str) -> Option<LogLevel> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|it| !it.is_empty());
    // Libraries write levels in capitals; sentences rarely contain such words.
    let mut loud = words.take(WORDS).filter(|it| it.chars().all(|c| c.is_ascii_uppercase()));
    LogLevel::of_text(text).or_else(|| loud.find_map(LogLevel::parse))
}

/// Removes the time, request ID and level that Lambda's runtimes write: `[INFO]\tTIME\tID\ttext` (Python) and
/// `TIME\tID\tINFO\ttext` (Node).
fn without_prefix(text: &str) -> &str {
    let mut rest = text;
    while let Some((field, after)) = rest.split_once('\t') {
        let word = field.trim_start_matches('[').trim_end_matches(']');
        if !(is_time(word) || is_request_id(word) || LogLevel::parse(word).is_some()) {
            break;
        }
        rest = after;
    }
    if rest.len() < text.len() {
        return rest;
    }
    // `[ERROR] text`, as frameworks write it.
    let bracket = text.strip_prefix('[').and_then(|it| it.split_once(']'));
    match bracket {
        Some((word, after)) if LogLevel::parse(word).is_some() => after.trim_start(),
        _ => text,
    }
}

fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[10] == b'T'
}

fn is_request_id(word: &str) -> bool {
    is_uuid(word) || word == "undefined"
}

#[cfg(test)]
mod tests;
