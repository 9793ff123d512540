//! The figures of one invocation, from its events in any order. Pure.

use kinesis_telemetry_consumer::{Event, Source};
use kinesis_telemetry_report::{self as report, Outcome};
use serde_json::Value;

use super::short;
use crate::line::{Line, is_log_line};

/// Number of log lines of an invocation that are kept, and of bytes of each.
const LINES: (usize, usize) = (500, 16 * 1024);
/// Number of bytes of log lines that are kept for all invocations.
const ALL_BYTES: usize = 64 * 1024 * 1024;
/// The longest invocation, in milliseconds: 90 minutes on managed instances (Lambda quotas, "Function timeout").
pub(super) const LONGEST_MS: i64 = 5_400_000;
/// The event that Lambda delivers with the next invocation.
const REPORT: &str = "platform.report";

/// An invocation of which some events have arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Invocation {
    function: String,
    version: Option<String>,
    start_ms: Option<i64>,
    /// The end, from `platform.runtimeDone`.
    end_ms: Option<i64>,
    /// The earliest time of any of its events.
    earliest_ms: Option<i64>,
    /// Arrival of the latest event except the report.
    arrived_ms: Option<i64>,
    init_ms: Option<f64>,
    /// The duration of the function alone.
    duration_ms: Option<f64>,
    /// The duration of the whole invocation, with the extension.
    whole_ms: Option<f64>,
    extension_ms: Option<f64>,
    billed_ms: Option<f64>,
    memory_mb: Option<u64>,
    max_memory_mb: Option<u64>,
    outcome: Outcome,
    error_type: Option<String>,
    events: u64,
    lines: Vec<report::Line>,
}

impl Invocation {
    pub(super) fn new(source: &Source, init_ms: Option<f64>) -> Self {
        Self { function: source.function.clone().unwrap_or_default(), init_ms, ..Self::default() }
    }

    /// Adds an event. Returns the bytes of the log line that it keeps; `line_bytes` is the number of bytes that are already kept.
    pub(super) fn add(
        &mut self,
        event: &Event,
        record: &Value,
        arrived_ms: i64,
        line_bytes: usize,
    ) -> usize {
        self.events += 1;
        self.earliest_ms = [self.earliest_ms, event.time_ms].into_iter().flatten().min();
        if event.kind != REPORT {
            self.arrived_ms = self.arrived_ms.max(Some(arrived_ms));
        }
        match event.kind.as_str() {
            "platform.start" => {
                self.start_ms = event.time_ms;
                self.version = record["version"].as_str().map(str::to_owned);
            }
            "platform.runtimeDone" => {
                self.end_ms = event.time_ms;
                self.duration_ms = metric(record, "durationMs");
                self.end(record);
            }
            REPORT => {
                self.whole_ms = metric(record, "durationMs");
                self.billed_ms = metric(record, "billedDurationMs");
                self.init_ms = metric(record, "initDurationMs").or(self.init_ms);
                self.memory_mb = record["metrics"]["memorySizeMB"].as_u64();
                self.max_memory_mb = record["metrics"]["maxMemoryUsedMB"].as_u64();
                self.extension_ms = overhead(record);
                self.end(record);
            }
            _ if is_log_line(event) => return self.keep(event, line_bytes),
            _ => {}
        }
        0
    }

    /// Drops the log lines of an invocation that has succeeded, and returns their size in bytes.
    pub(super) fn forget_lines(&mut self) -> usize {
        if self.outcome != Outcome::Success {
            return 0;
        }
        std::mem::take(&mut self.lines).iter().map(|it| it.text.len()).sum()
    }

    /// Returns the invocation for the page.
    pub(super) fn described(&self, instance: &str, request_id: &str) -> report::Invocation {
        let end = self.end_ms.zip(self.arrived_ms);
        let rest = self.whole_ms.zip(self.duration_ms).map(|(whole, own)| (whole - own).max(0.0));
        let mut lines = if self.outcome.is_failure() { self.lines.clone() } else { Vec::new() };
        lines.sort_by_key(|it| it.time_ms);
        report::Invocation {
            function: short(&self.function),
            version: self.version.as_deref().map(short),
            instance: short(instance),
            request_id: short(request_id),
            start_ms: self.start_ms.or(self.earliest_ms).or(self.arrived_ms).unwrap_or_default(),
            init_ms: self.init_ms,
            duration_ms: self.duration_ms.or(self.whole_ms),
            extension_ms: self.extension_ms.or(rest),
            billed_ms: self.billed_ms,
            memory_mb: self.memory_mb,
            max_memory_mb: self.max_memory_mb,
            lag_ms: end.map(|(end, arrived)| (arrived - end).max(0)),
            outcome: self.outcome,
            error_type: self.error_type.as_deref().map(short),
            events: self.events,
            lines,
        }
    }

    /// Notes how the invocation ended. A failure is final, because `platform.report` has more information than
    /// `platform.runtimeDone`.
    fn end(&mut self, record: &Value) {
        let outcome = match record["status"].as_str() {
            Some("success") => Outcome::Success,
            Some("failure") => Outcome::Failure,
            Some("error") => Outcome::Error,
            Some("timeout") => Outcome::Timeout,
            _ => Outcome::Unknown,
        };
        if !self.outcome.is_failure() && outcome != Outcome::Unknown {
            self.outcome = outcome;
        }
        let error_type = record["errorType"].as_str().map(str::to_owned);
        self.error_type = error_type.or_else(|| self.error_type.take());
    }

    fn keep(&mut self, event: &Event, line_bytes: usize) -> usize {
        let is_full = self.lines.len() >= LINES.0 || line_bytes >= ALL_BYTES;
        if self.outcome == Outcome::Success || is_full {
            return 0;
        }
        let Line { level, text, members, stack, .. } = Line::of(event);
        let whole = [text, members, stack].into_iter().filter(|it| !it.is_empty());
        let mut text = whole.collect::<Vec<_>>().join("\n");
        text.truncate(text.floor_char_boundary(LINES.1));
        let bytes = text.len();
        let level = level.map(|it| it.word().to_uppercase());
        self.lines.push(report::Line { time_ms: event.time_ms, level, text });
        bytes
    }
}

/// Returns a time in milliseconds, if it is plausible for an invocation.
fn metric(record: &Value, name: &str) -> Option<f64> {
    bounded(record["metrics"][name].as_f64()?)
}

fn bounded(time: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "so few milliseconds are exact")]
    let longest = LONGEST_MS as f64;
    (0.0..=longest).contains(&time).then_some(time)
}

/// Returns the time for which extensions kept the invocation open.
fn overhead(record: &Value) -> Option<f64> {
    let spans = record["spans"].as_array()?;
    bounded(spans.iter().find(|it| it["name"] == "extensionOverhead")?["durationMs"].as_f64()?)
}
