//! What invocations must have left in the stream, and what of it is there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use extension_spec::event_type;
use serde::Serialize;
use serde_json::Value;

use crate::gather::{Arrival, Gathered, gather};
use crate::report::{Instance, Quoted};
use crate::stream::Record;

/// What the platform says of every invocation, once each.
const STATED: [&str; 3] = ["platform.start", "platform.runtimeDone", "platform.report"];

/// An invocation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) request_id: String,
    /// How many it logs: "line 1 of N" and so on.
    pub(crate) lines: u32,
}

/// What became of the telemetry of invocations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    complete: bool,
    pub(crate) requests: Vec<Request>,
    /// Those whose events these are. Numbers before the first that was seen are none of ours.
    pub(crate) instances: Vec<Instance>,
    /// Lines that are no events, with the reason.
    pub(crate) broken: Quoted,
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// What became of the telemetry of an invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "so Lambda calls it")]
pub(crate) struct Request {
    pub(crate) request_id: String,
    pub(crate) expected: usize,
    pub(crate) arrived: usize,
    /// Types, and numbers of lines, that did not arrive.
    pub(crate) missing: Vec<String>,
    /// Those that arrived under several numbers.
    pub(crate) repeated: Vec<String>,
    /// From the platform's start of the invocation until its last event but the report arrived.
    pub(crate) delivered_ms: Option<i64>,
}

impl Account {
    pub(crate) fn of(asked: &[Asked], records: &[Record]) -> Self {
        let Gathered { arrivals, mut instances, broken } = gather(records);
        let mut by_request: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
        for arrival in &arrivals {
            if let Some(id) = &arrival.event.request_id {
                by_request.entry(id).or_default().push(arrival);
            }
        }
        let found = |it: &Asked| {
            request(
                it,
                by_request.get(it.request_id.as_str()).map(Vec::as_slice).unwrap_or_default(),
            )
        };
        let requests: Vec<Request> = asked.iter().map(found).collect();
        for instance in &mut instances {
            instance.missing.retain(|(_, to)| *to > instance.first);
        }
        let all = |it: &Request| it.missing.is_empty() && it.repeated.is_empty();
        let whole = instances.iter().all(Instance::is_whole);
        Self {
            complete: requests.iter().all(all) && whole && broken.is_empty(),
            requests,
            instances,
            broken,
            records: records.len(),
            bytes: records.iter().map(|it| it.data.len()).sum(),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// What came twice, or damaged, is not mended by waiting.
    pub(crate) fn cannot_become_complete(&self) -> bool {
        !self.broken.is_empty()
            || self.requests.iter().any(|it| !it.repeated.is_empty())
            || self.instances.iter().any(|it| !it.doubled.is_empty())
    }

    pub(crate) fn expected(&self) -> usize {
        self.requests.iter().map(|it| it.expected).sum()
    }

    pub(crate) fn arrived(&self) -> usize {
        self.requests.iter().map(|it| it.arrived).sum()
    }
}

fn request(asked: &Asked, arrivals: &[&Arrival]) -> Request {
    let lines = (1..=asked.lines).map(|n| format!("line {n}"));
    let wanted: BTreeSet<String> = STATED.map(str::to_owned).into_iter().chain(lines).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut start, mut last) = (None, None);
    for Arrival { event, at_ms } in arrivals {
        let name = match event.kind.as_str() {
            "function" => wanted.get(&line(&event.text, asked.lines).unwrap_or_default()),
            kind => wanted.get(kind),
        };
        if let Some(name) = name {
            *counts.entry(name).or_default() += 1;
        }
        if event.kind == "platform.start" {
            start = event.time_ms;
        }
        if event.kind != "platform.report" && !event.kind.starts_with(event_type::PREFIX) {
            last = last.max(Some(*at_ms));
        }
    }
    let mut missing: Vec<String> =
        wanted.iter().filter(|it| !counts.contains_key(it.as_str())).cloned().collect();
    // As the function says them: line 2 before line 10.
    missing.sort_by_key(|it| (it.len(), it.clone()));
    Request {
        request_id: asked.request_id.clone(),
        expected: wanted.len(),
        arrived: counts.len(),
        missing,
        repeated: counts.iter().filter(|it| *it.1 > 1).map(|it| (*it.0).to_owned()).collect(),
        delivered_ms: start.zip(last).map(|(start, last)| last - start),
    }
}

/// `line 3` of a line that the test function wrote: "… line 3 of 10 …", in a string or in JSON.
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
mod tests {
    use super::*;

    /// Records of one event each; numbered from `first` on.
    fn records(first: u64, events: &[String]) -> Vec<Record> {
        let numbered = events.iter().zip(first..).map(|(event, seq)| {
            let open = event.strip_suffix('}').unwrap();
            let line = format!(
                "{open},\"source\":{{\"function\":\"f\",\"instance\":\"a\",\"seq\":{seq}}}}}\n"
            );
            Record { data: line.into_bytes(), arrived_ms: 1_795_377_600_500 }
        });
        numbered.collect()
    }

    fn stated(kind: &str) -> String {
        format!(
            r#"{{"time":"2026-11-22T20:00:00.000Z","type":"{kind}","record":{{"requestId":"r"}}}}"#
        )
    }

    fn logged(n: u32) -> String {
        let record = format!(r#"{{"requestId":"r","message":"line {n} of 2"}}"#);
        format!(r#"{{"time":"2026-11-22T20:00:00.100Z","type":"function","record":{record}}}"#)
    }

    fn all() -> Vec<String> {
        let mut all = vec![stated("platform.start"), logged(1), logged(2)];
        all.extend(["platform.runtimeDone", "platform.report"].map(stated));
        all
    }

    fn account(records: &[Record]) -> Account {
        Account::of(&[Asked { request_id: "r".into(), lines: 2 }], records)
    }

    #[test]
    fn an_invocation_is_complete_in_the_middle_of_an_instances_life() {
        let account = account(&records(40, &all()));
        assert!(account.is_complete(), "{account:?}");
        assert_eq!((account.arrived(), account.expected()), (5, 5));
        assert_eq!(account.requests[0].delivered_ms, Some(500));
    }

    #[test]
    fn what_did_not_arrive_is_named_and_may_still_come() {
        let mut records = records(1, &all());
        records.remove(2);
        let account = account(&records);
        assert!(!account.is_complete() && !account.cannot_become_complete());
        assert_eq!(account.requests[0].missing, ["line 2"]);
        assert_eq!(account.instances[0].missing, [(3, 3)], "and leaves a hole");
        assert_eq!(Account::of(&[Asked { request_id: "q".into(), lines: 0 }], &[]).arrived(), 0);
    }

    #[test]
    fn an_event_under_two_numbers_a_number_twice_and_what_cannot_be_read_are_final() {
        let mut twice = all();
        twice.push(logged(2));
        let account_twice = account(&records(1, &twice));
        assert_eq!(account_twice.requests[0].repeated, ["line 2"]);
        let mut doubled = records(1, &all());
        doubled.push(doubled[0].clone());
        let mut broken = records(1, &all());
        broken.push(Record { data: b"oops\n".to_vec(), arrived_ms: 0 });
        for account in [account_twice, account(&doubled), account(&broken)] {
            assert!(account.cannot_become_complete() && !account.is_complete());
        }
    }

    #[test]
    fn a_line_is_known_by_what_the_test_function_writes() {
        let text = r#"{"record":"[INFO] id line 12 of 20 xxx"}"#;
        assert_eq!(line(text, 20).as_deref(), Some("line 12"));
        assert_eq!(line(text, 30), None);
        assert_eq!(line(r#"{"record":"else"}"#, 20), None);
    }
}
