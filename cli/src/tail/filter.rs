//! The conditions of `tail`. Pure.

use std::cell::LazyCell;

use anyhow::{Result, anyhow};
use kinesis_telemetry_args::Tail;
use kinesis_telemetry_consumer::Event;
use kinesis_telemetry_stream::{Line, request_id};
use regex::Regex;

/// The conditions, all of which an event must meet.
pub(super) struct Filter<'a> {
    options: &'a Tail,
    grep: Option<Regex>,
}

impl<'a> Filter<'a> {
    /// Returns the conditions. Fails if the regular expression is invalid.
    pub(super) fn new(options: &'a Tail) -> Result<Self> {
        let compiled = |text: &String| {
            Regex::new(text).map_err(|error| {
                // The error message of the crate has several lines; the last one has the reason.
                let drawn = error.to_string();
                let why = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
                anyhow!("--grep \"{text}\" is not a regular expression: {why}")
            })
        };
        Ok(Self { options, grep: options.grep.as_ref().map(compiled).transpose()? })
    }

    /// Returns true if there is a condition.
    pub(super) fn has_conditions(&self) -> bool {
        let Tail { function, request, types, level, .. } = self.options;
        let is_set = [function.is_some(), request.is_some(), level.is_some(), self.grep.is_some()];
        is_set.contains(&true) || !types.is_empty()
    }

    /// Returns true if the event meets every condition.
    pub(super) fn matches(&self, event: &Event) -> bool {
        let Tail { function, request, types, level, .. } = self.options;
        let of_function = |part: &String| {
            event.source.function.as_ref().is_some_and(|name| name.contains(part.as_str()))
        };
        // Only the last two conditions need it.
        let line = LazyCell::new(|| Line::of(event));
        let of_request =
            |begin: &String| request_id(event).is_some_and(|id| id.starts_with(begin.as_str()));
        function.as_ref().is_none_or(of_function)
            && request.as_ref().is_none_or(of_request)
            && (types.is_empty() || types.iter().any(|wanted| is_of_type(&event.kind, wanted)))
            && level.is_none_or(|least| line.level.is_none_or(|it| it >= least))
            && self.grep.as_ref().is_none_or(|grep| is_found(grep, &line))
    }
}

/// Returns true if the type equals the wanted one or belongs to that group: `platform.report` belongs to `platform`.
fn is_of_type(kind: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('.');
    kind == wanted || kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

fn is_found(grep: &Regex, line: &Line) -> bool {
    [&line.text, &line.members, &line.stack].into_iter().any(|text| grep.is_match(text))
}

#[cfg(test)]
mod tests {
    use extension_spec::LogLevel;

    use super::*;

    fn event(record: &str) -> Event {
        let line = format!(
            "{{\"type\":\"function\",\"record\":{record},\"source\":{{\"function\":\"orders-dev\",\"instance\":\"a\",\"seq\":1,\"requestId\":\"8f3c\"}}}}\n"
        );
        kinesis_telemetry_consumer::record(line.as_bytes()).pop().unwrap().unwrap()
    }

    fn matches(options: &Tail, event: &Event) -> bool {
        Filter::new(options).unwrap().matches(event)
    }

    #[test]
    fn an_event_must_meet_every_condition() {
        let event = event("\"[WARN] disk full\"");
        let some = |text: &str| Some(text.to_owned());
        for (options, wanted) in [
            (Tail::default(), true),
            (Tail { function: some("orders"), request: some("8f"), ..Tail::default() }, true),
            (Tail { function: some("invoices"), request: some("8f"), ..Tail::default() }, false),
            (Tail { request: some("f3"), ..Tail::default() }, false),
            (Tail { types: vec!["platform".into(), "function".into()], ..Tail::default() }, true),
            (Tail { types: vec!["func".into()], ..Tail::default() }, false),
            (Tail { level: Some(LogLevel::Warn), ..Tail::default() }, true),
            (Tail { level: Some(LogLevel::Error), ..Tail::default() }, false),
            (Tail { grep: some("disk|net"), ..Tail::default() }, true),
            (Tail { grep: some("^full"), ..Tail::default() }, false),
        ] {
            assert_eq!(matches(&options, &event), wanted, "{options:?}");
        }
    }

    #[test]
    fn a_group_matches_its_types() {
        let report = Event { kind: "platform.report".into(), ..event("1") };
        for wanted in ["platform", "platform.", "platform.report"] {
            let options = Tail { types: vec![wanted.into()], ..Tail::default() };
            assert!(matches(&options, &report), "{wanted}");
        }
    }

    #[test]
    fn lines_of_unknown_level_are_shown() {
        let options = Tail { level: Some(LogLevel::Fatal), ..Tail::default() };
        assert!(matches(&options, &event("\"no level\"")));
    }

    #[test]
    fn a_bad_regular_expression_is_refused() {
        let options = Tail { grep: Some("a(".into()), ..Tail::default() };
        let error = Filter::new(&options).err().unwrap().to_string();
        assert!(error.contains("--grep \"a(\" is not a regular expression"), "{error}");
    }
}
