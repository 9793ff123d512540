//! One line of the extension in a log group, and its grouping with equal lines. Pure.

use std::collections::BTreeMap;

use extension_spec::LOG_PREFIX;
use serde::Serialize;
use serde_json::Value;

use crate::age::age;

/// Number of characters of a message that are kept.
const CHARACTERS: usize = 1_000;

/// A message and its occurrences. Messages that differ only in numbers count as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) level: Level,
    /// The text of the newest occurrence.
    pub(crate) text: String,
    pub(crate) count: usize,
    /// The time of the newest occurrence, in milliseconds since 1970.
    pub(crate) newest_ms: i64,
}

/// The levels of the extension's own lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A line of the extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    level: Level,
    text: String,
    /// The time at which it was logged, in milliseconds since 1970.
    pub(super) at_ms: i64,
}

impl Level {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl Message {
    /// Returns the message with its level, how often it was logged, and when.
    pub(crate) fn described(&self, now_ms: i64) -> String {
        let Self { level, text, count, newest_ms } = self;
        let times = if *count > 1 { format!("{count} times, last ") } else { String::new() };
        format!("{} {times}{} ago: {text}", level.word(), age(*newest_ms, now_ms))
    }

    /// Returns true if this message reports the end of an earlier message's problem.
    pub(crate) fn ends(&self, earlier: &Self) -> bool {
        let of = |text: &str, words: &str| text.split_once(words).map(|(what, _)| what.to_owned());
        let what = of(&self.text, "delivered again");
        what.is_some()
            && what == of(&earlier.text, "not delivered")
            && self.newest_ms >= earlier.newest_ms
    }

    /// Returns true if this message reports the end of a problem.
    pub(crate) fn is_an_end(&self) -> bool {
        self.text.contains(" delivered again")
    }
}

impl Line {
    /// Parses a line of a log group, as text or as a value of a JSON document. Returns `None` if the extension did not write it.
    pub(super) fn of(line: &str, at_ms: i64) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('{') {
            return Self::of_value(&serde_json::from_str(line).ok()?, at_ms);
        }
        let (word, text) = line.strip_prefix(LOG_PREFIX)?.trim_start().split_once(' ')?;
        let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
        let level = levels.into_iter().find(|it| it.word() == word)?;
        Some(Self { level, text: text.trim().chars().take(CHARACTERS).collect(), at_ms })
    }

    fn of_value(value: &Value, at_ms: i64) -> Option<Self> {
        match value {
            Value::String(text) if text.trim_start().starts_with(LOG_PREFIX) => {
                Self::of(text, at_ms)
            }
            Value::Object(members) => members.values().find_map(|it| Self::of_value(it, at_ms)),
            _ => None,
        }
    }

    /// Returns the key by which equal lines are grouped: the text without numbers, identifiers and the version of the extension.
    fn key(&self) -> (Level, String) {
        let text = self.text.split_once(" (version ").map_or(self.text.as_str(), |(it, _)| it);
        let words = text.split_inclusive(|c: char| !c.is_alphanumeric());
        let same = words.map(|word| {
            let end = word.trim_start_matches(char::is_alphanumeric);
            if word.contains(|c: char| c.is_ascii_digit()) {
                format!("#{end}")
            } else {
                word.to_owned()
            }
        });
        (self.level, same.collect())
    }
}

/// Returns the distinct messages of sorted lines, the newest first.
pub(super) fn grouped(lines: Vec<Line>) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut known = BTreeMap::new();
    for line in lines {
        let index = *known.entry(line.key()).or_insert(messages.len());
        match messages.get_mut(index) {
            Some(message) => message.count += 1,
            None => messages.push(Message {
                level: line.level,
                text: line.text,
                count: 1,
                newest_ms: line.at_ms,
            }),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<(Level, String)> {
        Line::of(text, 0).map(|it| (it.level, it.text))
    }

    #[test]
    fn own_lines_are_found_in_text_and_json() {
        let expected = Some((Level::Warn, "check the settings: X".to_owned()));
        let own = "[kinesis-telemetry-extension] WARN check the settings: X";
        let document = |value: Value| line(&value.to_string());
        assert_eq!(line(&format!("{own}\n")), expected);
        assert_eq!(document(serde_json::json!({ "type": "extension", "record": own })), expected);
        assert_eq!(document(serde_json::json!({ "record": { "message": own } })), expected);
    }

    #[test]
    fn lines_that_only_mention_the_prefix_are_ignored() {
        for other in [
            "INFO saw [kinesis-telemetry-extension] WARN x",
            "[kinesis-telemetry-extension] loud x",
            "[kinesis-telemetry-extension]",
            "{\"message\":\"about [kinesis-telemetry-extension] WARN x\"}",
            "{\"broken\":",
            "",
        ] {
            assert_eq!(line(other), None, "{other}");
        }
    }

    #[test]
    fn messages_that_differ_in_numbers_are_counted() {
        let at = |(text, at_ms): (&str, i64)| Line::of(&format!("{LOG_PREFIX} {text}"), at_ms);
        let lines = [
            ("ERROR telemetry is not delivered: refused; 17 events wait", 9),
            ("WARN other", 8),
            ("ERROR telemetry is not delivered: refused; 3 events wait (version 0.1.0)", 7),
        ];
        let messages = grouped(lines.into_iter().filter_map(at).collect());
        let found: Vec<_> =
            messages.iter().map(|it| (it.text.as_str(), it.count, it.newest_ms)).collect();
        let newest = "telemetry is not delivered: refused; 17 events wait";
        assert_eq!(found, [(newest, 2, 9), ("other", 1, 8)]);
    }

    #[test]
    fn a_recovery_ends_the_earlier_problem() {
        let message = |text: &str, newest_ms| Message {
            level: Level::Error,
            text: text.to_owned(),
            count: 1,
            newest_ms,
        };
        let trouble = message("telemetry is not delivered: x; 3 events wait", 5);
        assert!(message("telemetry is delivered again", 6).ends(&trouble));
        assert!(!message("telemetry is delivered again", 4).ends(&trouble));
        assert!(!message("dead letters are delivered again", 6).ends(&trouble));
        assert!(!message("another", 6).ends(&message("something", 5)));
    }
}
