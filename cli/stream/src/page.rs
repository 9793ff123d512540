//! The invocations in a stream, for a page about them. Pure, but for [`write_page`].
//!
//! Events are taken in as they are read and only their figures are kept, so memory grows with the number of invocations, not of
//! events. Log lines are kept until their invocation has succeeded.

mod invocation;
mod numbers;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer, Event};
use kinesis_telemetry_report::{Report, Setting, html};
use serde_json::Value;

use crate::line::request_id;
use crate::pieces::Pieces;
use crate::stream::Record;
use invocation::Invocation;
use numbers::Numbers;

/// Unreadable lines that are quoted, and characters of each.
const QUOTED: (usize, usize) = (20, 300);
/// Bytes of the longest first line with an identity (`extension_spec::consuming::SOURCE_BYTES` and the type).
const HEAD: usize = extension_spec::consuming::SOURCE_BYTES + 100;
/// Values of one setting of a function that are listed: labels can have any number of them.
const VALUES: usize = 20;

/// Writes a page into a file.
pub fn write_page(file: &Path, report: &Report) -> Result<()> {
    fs::write(file, html(report))
        .with_context(|| format!("--html {} cannot be written", file.display()))
}

/// Collects the events of a stream for a page.
#[derive(Debug, Default)]
pub struct Page {
    report: Report,
    pieces: Pieces,
    numbers: Numbers,
    /// By instance and request ID.
    invocations: HashMap<(String, String), Invocation>,
    /// Bytes of all log lines that are kept.
    line_bytes: usize,
    /// Duration of an init phase by instance, until its first invocation.
    inits: HashMap<String, f64>,
    settings: BTreeSet<(String, String, String)>,
    /// Only functions whose name contains this.
    function: Option<String>,
}

impl Page {
    /// Returns a page about functions whose name contains `function`, or about all.
    pub fn new(function: Option<&str>) -> Self {
        Self { function: function.map(str::to_owned), ..Self::default() }
    }

    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        self.report.records += 1;
        self.report.bytes += record.data.len() as u64;
        *self.report.formats.entry(consumer::format(&record.data).to_owned()).or_default() += 1;
        let is_headed = is_headed(&record.data);
        for line in consumer::record(&record.data) {
            let event = match line {
                Ok(event) => self.pieces.whole(event),
                Err(broken) => {
                    let event = Event::without_identity(&broken.line);
                    if event.is_none() {
                        self.unreadable(&broken);
                    }
                    event
                }
            };
            let is_wanted = |event: &Event| match (&self.function, &event.source.function) {
                (Some(part), Some(name)) => name.contains(part.as_str()),
                (Some(_), None) => false,
                (None, _) => true,
            };
            if let Some(event) = event.filter(is_wanted) {
                self.add_event(&event, record.arrived_ms, is_headed);
            }
        }
    }

    /// Returns what was collected, as a page about this stream and this time range in milliseconds since 1970.
    pub fn report(&self, title: &str, stream: &str, from_ms: i64, to_ms: i64) -> Report {
        let settings = self.settings.iter().cloned();
        let invocations = self.invocations.iter();
        Report {
            title: title.to_owned(),
            source: stream.to_owned(),
            from_ms,
            to_ms,
            settings: settings
                .map(|(function, name, value)| Setting { function, name, value })
                .collect(),
            invocations: invocations
                .map(|((instance, id), it)| it.described(instance, id))
                .collect(),
            instances: self.numbers.instances(),
            ..self.report.clone()
        }
    }

    fn add_event(&mut self, event: &Event, arrived_ms: i64, is_headed: bool) {
        if !self.numbers.add(event) {
            return;
        }
        *self.report.types.entry(event.kind.clone()).or_default() += 1;
        let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
        let record = &parsed["record"];
        self.note_settings(event, record, is_headed);
        let instance = &event.source.instance;
        if event.kind == "platform.initReport" && record["initializationType"] == "on-demand" {
            let took = record["metrics"]["durationMs"].as_f64();
            self.inits.extend(took.map(|took| (instance.clone(), took)));
        }
        let Some(request_id) = request_id(event) else { return };
        if event.kind.starts_with(event_type::PREFIX) {
            return;
        }
        let invocation = self
            .invocations
            .entry((instance.clone(), request_id.to_owned()))
            .or_insert_with(|| {
                let init_ms = self.inits.remove(instance);
                Invocation::new(&event.source, init_ms)
            });
        self.line_bytes = (self.line_bytes
            + invocation.add(event, record, arrived_ms, self.line_bytes))
        .saturating_sub(invocation.forget_lines());
    }

    fn note_settings(&mut self, event: &Event, record: &Value, is_headed: bool) {
        let source = &event.source;
        let envelope = match is_headed {
            _ if source.instance.is_empty() => "none",
            true => "record",
            false => "event",
        };
        let mut note = |name: &str, value: &str| {
            let function = source.function.clone().unwrap_or_default();
            let of_name = (function.clone(), name.to_owned(), String::new());
            let known =
                self.settings.range(of_name..).take_while(|it| it.0 == function && it.1 == name);
            if known.count() < VALUES {
                self.settings.insert((function, name.to_owned(), value.to_owned()));
            }
        };
        note("envelope", envelope);
        if event.kind == "function" {
            note("log format", if record.is_object() { "JSON" } else { "text" });
        }
        if event.kind == event_type::LEDGER
            && let Some(version) = record["extension"].as_str()
        {
            note("extension", version);
        }
        if event.kind == "platform.initStart"
            && let Some(version) = record["runtimeVersion"].as_str()
        {
            note("runtime", version);
        }
        for (name, value) in &source.labels {
            note(&format!("label {name}"), value);
        }
    }

    fn unreadable(&mut self, broken: &consumer::Broken) {
        self.report.unreadable += 1;
        if self.report.unreadable_examples.len() < QUOTED.0 {
            let line: String = broken.line.chars().take(QUOTED.1).collect();
            self.report.unreadable_examples.push(format!("{}: {line}", broken.why));
        }
    }
}

/// Returns true if the first line of a record has the identity of the others (`ENVELOPE=record`).
fn is_headed(data: &[u8]) -> bool {
    let Ok(lines) = consumer::lines(data) else { return false };
    let first = lines.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let kind = |line: &str| {
        serde_json::from_str::<Value>(line).ok().map(|it| it["type"] == event_type::RECORD)
    };
    // The first line of such a record is short; that of another may be a megabyte.
    first.len() <= HEAD && str::from_utf8(first).ok().and_then(kind).unwrap_or(false)
}

#[cfg(test)]
mod tests;
