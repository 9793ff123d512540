//! The findings of `verify`: facts, for machines (as JSON) and for `render`.

use std::collections::BTreeMap;

use kinesis_telemetry_consumer::Instance;
use serde::{Deserialize, Serialize};

/// Number of events that are quoted for a kind of problem; the count covers all of them.
const QUOTED: usize = 20;

/// The findings about a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// True if every event of the journal was acknowledged (or need not be) and arrived once, and the numbers have no gap.
    pub(crate) complete: bool,
    /// Events of the journal that the extension acknowledged, without those that it has sampled out.
    pub(crate) expected: usize,
    /// The selection; absent if there is none, or if it does not explain the absent events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) selection: Option<Selection>,
    /// Different events in the stream, the extension's own included.
    pub(crate) arrived: usize,
    /// The number of events of each type.
    pub(crate) by_type: BTreeMap<String, usize>,
    /// Kinesis records.
    pub(crate) records: usize,
    /// The size of all records' data, in bytes.
    pub(crate) bytes: usize,
    /// The time from an event's own time to its arrival in the stream; absent if no event arrived.
    pub(crate) latency: Option<Latency>,
    /// One for each extension process.
    pub(crate) instances: Vec<Instance>,
    /// Events of the journal that the extension never acknowledged, so that it did not have to deliver them.
    pub(crate) unacknowledged: Quoted,
    /// True if unacknowledged events do not count.
    pub(crate) allow_unacknowledged: bool,
    /// Acknowledged events of the journal that are not in the stream.
    pub(crate) missing: Quoted,
    /// Events of the stream that are not in the journal.
    pub(crate) unexpected: Quoted,
    /// Events that have more numbers in the stream than copies in the journal.
    pub(crate) repeated: Quoted,
    /// Lines that are not events, with the reason.
    pub(crate) broken: Quoted,
    /// The invocations, by request id.
    pub(crate) requests: BTreeMap<String, Request>,
    /// Some lines of the stream as they arrived.
    pub(crate) samples: Vec<String>,
}

impl Report {
    /// Returns true if another read may find more events. It cannot correct events that arrived wrong.
    pub(crate) fn lacks_something(&self) -> bool {
        let lacks = |found: &Instance| !found.missing.is_empty() || !found.unjoinable.is_empty();
        !self.missing.is_empty() || self.instances.iter().any(lacks)
    }
}

/// The log lines that the setting `SAMPLE` has kept.
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

/// Delivery latency, in milliseconds.
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

/// A number of events, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quoted {
    /// The number of events.
    pub count: usize,
    /// The first events, as text.
    pub first: Vec<String>,
}

impl Quoted {
    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an event.
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
    /// The number of its events that arrived.
    pub(crate) events: usize,
    /// The arrival of its last event, in milliseconds since 1970.
    pub(crate) last_arrival_ms: i64,
    /// The arrival of its last event before `platform.report`, which Lambda itself holds back until the next
    /// invocation.
    pub(crate) last_arrival_before_report_ms: Option<i64>,
}
