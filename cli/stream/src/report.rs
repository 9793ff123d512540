//! What `verify` found: the facts, for machines (as JSON) and for `render`.

use std::collections::BTreeMap;

use kinesis_telemetry_consumer::Instance;
use serde::{Deserialize, Serialize};

/// How many events of a kind of trouble are quoted; the count says how many there are.
const QUOTED: usize = 20;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Every event of the journal was acknowledged (or need not be) and has arrived, once, numbered
    /// without a hole.
    pub(crate) complete: bool,
    /// Events of the journal that the extension acknowledged, without those that it has sampled out.
    pub(crate) expected: usize,
    /// Absent without a selection, and where it does not explain what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) selection: Option<Selection>,
    /// Different events in the stream, the extension's own included.
    pub(crate) arrived: usize,
    /// How many of each type.
    pub(crate) by_type: BTreeMap<String, usize>,
    /// Kinesis records.
    pub(crate) records: usize,
    /// Of data.
    pub(crate) bytes: usize,
    /// From an event's own time to its arrival in the stream; absent when nothing arrived.
    pub(crate) latency: Option<Latency>,
    /// One for each extension process.
    pub(crate) instances: Vec<Instance>,
    /// In the journal, but never acknowledged by the extension, so that it need not have delivered them.
    pub(crate) unacknowledged: Quoted,
    /// Whether it was asked to overlook these.
    pub(crate) allow_unacknowledged: bool,
    /// In the journal and acknowledged, not in the stream.
    pub(crate) missing: Quoted,
    /// In the stream, not in the journal.
    pub(crate) unexpected: Quoted,
    /// In the stream under more numbers than the journal has copies of it.
    pub(crate) repeated: Quoted,
    /// Lines that are no events, with the reason.
    pub(crate) broken: Quoted,
    /// By request id.
    pub(crate) requests: BTreeMap<String, Request>,
    /// Some lines of the stream as they arrived.
    pub(crate) samples: Vec<String>,
}

impl Report {
    /// Whether looking again may find more. It repairs nothing that arrived wrong.
    pub(crate) fn lacks_something(&self) -> bool {
        let lacks = |found: &Instance| !found.missing.is_empty() || !found.unjoinable.is_empty();
        !self.missing.is_empty() || self.instances.iter().any(lacks)
    }
}

/// What the setting `SAMPLE` has left of the log lines.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    /// Log lines that arrived.
    pub(crate) lines: usize,
    /// Invocations of which a log line arrived.
    pub(crate) invocations: usize,
    pub(crate) sampled_out: SampledOut,
}

/// Ordinary invocations outside of the sample, with their log lines and the bytes of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct SampledOut {
    pub(crate) invocations: usize,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// Milliseconds.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "a number without its unit misleads")]
pub(crate) struct Latency {
    /// Half of the events took at most this.
    pub(crate) p50_ms: i64,
    /// 99 of 100 took at most this.
    pub(crate) p99_ms: i64,
    /// The longest.
    pub(crate) max_ms: i64,
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
pub(crate) struct Request {
    /// How many of them arrived.
    pub(crate) events: usize,
    /// When the last of them arrived, in milliseconds since 1970.
    pub(crate) last_arrival_ms: i64,
    /// The same without `platform.report`, which Lambda itself holds back until the next invocation.
    pub(crate) last_arrival_before_report_ms: Option<i64>,
}
