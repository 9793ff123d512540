//! The report as text for a person. Pure.

use std::fmt::Write as _;

use kinesis_telemetry_consumer::Instance;
use kinesis_telemetry_terminal::plain;

use crate::report::{Quoted, Report, Selection};

/// Number of missing sequence numbers that are listed; the JSON has all of them.
const LISTED: usize = 20;

/// Renders the whole report. Quoted lines are cut at `width`; the facts about them are not.
pub(crate) fn report(report: &Report, width: usize) -> String {
    let mut text = table(report);
    for instance in &report.instances {
        line(&mut text, usize::MAX, &sequence(instance));
        for (seq, why) in &instance.unjoinable {
            line(&mut text, width, &format!("  {seq}: {why}"));
        }
    }
    line(&mut text, usize::MAX, &verdict(report));
    if let Some(selection) = &report.selection {
        line(&mut text, usize::MAX, &selected(selection));
    }
    let trouble = [
        (
            "never acknowledged: in the journal, not accepted by the extension",
            &report.unacknowledged,
        ),
        ("missing: in the journal and acknowledged, not in the stream", &report.missing),
        ("unexpected: in the stream, not in the journal", &report.unexpected),
        ("repeated: the same event with another number", &report.repeated),
        ("unreadable lines", &report.broken),
    ];
    for (title, found) in trouble {
        quoted(&mut text, width, title, found);
    }
    if !report.samples.is_empty() {
        text.push_str("\nas they arrived:\n");
        for sample in &report.samples {
            line(&mut text, width, &format!("  {sample}"));
        }
    }
    text
}

fn table(report: &Report) -> String {
    let mut text = String::new();
    for (kind, count) in &report.by_type {
        _ = writeln!(text, "{:>9}  {}", thousands(*count), plain(kind));
    }
    let (records, bytes) = (counted(report.records, "record"), thousands(report.bytes));
    _ = writeln!(text, "{:>9}  in {records}, {bytes} bytes", thousands(report.arrived));
    if let Some(latency) = &report.latency {
        let [p50, p99, max] =
            [latency.p50_ms, latency.p99_ms, latency.max_ms].map(|ms| format!("{ms} ms"));
        _ = writeln!(text, "\ndelivery latency: p50 {p50}, p99 {p99}, at most {max}");
    }
    text
}

/// Describes the numbers of an instance in one line.
pub fn sequence(found: &Instance) -> String {
    let Instance { name, first, last, .. } = found;
    let name = plain(name);
    if found.is_whole() {
        return has_all(found);
    }
    let mut troubles = Vec::new();
    let list = |what: &str, numbers: Vec<String>| {
        let more = numbers.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let listed = numbers.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        (!numbers.is_empty()).then(|| format!("{what} {listed}{more}"))
    };
    let numbers =
        |ranges: Vec<(u64, u64)>| ranges.iter().map(|&(from, to)| range(from, to)).collect();
    troubles.extend(list("missing", numbers(found.missing.clone())));
    let each = |of: &[u64]| numbers(ranges(of.iter().copied()));
    troubles.extend(list("duplicates", each(&found.duplicates)));
    troubles.extend(list("conflicting", each(&found.conflicting)));
    troubles.extend(list("not joinable", numbers(ranges(found.unjoinable.keys().copied()))));
    format!("sequence broken: {} of instance {name}: {}", range(*first, *last), troubles.join("; "))
}

/// Describes a sequence without a gap, and the duplicates in it.
pub fn has_all(found: &Instance) -> String {
    let Instance { name, first, last, duplicates, .. } = found;
    let name = plain(name);
    let duplicates = ranges(duplicates.iter().copied());
    let duplicates: Vec<String> = duplicates.iter().map(|&(from, to)| range(from, to)).collect();
    let twice = if duplicates.is_empty() { "" } else { ", more than once: " };
    let all = range(*first, *last);
    format!("sequence complete: {all} of instance {name}{twice}{}", duplicates.join(", "))
}

fn verdict(report: &Report) -> String {
    let refused = never_acknowledged(report);
    let expected = counted(report.expected, "event");
    let (refused, overlooked) = match refused {
        Some(refused) if report.allow_unacknowledged => (None, format!("; overlooked: {refused}")),
        refused => (refused, String::new()),
    };
    if report.complete {
        let who = if report.selection.is_some() {
            "the settings select"
        } else if overlooked.is_empty() {
            "the platform generated"
        } else {
            "the extension acknowledged"
        };
        return format!("complete: all of the {expected} that {who} arrived once{overlooked}");
    }
    let troubles: Vec<String> = refused.into_iter().chain(troubles(report)).collect();
    if troubles.is_empty() {
        let why =
            "the extension accepted no event: check that it is subscribed to the Telemetry API";
        return format!("NOT COMPLETE: {why}{overlooked}");
    }
    format!("NOT COMPLETE: {}{overlooked}", troubles.join("; "))
}

fn selected(Selection { lines, invocations, sampled_out }: &Selection) -> String {
    let (lines, invocations) = (counted(*lines, "log line"), counted(*invocations, "invocation"));
    let [events, others] = [sampled_out.events, sampled_out.invocations].map(thousands);
    format!(
        "selection: {lines} of {invocations} arrived; {events} of {others} others are sampled out"
    )
}

fn never_acknowledged(report: &Report) -> Option<String> {
    let count = report.unacknowledged.count;
    let were = if count == 1 { "was" } else { "were" };
    let events = counted(count, "event");
    (count > 0)
        .then(|| format!("{events} {were} generated and never acknowledged by the extension"))
}

/// Returns the problems with the events that the extension accepted.
fn troubles(report: &Report) -> Option<String> {
    let expected = counted(report.expected, "acknowledged event");
    if report.instances.is_empty() && report.expected > 0 {
        return Some(format!("none of the {expected} arrived"));
    }
    let whole = report.instances.iter().all(Instance::is_whole);
    let counts = [
        (report.missing.count, format!("of {expected} missing")),
        (report.unexpected.count, "unexpected".to_owned()),
        (report.repeated.count, "repeated".to_owned()),
        (report.broken.count, "unreadable".to_owned()),
    ];
    let mut troubles: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", thousands(*count)))
        .collect();
    if !whole {
        troubles.push("the sequence is broken".to_owned());
    } else if !report.missing.is_empty() {
        // Events that are lost after the last number leave no gap.
        troubles.push("the sequence has no gap, so its end is lost".to_owned());
    }
    (!troubles.is_empty()).then(|| troubles.join(", "))
}

fn quoted(text: &mut String, width: usize, title: &str, found: &Quoted) {
    if found.is_empty() {
        return;
    }
    _ = writeln!(text, "\n{title} ({}):", thousands(found.count));
    for event in &found.first {
        line(text, width, &format!("  {event}"));
    }
    match found.count - found.first.len() {
        0 => {}
        more => _ = writeln!(text, "  and {} more", thousands(more)),
    }
}

/// Adds a line. A line that is too long loses its middle, because an event has its type at the beginning and its identity at the
/// end. Counts characters, which is right for most scripts.
fn line(text: &mut String, width: usize, content: &str) {
    let content: Vec<char> = plain(content).chars().collect();
    if content.len() <= width {
        text.extend(content);
    } else {
        let kept = width.saturating_sub(1);
        let end = kept / 3;
        text.extend(&content[..kept - end]);
        text.push('…');
        text.extend(&content[content.len() - end..]);
    }
    text.push('\n');
}

/// Returns ranges of consecutive numbers, from ascending numbers.
fn ranges(numbers: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, to)) if *to + 1 == number => *to = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

fn range(from: u64, to: u64) -> String {
    if from == to { from.to_string() } else { format!("{from}…{to}") }
}

/// Returns a count with its noun: `1 event`, `1,257 events`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Returns a number with separators: 1,234,567 for 1234567.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
