//! Which events somebody wants to see. Pure.

use extension_spec::LogLevel;
use kinesis_telemetry_args::Tail;
use serde_json::{Map, Value};

use kinesis_telemetry_consumer::Event;

/// How far into a line of text its level is looked for, in words.
const WORDS: usize = 8;

pub(super) fn wants(options: &Tail, event: &Event) -> bool {
    let is_of = |wanted: &String| {
        let wanted = wanted.trim_end_matches('.');
        event.kind == wanted
            || event.kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    };
    let function =
        options.function.as_ref().is_none_or(|it| event.source.function.as_ref() == Some(it));
    let request = options.request.as_ref().is_none_or(|it| event.request_id.as_ref() == Some(it));
    let kind = options.types.is_empty() || options.types.iter().any(is_of);
    let level = options.level.is_none_or(|least| level(event).is_none_or(|level| level >= least));
    function && request && kind && level
}

/// Of a log line, where it can be told.
pub(super) fn level(event: &Event) -> Option<LogLevel> {
    if !matches!(event.kind.as_str(), "function" | "extension") {
        return None;
    }
    let event: Value = serde_json::from_str(&event.text).ok()?;
    of_record(&event["record"])
}

fn of_record(record: &Value) -> Option<LogLevel> {
    match record {
        // What logs JSON to a function whose log format is text.
        Value::String(text) if text.starts_with('{') => {
            of_record(&serde_json::from_str(text).ok()?)
        }
        Value::String(text) => {
            if let Some(level) = LogLevel::of_text(text) {
                return Some(level);
            }
            let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|it| !it.is_empty());
            // Libraries write it in capitals, sentences do not.
            let mut loud =
                words.take(WORDS).filter(|it| it.chars().all(|c| c.is_ascii_uppercase()));
            loud.find_map(LogLevel::parse)
        }
        Value::Object(members) => of_members(members),
        _ => None,
    }
}

/// What the members of a line in JSON state: the same table as the extension's.
fn of_members(members: &Map<String, Value>) -> Option<LogLevel> {
    let is_gelf = LogLevel::GELF_MEMBERS.iter().any(|name| members.contains_key(*name));
    let stated = LogLevel::MEMBERS.iter().filter_map(|name| match members.get(*name)? {
        Value::String(word) => LogLevel::parse(word),
        Value::Number(number) => LogLevel::of_number(name, number.as_i64()?, is_gelf),
        _ => None,
    });
    let nested = || LogLevel::parse(members.get("log")?.get("level")?.as_str()?);
    stated.chain(nested()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(record: &str) -> Event {
        let line = format!(
            "{{\"type\":\"function\",\"record\":{record},\"source\":{{\"function\":\"f\",\"instance\":\"a\",\"seq\":1,\"requestId\":\"r\"}}}}\n"
        );
        kinesis_telemetry_consumer::record(line.as_bytes()).pop().unwrap().unwrap()
    }

    #[test]
    fn an_event_must_meet_every_condition() {
        let event = event("\"[WARN] x\"");
        let some = |text: &str| Some(text.to_owned());
        for (options, wanted) in [
            (Tail::default(), true),
            (Tail { function: some("f"), request: some("r"), ..Tail::default() }, true),
            (Tail { function: some("g"), request: some("r"), ..Tail::default() }, false),
            (Tail { request: some("q"), ..Tail::default() }, false),
            (Tail { types: vec!["platform".into(), "function".into()], ..Tail::default() }, true),
            (Tail { types: vec!["func".into()], ..Tail::default() }, false),
            (Tail { level: Some(LogLevel::Warn), ..Tail::default() }, true),
            (Tail { level: Some(LogLevel::Error), ..Tail::default() }, false),
        ] {
            assert_eq!(wants(&options, &event), wanted, "{options:?}");
        }
    }

    #[test]
    fn a_type_stands_for_all_that_begin_with_it_and_a_dot() {
        let report = Event { kind: "platform.report".into(), ..event("1") };
        for wanted in ["platform", "platform.", "platform.report"] {
            assert!(
                wants(&Tail { types: vec![wanted.into()], ..Tail::default() }, &report),
                "{wanted}"
            );
        }
    }

    #[test]
    fn a_level_is_told_in_text_and_in_json_and_where_it_is_not_the_line_is_shown() {
        assert_eq!(
            level(&event("\"2026-11-22T20:00:00Z id ERROR failed\"")),
            Some(LogLevel::Error)
        );
        assert_eq!(level(&event("{\"level\":\"warning\"}")), Some(LogLevel::Warn));
        assert_eq!(level(&event("\"{\\\"level\\\":\\\"debug\\\"}\"")), Some(LogLevel::Debug));
        assert_eq!(level(&event("{\"version\":\"1.1\",\"level\":3}")), Some(LogLevel::Error));
        assert_eq!(level(&event("{\"level\":100}")), Some(LogLevel::Debug));
        assert_eq!(
            level(&event("{\"level\":\"info\",\"log\":{\"level\":\"error\"}}")),
            Some(LogLevel::Error)
        );
        assert_eq!(level(&event("\"an error in a sentence\"")), None);
        let options = Tail { level: Some(LogLevel::Fatal), ..Tail::default() };
        assert!(wants(&options, &event("\"no level\"")));
    }
}
