//! Compares the events that invocations must produce with those that arrived. Pure.

use std::collections::{BTreeMap, BTreeSet};

use extension_spec::event_type;
use kinesis_telemetry_consumer::{Arrival, Instance, Judged};
use kinesis_telemetry_stream::Quoted;
use serde::Serialize;
use serde_json::Value;

use super::evidence::Evidence;
use crate::own_lines::OwnLines;

/// The event that every invocation ends with, and that only invocations have.
const REPORT: &str = "platform.report";
/// The platform events that every invocation has exactly once.
const STATED: [&str; 3] = ["platform.start", "platform.runtimeDone", REPORT];

/// An invocation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) request_id: String,
    /// The number of lines that it logs: "line 1 of N" and so on.
    pub(crate) lines: u32,
}

/// The result for the telemetry of all invocations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Audit {
    complete: bool,
    pub(crate) requests: Vec<Request>,
    /// The instances of these events, each from the first number that must exist.
    pub(crate) instances: Vec<Instance>,
    /// Lines of the stream that are not events with an identity, with the reason.
    pub(crate) broken: Quoted,
    /// Number of records that were read, including those of other writers.
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    /// The error that ended reading early, if there was one.
    pub(crate) hindrance: Option<String>,
    /// Log lines of the extension in the period, if events are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extension_lines: Option<OwnLines>,
}

/// The result for the telemetry of one invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "Lambda's name for it")]
pub(crate) struct Request {
    pub(crate) request_id: String,
    pub(crate) expected: usize,
    pub(crate) arrived: usize,
    /// Types of events, and numbers of log lines, that did not arrive.
    pub(crate) missing: Vec<String>,
    /// Events that arrived with several numbers.
    pub(crate) repeated: Vec<String>,
    /// True if events arrived without an identity, so that their completeness cannot be proved.
    pub(crate) anonymous: bool,
    /// The time from the platform's start of the invocation until its last event except the report arrived.
    pub(crate) delivered_ms: Option<i64>,
}

impl Audit {
    pub(crate) fn of(sent: &[Sent], evidence: &Evidence) -> Self {
        let ids: BTreeSet<&str> = sent.iter().map(|it| it.request_id.as_str()).collect();
        let judged: Vec<Judged<'_>> = evidence.gathering.judged().collect();
        let mut by_request: BTreeMap<&str, Vec<&Arrival<'_>>> = BTreeMap::new();
        let mut instances = Vec::new();
        for Judged { instance, arrivals } in &judged {
            let own = |it: &&Arrival<'_>| {
                it.event.request_id.as_deref().is_some_and(|id| ids.contains(id))
            };
            let own: Vec<&Arrival<'_>> = arrivals.iter().filter(own).collect();
            for arrival in &own {
                let id = arrival.event.request_id.as_deref().unwrap_or_default();
                by_request.entry(id).or_default().push(arrival);
            }
            // Instances that served none of our invocations are not judged.
            instances.extend(first_due(&own).map(|due| since(due, instance)));
        }
        let found = |it: &Sent| {
            let id = it.request_id.as_str();
            let arrivals = by_request.get(id).map(Vec::as_slice).unwrap_or_default();
            request(it, arrivals, evidence.anonymous.contains(id))
        };
        let requests: Vec<Request> = sent.iter().map(found).collect();
        let all = |it: &Request| it.missing.is_empty() && it.repeated.is_empty();
        Self {
            complete: requests.iter().all(all) && instances.iter().all(Instance::has_all),
            requests,
            instances,
            broken: evidence.broken.clone(),
            records: evidence.records,
            bytes: evidence.bytes,
            hindrance: None,
            extension_lines: None,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Returns true if the events contradict each other, so that waiting is useless.
    pub(crate) fn cannot_become_complete(&self) -> bool {
        self.requests.iter().any(|it| it.anonymous || !it.repeated.is_empty())
            || self.instances.iter().any(|it| !it.conflicting.is_empty())
    }

    pub(crate) fn expected(&self) -> usize {
        self.requests.iter().map(|it| it.expected).sum()
    }

    pub(crate) fn arrived(&self) -> usize {
        self.requests.iter().map(|it| it.arrived).sum()
    }
}

/// Returns the number from which an instance must have every event. It is the first number among the events of these invocations,
/// because reading began before it; or 1 if the instance started with these invocations.
fn first_due(own: &[&Arrival<'_>]) -> Option<u64> {
    let first = own.iter().map(|it| it.event.source.seq).min()?;
    Some(if own.iter().any(|it| is_cold(it)) { 1 } else { first })
}

/// Returns true if this is the report of a cold start, which has an init duration.
fn is_cold(arrival: &Arrival<'_>) -> bool {
    let took = |text: &str| {
        let event: Value = serde_json::from_str(text).ok()?;
        event["record"]["metrics"]["initDurationMs"].as_f64()
    };
    arrival.event.kind == REPORT && took(&arrival.event.text).is_some()
}

/// Returns the instance without its earlier numbers.
fn since(first: u64, instance: &Instance) -> Instance {
    let kept = |of: &[u64]| of.iter().copied().filter(|it| *it >= first).collect();
    Instance {
        name: instance.name.clone(),
        first: first.max(instance.first),
        last: instance.last,
        missing: instance.missing.iter().copied().filter(|(_, to)| *to >= first).collect(),
        duplicates: kept(&instance.duplicates),
        conflicting: kept(&instance.conflicting),
        unjoinable: instance.unjoinable.clone().split_off(&first),
        explained: instance.explained.iter().copied().filter(|(_, to)| *to >= first).collect(),
        uncounted: instance.uncounted,
    }
}

fn request(sent: &Sent, arrivals: &[&Arrival<'_>], anonymous: bool) -> Request {
    let lines = (1..=sent.lines).map(|n| format!("line {n}"));
    let wanted: BTreeSet<String> = STATED.map(str::to_owned).into_iter().chain(lines).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut start, mut last) = (None, None);
    for Arrival { event, at_ms } in arrivals {
        let name = match event.kind.as_str() {
            "function" => wanted.get(&line(&event.text, sent.lines).unwrap_or_default()),
            kind => wanted.get(kind),
        };
        if let Some(name) = name {
            *counts.entry(name).or_default() += 1;
        }
        if event.kind == "platform.start" {
            start = event.time_ms;
        }
        if event.kind != REPORT && !event.kind.starts_with(event_type::PREFIX) {
            last = last.max(Some(*at_ms));
        }
    }
    let mut missing: Vec<String> =
        wanted.iter().filter(|it| !counts.contains_key(it.as_str())).cloned().collect();
    // Sorts line 2 before line 10.
    missing.sort_by_key(|it| (it.len(), it.clone()));
    Request {
        request_id: sent.request_id.clone(),
        expected: wanted.len(),
        arrived: counts.len(),
        missing,
        repeated: counts.iter().filter(|it| *it.1 > 1).map(|it| (*it.0).to_owned()).collect(),
        anonymous,
        delivered_ms: start.zip(last).map(|(start, last)| last - start),
    }
}

/// Returns `line 3` for a line of the test function, such as "… line 3 of 10 …", as text or in JSON.
fn line(event: &str, lines: u32) -> Option<String> {
    let event: Value = serde_json::from_str(event).ok()?;
    let record = &event["record"];
    let text = record.as_str().or_else(|| record["message"].as_str())?;
    let (_, rest) = text.split_once("line ")?;
    let (number, rest) = rest.split_once(" of ")?;
    let of = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    (of == lines.to_string() && number.parse::<u32>().is_ok()).then(|| format!("line {number}"))
}

#[cfg(test)]
mod tests;
