//! Log lines that the extension has sampled out, as its ledgers state. Pure.

use std::collections::BTreeSet;

use extension_spec::event_type;
use kinesis_telemetry_consumer::Arrival;
use serde::Deserialize;

use crate::report::{SampledOut, Selection};

/// The counts of a ledger, if the extension selects events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ledger {
    read: usize,
    received: usize,
    filtered: usize,
    undecided: usize,
    sampled_out: SampledOut,
}

impl SampledOut {
    /// Returns the sum of two counts.
    pub(crate) fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let sums = one.zip(other).map(|(one, other)| Self {
            invocations: one.invocations + other.invocations,
            events: one.events + other.events,
            bytes: one.bytes + other.bytes,
        });
        sums.or(one).or(other)
    }

    /// Returns true if the log lines among the absent events have exactly this number and these bytes.
    pub(crate) fn explains(&self, absent: &[&str]) -> bool {
        let lines = || absent.iter().filter(|text| is_line(text));
        lines().count() == self.events
            && lines().map(|text| text.len()).sum::<usize>() == self.bytes
    }
}

impl Selection {
    pub(crate) fn of(sampled_out: SampledOut, arrivals: &[Arrival<'_>]) -> Self {
        let (lines, others): (Vec<_>, Vec<_>) =
            arrivals.iter().partition(|it| is_kind_of_line(&it.event.kind));
        let requests: BTreeSet<&str> =
            others.iter().filter_map(|it| it.event.request_id.as_deref()).collect();
        // A line in one of Lambda's text formats has its request ID only in the text.
        let has_line = |request: &&&str| {
            let is_of_it = |it: &&Arrival<'_>| {
                it.event.request_id.as_deref() == Some(**request)
                    || it.event.text.contains(**request)
            };
            lines.iter().any(is_of_it)
        };
        let invocations = requests.iter().filter(has_line).count();
        Self { lines: lines.len(), invocations, sampled_out }
    }
}

/// Returns the counts of an instance's last ledger. Returns `None` if it selects nothing, or if its counts do not balance.
pub(crate) fn sampled_out(arrivals: &[Arrival<'_>]) -> Option<SampledOut> {
    #[derive(Deserialize)]
    struct Event {
        record: Ledger,
    }
    let last = arrivals.iter().rfind(|it| it.event.kind == event_type::LEDGER)?;
    let Event { record: ledger } = serde_json::from_str(&last.event.text).ok()?;
    let Ledger { read, received, filtered, undecided, sampled_out } = ledger;
    (read == received + filtered + sampled_out.events + undecided).then_some(sampled_out)
}

/// Returns true for the text of a log line of the function or of an extension.
pub(crate) fn is_line(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str(text).is_ok_and(|Event { kind }| is_kind_of_line(&kind))
}

fn is_kind_of_line(kind: &str) -> bool {
    matches!(kind, "function" | "extension")
}
