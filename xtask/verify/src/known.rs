//! The differences between Lambda and the sandbox that are expected, with their reasons.

use crate::difference::Difference;

/// A difference that is expected.
pub(crate) struct Known {
    /// The scenario in which it is expected; every scenario if there is none.
    pub(crate) scenario: Option<&'static str>,
    /// The type of the event, or `timing`.
    pub(crate) event: &'static str,
    /// The beginning of the member's path.
    pub(crate) member: &'static str,
    pub(crate) reason: &'static str,
}

/// Every difference that is expected. None of them was seen on AWS yet: they follow from Lambda's documents and from what the
/// sandbox leaves out.
pub(crate) const KNOWN: [Known; 4] = [
    Known {
        scenario: None,
        event: "platform.start",
        member: "record.tracing",
        reason: "A trace is its caller's. The sandbox's callers send none.",
    },
    Known {
        scenario: None,
        event: "timing",
        member: "the billed duration of a cold start includes its init",
        reason: "Lambda bills init since August 2025. The sandbox states the billed duration without it.",
    },
    Known {
        scenario: Some("out-of-memory"),
        event: "platform.r",
        member: "record.errorType",
        reason: "The sandbox limits no memory. A process that ends stands for one that Lambda kills.",
    },
    Known {
        scenario: Some("snap-start"),
        event: "function",
        member: "record",
        reason: "The function is another one: SnapStart takes a managed runtime, which the sandbox has not.",
    },
];

impl Known {
    fn is(&self, scenario: &str, difference: &Difference) -> bool {
        self.scenario.is_none_or(|it| it == scenario)
            && difference.event.starts_with(self.event)
            && difference.member.starts_with(self.member)
    }
}

/// Returns the reason why a difference is expected in a scenario.
pub(crate) fn known(scenario: &str, difference: &Difference) -> Option<&'static str> {
    KNOWN.iter().find(|it| it.is(scenario, difference)).map(|it| it.reason)
}

#[cfg(test)]
mod tests {
    use super::{Difference, KNOWN, known};
    use crate::scenario::SCENARIOS;

    fn difference(event: &str, member: &str) -> Difference {
        let [event, member] = [event, member].map(str::to_owned);
        Difference { event, member, aws: "string".to_owned(), sandbox: "–".to_owned() }
    }

    #[test]
    fn a_known_difference_is_one_in_its_scenario_only() {
        let trace = difference("platform.start", "record.tracing.value");
        assert!(known("crash", &trace).is_some());
        assert!(known("crash", &difference("platform.start", "record.version")).is_none());
        let killed = difference("platform.report", "record.errorType");
        assert!(known("out-of-memory", &killed).is_some());
        assert!(known("crash", &killed).is_none());
    }

    #[test]
    fn every_known_difference_has_a_reason_and_a_scenario_that_exists() {
        for known in &KNOWN {
            assert!(known.reason.ends_with('.'), "{}", known.reason);
            let exists = |name| SCENARIOS.iter().any(|it| it.name == name);
            assert!(known.scenario.is_none_or(exists), "{:?}", known.scenario);
        }
    }
}
