//! What `verify` found: the facts, for machines (as JSON) and for `render`.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many events of a kind of trouble are quoted; the count says how many there are.
const QUOTED: usize = 20;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Every event of the journal was acknowledged (or need not be) and has arrived, once, numbered
    /// without a hole.
    pub(crate) complete: bool,
    /// Events of the journal that the extension acknowledged.
    pub(crate) expected: usize,
    /// Different events in the stream, the extension's own included.
    pub(crate) arrived: usize,
    pub(crate) by_type: BTreeMap<String, usize>,
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    /// From an event's own time to its arrival in the stream; absent when nothing arrived.
    pub(crate) latency: Option<Latency>,
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

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "a number without its unit misleads")]
pub(crate) struct Latency {
    pub(crate) p50_ms: i64,
    pub(crate) p99_ms: i64,
    pub(crate) max_ms: i64,
}

/// One extension process, which numbers its events 1, 2, 3 and so on.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// The `instance` of its events' `source`.
    pub(crate) name: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Numbers up to `last` that did not arrive, from and to.
    pub(crate) missing: Vec<(u64, u64)>,
    /// Numbers that arrived more than once, with the same event.
    pub(crate) doubled: Vec<u64>,
    /// Numbers under which different events arrived.
    pub(crate) conflicting: Vec<u64>,
    /// Numbers whose parts cannot be joined, and why.
    pub(crate) unjoinable: BTreeMap<u64, String>,
}

impl Instance {
    /// Whether each event arrived once.
    pub(crate) fn is_whole(&self) -> bool {
        self.doubled.is_empty() && self.has_all()
    }

    /// Whether each event arrived, be it several times: that is what delivery at least once means.
    pub(crate) fn has_all(&self) -> bool {
        self.missing.is_empty() && self.conflicting.is_empty() && self.unjoinable.is_empty()
    }
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Quoted {
    pub(crate) count: usize,
    pub(crate) first: Vec<String>,
}

impl Quoted {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn push(&mut self, text: impl Into<String>) {
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
    pub(crate) events: usize,
    /// When the last of them arrived, in milliseconds since 1970.
    pub(crate) last_arrival_ms: i64,
    /// The same without `platform.report`, which Lambda itself holds back until the next invocation.
    pub(crate) last_arrival_before_report_ms: Option<i64>,
}
