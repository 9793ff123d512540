//! Compares the journal with the stream: missing, duplicate and unexpected events. Pure.

mod selection;

use std::collections::{BTreeMap, HashMap};

use clap::Args;
use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer, Arrival, Gathering, Instance};

use crate::journal::Expected;
use crate::report::{Latency, Quoted, Report, Request, SampledOut, Selection};
use crate::stream::Record;

/// The options of the comparison.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// Ignore events that never reached the extension, as in a run with faults
    #[arg(long)]
    allow_unacknowledged: bool,
    /// Show this many events as they arrived
    #[arg(long, value_name = "N", default_value_t = 0)]
    show: usize,
}

/// Gathers the events of records. Also returns the lines that are not events, with the reason.
fn gather(records: &[Record]) -> (Gathering, Quoted) {
    let mut gathering = Gathering::default();
    let mut broken = Quoted::default();
    for record in records {
        for line in consumer::record(&record.data) {
            match line {
                Ok(event) => gathering.add(event, record.arrived_ms),
                Err(line) => broken.push(format!("{}: {}", line.why, line.line)),
            }
        }
    }
    (gathering, broken)
}

pub(crate) fn compare(journal: &[Expected], records: &[Record], terms: Terms) -> Report {
    let (gathering, broken) = gather(records);
    let (mut arrivals, mut instances) = (Vec::new(), Vec::new());
    let mut sampled_out = None;
    for judged in gathering.judged() {
        sampled_out = SampledOut::sum(sampled_out, selection::sampled_out(&judged.arrivals));
        arrivals.extend(judged.arrivals);
        instances.push(judged.instance);
    }
    let (mut absent, unexpected, repeated) = difference(journal, &arrivals);
    let sampled_out = sampled_out.filter(|it| it.explains(&absent));
    if sampled_out.is_some() {
        absent.retain(|text| !selection::is_line(text));
    }
    let mut missing = Quoted::default();
    for text in &absent {
        missing.push(*text);
    }
    let mut unacknowledged = Quoted::default();
    for event in journal.iter().filter(|event| !event.accepted) {
        unacknowledged.push(&event.text);
    }
    let selection = sampled_out.map(|it| Selection::of(it, &arrivals));
    let not_selected = selection.as_ref().map_or(0, |it| it.sampled_out.events);
    let expected = journal.len() - unacknowledged.count - not_selected;
    let taken = terms.allow_unacknowledged || unacknowledged.is_empty();
    let whole = instances.iter().all(Instance::is_whole);
    let clean = [&missing, &unexpected, &repeated, &broken].iter().all(|found| found.is_empty());
    let mut by_type = BTreeMap::new();
    for arrival in &arrivals {
        *by_type.entry(arrival.event.kind.clone()).or_default() += 1;
    }
    Report {
        // A run without events proves nothing.
        complete: expected > 0 && taken && whole && clean,
        expected,
        selection,
        arrived: arrivals.len(),
        samples: samples(records, &by_type, terms.show),
        by_type,
        records: records.len(),
        bytes: records.iter().map(|record| record.data.len()).sum(),
        latency: latency(&arrivals),
        instances,
        unacknowledged,
        allow_unacknowledged: terms.allow_unacknowledged,
        missing,
        unexpected,
        repeated,
        broken,
        requests: requests(&arrivals),
    }
}

/// Compares events as multisets of text, because a function may log the same line twice in one millisecond. Returns the events
/// that have not arrived, in the journal's order, then the unexpected and the repeated ones.
fn difference<'a>(
    journal: &'a [Expected],
    arrivals: &[Arrival<'_>],
) -> (Vec<&'a str>, Quoted, Quoted) {
    #[derive(Default)]
    struct Count {
        accepted: usize,
        /// Number of events that may have been accepted although their acknowledgement is missing, because it may be lost.
        possible: usize,
    }
    let mut counts: HashMap<&str, Count> = HashMap::new();
    for event in journal {
        let count = counts.entry(&event.text).or_default();
        if event.accepted {
            count.accepted += 1;
        } else {
            count.possible += 1;
        }
    }
    let (mut missing, mut unexpected, mut repeated) = <(Vec<_>, Quoted, Quoted)>::default();
    for Arrival { event, .. } in arrivals {
        // The platform did not generate the extension's own events.
        if event.kind.starts_with(event_type::PREFIX) {
            continue;
        }
        match counts.get_mut(event.text.as_str()) {
            Some(Count { accepted, .. }) if *accepted > 0 => *accepted -= 1,
            Some(Count { possible, .. }) if *possible > 0 => *possible -= 1,
            Some(_) => repeated.push(&event.text),
            None => unexpected.push(&event.text),
        }
    }
    // The journal is in chronological order.
    for event in journal.iter().filter(|event| event.accepted) {
        if let Some(count) = counts.get_mut(event.text.as_str()).filter(|count| count.accepted > 0)
        {
            count.accepted -= 1;
            missing.push(event.text.as_str());
        }
    }
    (missing, unexpected, repeated)
}

fn latency(arrivals: &[Arrival<'_>]) -> Option<Latency> {
    let delay = |arrival: &Arrival<'_>| arrival.event.time_ms.map(|time| arrival.at_ms - time);
    let mut delays: Vec<i64> = arrivals.iter().filter_map(delay).collect();
    delays.sort_unstable();
    // The nearest-rank method: each percentile is a value that occurred.
    let percentile = |p: usize| delays.get((delays.len() * p).div_ceil(100).saturating_sub(1));
    Some(Latency { p50_ms: *percentile(50)?, p99_ms: *percentile(99)?, max_ms: *delays.last()? })
}

fn requests(arrivals: &[Arrival<'_>]) -> BTreeMap<String, Request> {
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    for Arrival { event, at_ms } in arrivals {
        let Some(id) = &event.request_id else {
            continue;
        };
        let request = requests.entry(id.clone()).or_default();
        request.events += 1;
        request.last_arrival_ms = request.last_arrival_ms.max(*at_ms);
        if event.kind != "platform.report" {
            let last = &mut request.last_arrival_before_report_ms;
            *last = Some(last.unwrap_or(*at_ms).max(*at_ms));
        }
    }
    requests
}

/// Returns the first line of each type as it arrived, the most frequent types first.
fn samples(records: &[Record], by_type: &BTreeMap<String, usize>, show: usize) -> Vec<String> {
    let mut first: HashMap<String, String> = HashMap::new();
    for record in records {
        let lines = consumer::lines(&record.data).unwrap_or_default();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            if let Some(Ok(event)) = consumer::record(line).pop() {
                let line = || String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                first.entry(event.kind).or_insert_with(line);
            }
        }
    }
    let mut kinds: Vec<(&String, &usize)> = by_type.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    kinds.iter().filter_map(|(kind, _)| first.remove(*kind)).take(show).collect()
}

#[cfg(test)]
mod tests;
