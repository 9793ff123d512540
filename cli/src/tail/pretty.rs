//! Formats events as lines for people: time, function, invocation, level, text.
//!
//! A function has a column only if several write to the stream. An invocation is shown as the beginning of its request ID, in its
//! own colour. Further lines of a text, such as a stack trace, are indented below it. Pure.

mod functions;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use extension_spec::LogLevel;
use kinesis_telemetry_consumer::Event;
use kinesis_telemetry_stream::{Line, is_log_line, request_id};
use kinesis_telemetry_terminal::{Style, Styles, Text, plain};
use serde_json::Value;
use textwrap::core::display_width;

use functions::Functions;

/// Number of characters of a request ID that are shown. Two of a hundred invocations rarely share them.
const REQUEST: usize = 4;
/// Colours of invocations: those that are readable on dark and light backgrounds.
const COLORS: [u8; 8] = [39, 208, 141, 77, 205, 172, 44, 105];
/// Pause in milliseconds after which a line gets a date, because a time alone would mislead.
const PAUSE_MS: i64 = 60 * 60 * 1000;
/// Smallest number of columns for a text, even on a narrow terminal.
const NARROWEST: usize = 30;

/// Shows events one after the other.
pub(super) struct Pretty {
    styles: Styles,
    /// Columns of the terminal, if lines are wrapped.
    columns: Option<usize>,
    functions: Functions,
    date: String,
    last_ms: Option<i64>,
}

impl Pretty {
    pub(super) fn new(styles: Styles, columns: Option<usize>) -> Self {
        Self {
            styles,
            columns,
            functions: Functions::default(),
            date: String::new(),
            last_ms: None,
        }
    }

    /// Adds an event.
    pub(super) fn show(&mut self, event: &Event, text: &mut Text) {
        let time = time(event);
        self.introduce(event, &time, text);
        let mut prefix = self.styles.text();
        let mut width = 0;
        let mut column = |styles: &[Style], value: &str, columns: usize| {
            prefix
                .push_in(styles, value)
                .push(&" ".repeat(columns.saturating_sub(display_width(value)) + 2));
            width += columns.max(display_width(value)) + 2;
        };
        column(&[Style::Dim], time.get(11..23).unwrap_or("-"), 12);
        if self.functions.are_several() {
            let name = self.functions.shown(event.source.function.as_deref());
            column(&[], name, self.functions.columns());
        }
        let request = request_id(event).unwrap_or_default();
        column(&[color(request)], &request.chars().take(REQUEST).collect::<String>(), REQUEST);
        let line = Line::of(event);
        let level = line.level.map(|it| it.word().to_uppercase()).unwrap_or_default();
        column(&of_level(line.level), &level, 5);
        let styles: &[Style] = match is_log_line(event) {
            true => &[],
            false if line.is_failure => &[Style::Red],
            false => &[Style::Dim],
        };
        self.body(&line, styles, &prefix, width, text);
    }

    /// Adds the text of an event, with further lines below the first.
    fn body(&self, line: &Line, styles: &[Style], prefix: &Text, width: usize, text: &mut Text) {
        let columns = self.columns.map(|it| it.saturating_sub(width).max(NARROWEST));
        let members =
            if line.members.is_empty() { String::new() } else { format!(" {}", line.members) };
        let mut is_first = true;
        let mut row = |parts: &[(&[Style], &str)], text: &mut Text| {
            if std::mem::take(&mut is_first) {
                text.append(prefix);
            } else {
                text.push(&" ".repeat(width));
            }
            for (styles, part) in parts {
                text.push_in(styles, part);
            }
            text.end_line();
        };
        let texts = line.text.lines().chain(line.text.is_empty().then_some(""));
        let last = line.text.lines().count().saturating_sub(1);
        for (number, content) in texts.enumerate() {
            let more = if number == last { members.as_str() } else { "" };
            let whole = tabs_as_spaces(&format!("{content}{more}"));
            let begins = tabs_as_spaces(content).len();
            for (range, part) in wrapped(&whole, columns) {
                // The members are dimmed; the text before them is not.
                let split = begins.saturating_sub(range).min(part.len());
                let split = if part.is_char_boundary(split) { split } else { part.len() };
                row(&[(styles, &part[..split]), (&[Style::Dim], &part[split..])], text);
            }
        }
        for content in line.stack.lines() {
            for (_, part) in wrapped(&tabs_as_spaces(content), columns) {
                row(&[(&[Style::Dim], part)], text);
            }
        }
    }

    /// Adds a line with the date or the name of the function, if the following lines do not show it.
    fn introduce(&mut self, event: &Event, time: &str, text: &mut Text) {
        let date = time.get(..10).filter(|it| it.is_ascii()).unwrap_or_default();
        let pause =
            event.time_ms.zip(self.last_ms).is_some_and(|(now, last)| now - last > PAUSE_MS);
        let is_new_date = !date.is_empty() && (date != self.date || pause);
        let function = self.functions.introduce(event.source.function.as_deref());
        self.last_ms = event.time_ms.or(self.last_ms);
        if is_new_date {
            date.clone_into(&mut self.date);
        }
        if !is_new_date && function.is_none() {
            return;
        }
        let date = if is_new_date { date } else { "" };
        let parts = [date, function.as_deref().unwrap_or_default()];
        let introduction =
            parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("  ");
        text.push_in(&[Style::Bold], &introduction).end_line();
    }
}

/// Returns the time of an event as text, or nothing.
fn time(event: &Event) -> String {
    let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
    plain(parsed["time"].as_str().filter(|_| event.time_ms.is_some()).unwrap_or_default())
        .into_owned()
}

/// Splits a line into rows of at most `columns` columns, each with its byte offset.
fn wrapped(line: &str, columns: Option<usize>) -> Vec<(usize, &str)> {
    let Some(columns) = columns.filter(|it| display_width(line) > *it) else {
        return vec![(0, line)];
    };
    // Names the algorithm and the separator, because the defaults depend on features that other crates enable.
    let options = textwrap::Options::new(columns)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    let rows = textwrap::wrap(line, options);
    let begin_of = |row: &str| row.as_ptr() as usize - line.as_ptr() as usize;
    rows.iter()
        .filter_map(|row| match row {
            std::borrow::Cow::Borrowed(row) => Some((begin_of(row), *row)),
            // Only indentation or hyphenation would produce an owned row.
            std::borrow::Cow::Owned(_) => None,
        })
        .collect()
}

fn tabs_as_spaces(text: &str) -> String {
    plain(&text.replace('\t', "    ")).into_owned()
}

fn color(request: &str) -> Style {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    Style::Color(COLORS[usize::try_from(hasher.finish() % COLORS.len() as u64).unwrap_or_default()])
}

fn of_level(level: Option<LogLevel>) -> Vec<Style> {
    match level {
        Some(LogLevel::Error | LogLevel::Fatal) => vec![Style::Bold, Style::Red],
        Some(LogLevel::Warn) => vec![Style::Yellow],
        Some(LogLevel::Info) => vec![Style::Green],
        _ => vec![Style::Dim],
    }
}

#[cfg(test)]
mod tests;
