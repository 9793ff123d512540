//! Compares Lambda's events with the sandbox's, one by one. Pure.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::difference::{Difference, Found};
use crate::known::known;
use crate::life::{Event, Life, START};
use crate::relations::relations;
use crate::shape::shape;

const INIT_START: &str = "platform.initStart";
const SUBSCRIPTION: &str = "platform.telemetrySubscription";
/// A member that only one side has, or an event.
const ABSENT: &str = "–";

/// The differences between lives of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Comparison(BTreeMap<Difference, Vec<String>>);

impl Comparison {
    /// Compares each environment of Lambda's with the sandbox's at the same place.
    pub(crate) fn of_each(aws: &[Life], sandbox: &[Life]) -> Self {
        let mut comparison = Self::default();
        if aws.len() != sandbox.len() {
            let [aws, sandbox] = [aws, sandbox].map(|it| it.len().to_string());
            comparison.add("scenario", "environments", "number of environments", &aws, &sandbox);
        }
        for (n, (aws, sandbox)) in aws.iter().zip(sandbox).enumerate() {
            comparison.life(&format!("environment {}", n + 1), aws, sandbox);
        }
        comparison
    }

    /// Compares each environment of Lambda's with the beginning of the sandbox's only one, up to the same number of invocations.
    pub(crate) fn of_burst(aws: &[Life], sandbox: &Life) -> Self {
        let mut comparison = Self::default();
        for (n, aws) in aws.iter().enumerate() {
            let expected = sandbox.until_report(aws.count(START));
            comparison.life(&format!("environment {}", n + 1), aws, &expected);
        }
        comparison
    }

    /// Adds a difference between the responses to an invocation.
    pub(crate) fn answers(&mut self, aws: &[bool], sandbox: &[bool]) {
        let word = |failed: Option<&bool>| match failed {
            Some(true) => "an error",
            Some(false) => "a result",
            None => ABSENT,
        };
        for n in 0..aws.len().max(sandbox.len()) {
            let (aws, sandbox) = (word(aws.get(n)), word(sandbox.get(n)));
            if aws != sandbox {
                self.add("scenario", &format!("invocation {}", n + 1), "answer", aws, sandbox);
            }
        }
    }

    /// Returns the differences, unknown ones first.
    pub(crate) fn found(self, scenario: &str) -> Vec<Found> {
        let found = self.0.into_iter().map(|(difference, places)| {
            let known = known(scenario, &difference);
            Found { difference, places, known }
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_by_key(|it| it.known.is_some());
        found
    }

    fn add(&mut self, event: &str, place: &str, member: &str, aws: &str, sandbox: &str) {
        let [event, member, aws, sandbox] = [event, member, aws, sandbox].map(str::to_owned);
        let places = self.0.entry(Difference { event, member, aws, sandbox }).or_default();
        places.push(place.to_owned());
    }

    fn life(&mut self, place: &str, aws: &Life, sandbox: &Life) {
        let (aws_events, sandbox_events) = (sequence(aws), sequence(sandbox));
        let [aws_kinds, sandbox_kinds] = [&aws_events, &sandbox_events]
            .map(|events| events.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>());
        for op in capture_diff_slices(Algorithm::Myers, &aws_kinds, &sandbox_kinds) {
            let (tag, aws_range, sandbox_range) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                for (at, sandbox_at) in aws_range.zip(sandbox_range) {
                    let place = format!("{place}, event {}", at + 1);
                    self.event(&place, aws_events[at], sandbox_events[sandbox_at]);
                }
                continue;
            }
            for kind in &aws_kinds[aws_range.clone()] {
                let place = format!("{place}, event {}", aws_range.start + 1);
                self.add(kind, &place, "", "the event", ABSENT);
            }
            for kind in &sandbox_kinds[sandbox_range] {
                let place = format!("{place}, before event {}", aws_range.end + 1);
                self.add(kind, &place, "", ABSENT, "the event");
            }
        }
        self.relations(place, aws, sandbox);
    }

    fn event(&mut self, place: &str, aws: &Event, sandbox: &Event) {
        let (aws_shape, sandbox_shape) = (shape(&aws.record), shape(&sandbox.record));
        for member in
            aws_shape.keys().chain(sandbox_shape.keys().filter(|it| !aws_shape.contains_key(*it)))
        {
            let [aws_has, sandbox_has] = [&aws_shape, &sandbox_shape]
                .map(|shape| shape.get(member).map_or(ABSENT, String::as_str));
            if aws_has != sandbox_has {
                self.add(&aws.kind, place, member, aws_has, sandbox_has);
            }
        }
    }

    fn relations(&mut self, place: &str, aws: &Life, sandbox: &Life) {
        let (aws, sandbox) = (relations(aws), relations(sandbox));
        let word = |holds: bool| if holds { "holds" } else { "does not hold" };
        for (relation, aws_holds) in aws {
            if let Some(sandbox_holds) = sandbox.get(relation).filter(|it| **it != aws_holds) {
                self.add("timing", place, relation, word(aws_holds), word(*sandbox_holds));
            }
        }
    }
}

/// Returns the events in the order in which they are compared: a subscription follows the start of init, and lines that name their
/// invocation follow its start.
///
/// The extension subscribes while the runtime starts, so either may be first. Lines travel on another path than the events of
/// the platform, so Lambda promises no order between the two.
fn sequence(life: &Life) -> Vec<&Event> {
    let is_subscription = |it: &Event| it.kind == SUBSCRIPTION && life.count(INIT_START) == 1;
    let names_invocation = |it: &Event| it.kind == "function" && it.request_id().is_some();
    let mut sequence = Vec::new();
    for event in &life.0 {
        if is_subscription(event) || names_invocation(event) && has_start(life, &event.record) {
            continue;
        }
        sequence.push(event);
        if event.kind == INIT_START {
            sequence.extend(life.0.iter().filter(|it| is_subscription(it)));
        }
        if event.kind == START {
            let own = |it: &&Event| names_invocation(it) && it.request_id() == event.request_id();
            sequence.extend(life.0.iter().filter(own));
        }
    }
    sequence
}

fn has_start(life: &Life, record: &Value) -> bool {
    life.0.iter().any(|it| it.kind == START && it.record["requestId"] == record["requestId"])
}

#[cfg(test)]
mod tests;
