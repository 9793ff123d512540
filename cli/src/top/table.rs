//! Formats the figures as a plain table or as a line of JSON. Pure.

use kinesis_telemetry_args::Order;
use kinesis_telemetry_terminal::{Style, Styles, Text, json};
use serde_json::{Value, json};

use super::columns::{Tone, fitting};
use super::figures::{fitted, width as width_of};
use super::picture::Picture;
use super::row::{Row, sort};

/// Name of the row of events that have no identity.
const NAMELESS: &str = "(no name)";

/// Returns the table: a line about the stream, a line of sums, the titles, and a row for each function.
pub(super) fn table(picture: &Picture, order: Order, width: usize, styles: Styles) -> Text {
    let mut text = styles.text();
    let mut head = vec![(picture.time(), Tone::Plain)];
    head.push((picture.stream_name().to_owned(), Tone::Plain));
    head.extend(picture.reading());
    for line in [head].into_iter().chain(picture.totals()) {
        for (index, (part, tone)) in line.iter().enumerate() {
            text.push(if index > 0 { "  " } else { "" }).push_in(style(*tone), part);
        }
        text.end_line();
    }
    let longest = picture.rows.iter().map(|it| width_of(shown(&it.name))).max();
    let (name, columns) = fitting(picture.level, width, longest.unwrap_or_default());
    text.push_in(&[Style::Bold], &fitted("FUNCTION", name));
    for column in &columns {
        text.push_in(&[Style::Bold], &format!(" {:>1$}", column.title, column.width));
    }
    text.end_line();
    for row in sorted(picture, order) {
        text.push(&fitted(shown(&row.name), name));
        for column in &columns {
            let (value, tone) = column.value(row);
            text.push(&" ".repeat(column.width + 1 - value.len().min(column.width)));
            text.push_in(style(tone), &value);
        }
        text.end_line();
    }
    text.end_line();
    text
}

/// Returns the figures as one line of JSON.
pub(super) fn json_line(picture: &Picture, order: Order) -> String {
    let functions: Vec<Value> = sorted(picture, order)
        .iter()
        .map(|row| {
            let mut figures = figures(row);
            figures["function"] = row.name.as_str().into();
            figures
        })
        .collect();
    let mut total = figures(&picture.total);
    total["unreadable"] = picture.unreadable.into();
    let line = json!({
        "time": picture.time(),
        "stream": picture.stream,
        "shards": picture.shards,
        "behindMs": picture.behind_ms,
        "total": total,
        "functions": functions,
    });
    json(&line.to_string()).into_owned() + "\n"
}

fn figures(row: &Row) -> Value {
    let counts = &row.counts;
    json!({
        "instances": row.instances,
        "eventsPerSecond": rounded(row.rate.events),
        "bytesPerSecond": rounded(row.rate.bytes),
        "lagP50Ms": row.lag.map(|it| it.p50_ms),
        "lagP99Ms": row.lag.map(|it| it.p99_ms),
        "events": counts.events,
        "invocations": counts.invocations,
        "failures": counts.failures,
        "coldStarts": counts.cold_starts,
        "maxMemoryUsedMB": row.memory.map(|it| it.used_mb),
        "memorySizeMB": row.memory.map(|it| it.size_mb),
        "missing": counts.missing,
        "shed": counts.shed,
        "dropped": counts.dropped,
        "sampledOut": counts.sampled_out,
    })
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

fn sorted(picture: &Picture, order: Order) -> Vec<&Row> {
    let mut rows: Vec<&Row> = picture.rows.iter().collect();
    sort(&mut rows, order);
    rows
}

/// Returns a name for people.
pub(super) fn shown(name: &str) -> &str {
    if name.is_empty() { NAMELESS } else { name }
}

fn style(tone: Tone) -> &'static [Style] {
    match tone {
        Tone::Plain => &[],
        Tone::Warning => &[Style::Yellow],
        Tone::Alarm => &[Style::Bold, Style::Red],
    }
}

#[cfg(test)]
mod tests;
