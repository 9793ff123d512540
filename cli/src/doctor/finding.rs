//! The results of checks, for people and machines. Pure.

use kinesis_telemetry_stream::counted;
use serde::Serialize;

/// The word for a problem.
const BROKEN: &str = "BROKEN";
/// The word for a check that could not be made.
const UNKNOWN: &str = "unknown";

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) what: &'static str,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub(super) enum Verdict {
    Well {
        that: String,
    },
    /// A fact that may help to explain a problem.
    Note {
        that: String,
    },
    Broken {
        why: String,
        /// The action that fixes the problem; empty if `why` contains it.
        remedy: String,
    },
    /// The check could not be made: a permission is missing, or a service did not answer.
    Unknown {
        why: String,
    },
}

impl Verdict {
    pub(super) fn well(that: impl Into<String>) -> Self {
        Self::Well { that: that.into() }
    }

    pub(super) fn note(that: impl Into<String>) -> Self {
        Self::Note { that: that.into() }
    }

    pub(super) fn broken(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Broken { why: why.into(), remedy: remedy.into() }
    }

    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    pub(super) fn of_error(error: &anyhow::Error) -> Self {
        Self::unknown(format!("{error:#}"))
    }
}

impl Finding {
    pub(super) fn new(what: &'static str, verdict: Verdict) -> Self {
        Self { what, verdict }
    }

    /// Returns the first word of a line about the finding.
    pub(super) fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Well { .. } => "ok",
            Verdict::Note { .. } => "note",
            Verdict::Broken { .. } => BROKEN,
            Verdict::Unknown { .. } => UNKNOWN,
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self.verdict, Verdict::Broken { .. })
    }

    pub(super) fn is_well(&self) -> bool {
        matches!(self.verdict, Verdict::Well { .. } | Verdict::Note { .. })
    }
}

/// Returns the word of the worst of several findings.
pub(super) fn word(findings: &[&Finding]) -> &'static str {
    match findings {
        _ if findings.iter().any(|it| it.is_broken()) => BROKEN,
        _ if findings.iter().any(|it| !it.is_well()) => UNKNOWN,
        _ => "ok",
    }
}

/// Returns the number of problems, or the next step if there are none.
pub(super) fn verdict(findings: &[&Finding], next: &str) -> String {
    if findings.iter().all(|it| it.is_well()) {
        format!("no problem found; next: {next}")
    } else {
        outcome(findings)
    }
}

/// Returns the number of problems, and the number of checks that could not be made.
pub(super) fn outcome(findings: &[&Finding]) -> String {
    let broken = findings.iter().filter(|it| it.is_broken()).count();
    let unknown = findings.iter().filter(|it| !it.is_well() && !it.is_broken()).count();
    let mut parts = Vec::new();
    if broken > 0 {
        parts.push(format!("{} found", counted(broken, "problem")));
    }
    if unknown > 0 {
        parts.push(format!("{} could not be made", counted(unknown, "check")));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_or_names_the_next_step() {
        let [well, broken, unknown] =
            [Verdict::well("me"), Verdict::broken("no", "fix"), Verdict::unknown("denied")]
                .map(|verdict| Finding::new("it", verdict));
        assert_eq!(verdict(&[&well], "tail"), "no problem found; next: tail");
        assert_eq!(verdict(&[&well, &broken, &broken], "tail"), "2 problems found");
        assert_eq!(verdict(&[&unknown], "tail"), "1 check could not be made");
        let both = "1 problem found, 1 check could not be made";
        assert_eq!(verdict(&[&broken, &unknown], "tail"), both);
        assert_eq!(word(&[&unknown, &broken]), "BROKEN");
        assert_eq!([word(&[&unknown]), word(&[])], ["unknown", "ok"]);
    }
}
