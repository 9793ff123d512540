//! The invocations in a stream, for a page about them. Pure.
//!
//! A page keeps only figures of the events that it is given, so memory grows with the number of invocations, not of events. Log
//! lines are kept until their invocation has succeeded. Any writer to the stream can write any text, so all lists of a page are
//! bounded.

mod file;
mod invocation;
mod numbers;
mod settings;

use std::collections::HashMap;

use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer, Completeness, Event, Period};
use kinesis_telemetry_report::{self as report, Report};
use serde_json::Value;

use crate::line::request_id;
use crate::pieces::Pieces;
use crate::stream::Record;
pub use file::PageFile;
use invocation::{Invocation, LONGEST_MS};
use numbers::Numbers;
use settings::Settings;

/// Number of unreadable lines that are quoted, and of characters of each.
const QUOTED: (usize, usize) = (20, 300);
/// Number of event types that are listed by name.
const TYPES: usize = 200;
/// Number of characters of a name. Names of functions and types are shorter.
const NAME: usize = 140;
/// Number of invocations that are listed, the newest ones. A browser shows this many without delay.
const INVOCATIONS: usize = 50_000;

/// The functions that a page is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Functions {
    /// All functions.
    #[default]
    All,
    /// Functions whose names contain this.
    Containing(String),
    /// The function with this name.
    Named(String),
}

/// Collects the events of a stream for a page.
#[derive(Debug)]
pub struct Page {
    functions: Functions,
    report: Report,
    pieces: Pieces,
    completeness: Completeness,
    numbers: Numbers,
    /// The invocations, by instance and request ID.
    invocations: HashMap<(String, String), Invocation>,
    /// Bytes of all log lines that are kept.
    line_bytes: usize,
    /// Duration of an init phase by instance, until its first invocation.
    inits: HashMap<String, f64>,
    settings: Settings,
}

impl Functions {
    fn contains(&self, name: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Containing(part) => name.is_some_and(|name| name.contains(part.as_str())),
            Self::Named(wanted) => name == Some(wanted),
        }
    }
}

impl Page {
    /// Returns a page without events. Only numbers that are due in `period` can be missing.
    pub fn new(functions: Functions, period: Period) -> Self {
        Self {
            functions,
            report: Report::default(),
            pieces: Pieces::default(),
            completeness: Completeness::new(period),
            numbers: Numbers::default(),
            invocations: HashMap::new(),
            line_bytes: 0,
            inits: HashMap::new(),
            settings: Settings::default(),
        }
    }

    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        self.report.records += 1;
        self.report.bytes += record.data.len() as u64;
        *self.report.formats.entry(consumer::format(&record.data).to_owned()).or_default() += 1;
        let is_headed = settings::is_headed(&record.data);
        for line in consumer::record(&record.data) {
            let event = match line {
                Ok(event) if !self.functions.contains(event.source.function.as_deref()) => continue,
                Ok(event) => {
                    self.completeness.add(&event, record.arrived_ms);
                    self.pieces.whole(event)
                }
                Err(broken) => {
                    let event = Event::without_identity(&broken.line);
                    if event.is_none() {
                        self.unreadable(&broken);
                    }
                    event.filter(|_| self.functions == Functions::All)
                }
            };
            if let Some(event) = event {
                self.add_event(&event, record.arrived_ms, is_headed);
            }
        }
    }

    /// Returns the report with this title about this stream and this time range, in milliseconds since 1970.
    pub fn report(&self, title: &str, stream: &str, from_ms: i64, to_ms: i64) -> Report {
        // Any writer can set the time of an event; it must not stretch the timeline.
        let (from, to) = (from_ms.saturating_sub(LONGEST_MS), to_ms.saturating_add(LONGEST_MS));
        let invocations = self.invocations.iter().map(|((instance, id), it)| {
            let invocation = it.described(instance, id);
            report::Invocation { start_ms: invocation.start_ms.clamp(from, to), ..invocation }
        });
        let mut invocations: Vec<_> = invocations.collect();
        invocations.sort_by_key(|it| std::cmp::Reverse(it.start_ms));
        invocations.truncate(INVOCATIONS);
        Report {
            title: title.to_owned(),
            source: stream.to_owned(),
            from_ms,
            to_ms,
            settings: self.settings.listed(),
            invocations,
            instances: self.numbers.instances(&self.completeness),
            ..self.report.clone()
        }
    }

    /// Returns the number of invocations, listed or not.
    pub fn invocations(&self) -> usize {
        self.invocations.len()
    }

    fn add_event(&mut self, event: &Event, arrived_ms: i64, is_headed: bool) {
        if !self.numbers.add(event) {
            return;
        }
        self.count(&event.kind);
        let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
        let record = &parsed["record"];
        self.settings.note(event, record, is_headed);
        let instance = &event.source.instance;
        if event.kind == "platform.initReport" && record["initializationType"] == "on-demand" {
            let took = record["metrics"]["durationMs"].as_f64();
            self.inits.extend(took.map(|took| (instance.clone(), took)));
        }
        let Some(request_id) = request_id(event) else { return };
        if event.kind.starts_with(event_type::PREFIX) {
            return;
        }
        let key = (instance.clone(), request_id.to_owned());
        // A UUID in the text of a line may not be a request ID, so it creates no invocation.
        if event.request_id.is_none() && !self.invocations.contains_key(&key) {
            return;
        }
        let invocation = self.invocations.entry(key).or_insert_with(|| {
            let init_ms = self.inits.remove(instance);
            Invocation::new(&event.source, init_ms)
        });
        let kept = invocation.add(event, record, arrived_ms, self.line_bytes);
        self.line_bytes = (self.line_bytes + kept).saturating_sub(invocation.forget_lines());
    }

    /// Counts an event of this type. Beyond [`TYPES`] types it counts as one of the others.
    fn count(&mut self, kind: &str) {
        let types = &mut self.report.types;
        let kind = short(kind);
        let is_listed = types.len() < TYPES || types.contains_key(&kind);
        let kind = if is_listed { kind } else { "(others)".to_owned() };
        *types.entry(kind).or_default() += 1;
    }

    fn unreadable(&mut self, broken: &consumer::Broken) {
        self.report.unreadable += 1;
        if self.report.unreadable_examples.len() < QUOTED.0 {
            let line: String = broken.line.chars().take(QUOTED.1).collect();
            self.report.unreadable_examples.push(format!("{}: {line}", broken.why));
        }
    }
}

/// Returns the beginning of a name. Any writer to the stream can choose it.
fn short(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
