//! Judges each scenario: differences and completeness. Pure.

use extension_spec::deployment::Architecture;
use kinesis_telemetry_consumer::Instance;

use crate::compare::Comparison;
use crate::deployed::Done;
use crate::difference::Found;
use crate::life::{Delivered, Life, REPORT};
use crate::sandboxed::Expected;
use crate::scenario::Scenario;

/// A scenario on an architecture.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) scenario: &'static Scenario,
    pub(crate) architecture: Architecture,
    /// The reason if it was not done.
    pub(crate) judged: Result<Judged, String>,
}

/// The result of a scenario that was run.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) found: Vec<Found>,
    pub(crate) completeness: Completeness,
}

/// The events that arrived, and those that did not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Completeness {
    pub(crate) invocations: usize,
    /// Invocations whose `platform.report` arrived.
    pub(crate) reported: usize,
    pub(crate) environments: usize,
    pub(crate) events: usize,
    /// Numbers that did not arrive, including those of invocations that only make environments deliver.
    pub(crate) missing: u64,
    pub(crate) duplicates: usize,
    pub(crate) conflicting: usize,
}

impl Completeness {
    pub(crate) fn of(invocations: usize, Delivered { lives, instances }: &Delivered) -> Self {
        let absent = |it: &Instance| {
            let ranges = it.missing.iter().map(|(first, last)| last - first + 1);
            ranges.sum::<u64>() + it.unjoinable.len() as u64
        };
        Self {
            invocations,
            reported: lives.iter().map(|it| it.count(REPORT)).sum(),
            environments: lives.len(),
            events: lives.iter().map(|it| it.0.len()).sum(),
            missing: instances.iter().map(absent).sum(),
            duplicates: instances.iter().map(|it| it.duplicates.len()).sum(),
            conflicting: instances.iter().map(|it| it.conflicting.len()).sum(),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.reported == self.invocations && self.missing == 0 && self.conflicting == 0
    }
}

impl Judged {
    pub(crate) fn of(scenario: &Scenario, done: &Done, expected: &Expected) -> Self {
        let (aws, sandbox) = (&done.delivered.lives, &expected.delivered.lives);
        let comparison = if scenario.at_once > 1 {
            // The sandbox has one environment, with as many invocations as any of Lambda's had.
            Comparison::of_burst(aws, sandbox.first().unwrap_or(&Life::default()))
        } else {
            let mut comparison = Comparison::of_each(aws, sandbox);
            comparison.answers(&done.failed, &expected.failed);
            comparison
        };
        Self {
            found: comparison.found(scenario.name),
            completeness: Completeness::of(scenario.invocations(), &done.delivered),
        }
    }

    /// Returns true if there are only known differences, and nothing is missing.
    pub(crate) fn is_good(&self) -> bool {
        self.completeness.is_complete() && self.found.iter().all(|it| it.known.is_some())
    }
}
