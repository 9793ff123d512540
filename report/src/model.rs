//! The contents of a report, independent of their origin.

use std::collections::BTreeMap;

use serde::Serialize;

/// The contents of the page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The heading of the page.
    pub title: String,
    /// The stream that was read.
    pub source: String,
    /// The start of the time range that was read, in milliseconds since 1970-01-01T00:00:00Z.
    pub from_ms: i64,
    /// The end of the time range that was read, in milliseconds since 1970-01-01T00:00:00Z.
    pub to_ms: i64,
    /// The number of records that were read.
    pub records: u64,
    /// The size of these records in bytes, as they were in the stream.
    pub bytes: u64,
    /// The number of events of each type, such as `platform.report`.
    pub types: BTreeMap<String, u64>,
    /// The number of records in each format, such as `ndjson+gzip`.
    pub formats: BTreeMap<String, u64>,
    /// The settings that can be recognized in the stream.
    pub settings: Vec<Setting>,
    /// The invocations, in any order.
    pub invocations: Vec<Invocation>,
    /// The instances of the extension, in any order.
    pub instances: Vec<Instance>,
    /// The number of records and lines that could not be decoded.
    pub unreadable: u64,
    /// A few reasons why records could not be decoded, each with the record's position.
    pub unreadable_examples: Vec<String>,
}

/// A setting of a function, as far as the stream shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The name of the function.
    pub function: String,
    /// The name of the setting, such as `envelope`.
    pub name: String,
    /// The value of the setting.
    pub value: String,
}

/// One invocation. Figures that are not in the stream are `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// The name of the function.
    pub function: String,
    /// The version of the function, such as `$LATEST`.
    pub version: Option<String>,
    /// The name of the instance in which it ran ([`Instance::name`]).
    pub instance: String,
    /// Lambda's ID of the invocation.
    pub request_id: String,
    /// The time at which the invocation began, after the init phase, in milliseconds since 1970-01-01T00:00:00Z.
    pub start_ms: i64,
    /// The duration of the init phase in milliseconds. Only cold starts have one.
    pub init_ms: Option<f64>,
    /// The time in milliseconds that the function ran.
    pub duration_ms: Option<f64>,
    /// The time in milliseconds for which the extension kept the invocation open after the function's end.
    pub extension_ms: Option<f64>,
    /// The billed duration in milliseconds.
    pub billed_ms: Option<f64>,
    /// The configured memory in MB.
    pub memory_mb: Option<u64>,
    /// The memory high-water mark in MB.
    pub max_memory_mb: Option<u64>,
    /// The time in milliseconds from the end of the invocation to the arrival of its last event in the stream.
    ///
    /// `platform.report` does not count: Lambda delivers it with the next invocation.
    pub lag_ms: Option<i64>,
    /// How the invocation ended.
    pub outcome: Outcome,
    /// The type of the error, such as `Runtime.ExitError`.
    pub error_type: Option<String>,
    /// The number of its events that arrived.
    pub events: u64,
    /// Its log lines. The page shows them for failures, so other invocations can leave them empty.
    pub lines: Vec<Line>,
}

/// The way in which an invocation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The function returned a response.
    Success,
    /// The function returned an error, or its runtime did (`failure`).
    Failure,
    /// The function's process ended or could not continue (`error`).
    Error,
    /// The function ran longer than its timeout allows.
    Timeout,
    /// The end of the invocation is not in the stream.
    #[default]
    Unknown,
}

impl Outcome {
    /// Returns true if the invocation failed in any way.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failure | Self::Error | Self::Timeout)
    }
}

/// One log line. Its text may have line breaks, for example in a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The time of the line in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: Option<i64>,
    /// Its level, such as `ERROR`.
    pub level: Option<String>,
    /// Its text.
    pub text: String,
}

/// The events of one extension process that arrived. The process numbers its events 1, 2, 3 and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The name of the instance, which its events carry.
    pub name: String,
    /// The name of its function.
    pub function: String,
    /// The lowest number that arrived.
    pub first: u64,
    /// The highest number that arrived. Missing events after it cannot be seen.
    pub last: u64,
    /// Ranges of numbers that did not arrive, each with its first and last number.
    pub missing: Vec<(u64, u64)>,
    /// Ranges within [`missing`](Self::missing) that the extension has reported as shed, each with its first and last number.
    pub explained: Vec<(u64, u64)>,
    /// The count of explained numbers beyond the count that the extension reported as shed. They are missing.
    pub uncounted: u64,
    /// The number of events that arrived more than once.
    pub duplicates: u64,
    /// The count of event numbers with which different events arrived. The extension never writes such events.
    pub conflicting: u64,
    /// The number of log lines that were sampled out, from the ledger.
    pub sampled_out: u64,
    /// The number of events that the extension discarded for lack of memory or of capacity in Kinesis, from the ledger.
    pub shed: u64,
    /// True if a ledger of this instance arrived.
    pub has_ledger: bool,
    /// The number of events that arrived, each counted once.
    pub events: u64,
}
