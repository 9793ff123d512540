//! What `verify` found: the facts, for machines (as JSON) and for `render`.

use std::collections::BTreeMap;

use kinesis_telemetry_consumer::Instance;
use serde::Serialize;

/// How many events of a kind of trouble are quoted; the count says how many there are.
const QUOTED: usize = 20;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Every event of the journal was acknowledged (or need not be) and has arrived, once, numbered
    /// without a hole.
    pub complete: bool,
    /// Events of the journal that the extension acknowledged.
    pub expected: usize,
    /// Different events in the stream, the extension's own included.
    pub arrived: usize,
    /// How many of each type.
    pub by_type: BTreeMap<String, usize>,
    /// Kinesis records.
    pub records: usize,
    /// Of data.
    pub bytes: usize,
    /// From an event's own time to its arrival in the stream; absent when nothing arrived.
    pub latency: Option<Latency>,
    /// One for each extension process.
    pub instances: Vec<Instance>,
    /// In the journal, but never acknowledged by the extension, so that it need not have delivered them.
    pub unacknowledged: Quoted,
    /// Whether it was asked to overlook these.
    pub allow_unacknowledged: bool,
    /// In the journal and acknowledged, not in the stream.
    pub missing: Quoted,
    /// In the stream, not in the journal.
    pub unexpected: Quoted,
    /// In the stream under more numbers than the journal has copies of it.
    pub repeated: Quoted,
    /// Lines that are no events, with the reason.
    pub broken: Quoted,
    /// By request id.
    pub requests: BTreeMap<String, Request>,
    /// Some lines of the stream as they arrived.
    pub samples: Vec<String>,
}

impl Report {
    /// Whether looking again may find more. It repairs nothing that arrived wrong.
    pub fn lacks_something(&self) -> bool {
        let lacks = |found: &Instance| !found.missing.is_empty() || !found.unjoinable.is_empty();
        !self.missing.is_empty() || self.instances.iter().any(lacks)
    }
}

/// Milliseconds.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "a number without its unit misleads")]
pub struct Latency {
    /// Half of the events took at most this.
    pub p50_ms: i64,
    /// 99 of 100 took at most this.
    pub p99_ms: i64,
    /// The longest.
    pub max_ms: i64,
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quoted {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub first: Vec<String>,
}

impl Quoted {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One more.
    pub fn push(&mut self, text: impl Into<String>) {
        self.count += 1;
        if self.first.len() < QUOTED {
            self.first.push(text.into());
        }
    }
}

/// The events of one invocation.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// How many of them arrived.
    pub events: usize,
    /// When the last of them arrived, in milliseconds since 1970.
    pub last_arrival_ms: i64,
    /// The same without `platform.report`, which Lambda itself holds back until the next invocation.
    pub last_arrival_before_report_ms: Option<i64>,
}
