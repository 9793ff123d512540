//! The results of checks, for people and machines. Pure.

use std::fmt::Write as _;

use kinesis_telemetry_stream::counted;
use kinesis_telemetry_terminal::plain;
use serde::Serialize;

/// The word for a problem.
const BROKEN: &str = "BROKEN";
/// The word for a check that could not be made.
const UNKNOWN: &str = "unknown";

/// The result of one check.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) what: &'static str,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub(super) enum Verdict {
    Well {
        that: String,
    },
    /// A fact that may explain something.
    Note {
        that: String,
    },
    Broken {
        why: String,
        /// Empty where `why` says it.
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

    pub(super) fn is_broken(&self) -> bool {
        matches!(self.verdict, Verdict::Broken { .. })
    }

    pub(super) fn is_well(&self) -> bool {
        matches!(self.verdict, Verdict::Well { .. } | Verdict::Note { .. })
    }
}

/// Returns a line for each finding, with the remedy of what is broken, and the verdict. `next` is what to do if all is well.
pub(super) fn text(findings: &[Finding], next: &str) -> String {
    let all: Vec<&Finding> = findings.iter().collect();
    format!("{}\n{}\n", lines(findings, ""), verdict(&all, next))
}

/// Returns a line for each finding, and the remedy of what is broken.
pub(super) fn lines<'a>(findings: impl IntoIterator<Item = &'a Finding>, indent: &str) -> String {
    let mut text = String::new();
    for Finding { what, verdict } in findings {
        let (word, said) = match verdict {
            Verdict::Well { that } => ("ok", that),
            Verdict::Note { that } => ("note", that),
            Verdict::Broken { why, .. } => (BROKEN, why),
            Verdict::Unknown { why } => (UNKNOWN, why),
        };
        _ = writeln!(text, "{indent}{word:<8}{what:<14}{}", plain(said));
        if let Verdict::Broken { remedy, .. } = verdict
            && !remedy.is_empty()
        {
            _ = writeln!(text, "{indent}{:<22}fix: {}", "", plain(remedy));
        }
    }
    text
}

/// Returns the word for several findings: that of the worst.
pub(super) fn word(findings: &[&Finding]) -> &'static str {
    match findings {
        _ if findings.iter().any(|it| it.is_broken()) => BROKEN,
        _ if findings.iter().any(|it| !it.is_well()) => UNKNOWN,
        _ => "ok",
    }
}

/// Returns how many problems were found, or what to do next.
pub(super) fn verdict(findings: &[&Finding], next: &str) -> String {
    if findings.iter().all(|it| it.is_well()) {
        format!("no problem found; next: {next}")
    } else {
        outcome(findings)
    }
}

/// Returns how many problems were found, and how many checks could not be made.
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
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_problem_stands_with_its_remedy() {
        let findings = [
            Finding::new("credentials", Verdict::well("me")),
            Finding::new("network", Verdict::note("in a VPC")),
            Finding::new("policy", Verdict::broken("not attached", "aws iam attach-role-policy")),
            Finding::new("key", Verdict::unknown("not allowed")),
        ];
        expect![[r"
            ok      credentials   me
            note    network       in a VPC
            BROKEN  policy        not attached
                                  fix: aws iam attach-role-policy
            unknown key           not allowed

            1 problem found, 1 check could not be made
        "]]
        .assert_eq(&text(&findings, "tail"));
        let last = |findings: &[Finding]| text(findings, "tail").lines().last().map(str::to_owned);
        assert_eq!(last(&findings[..2]).unwrap(), "no problem found; next: tail");
        assert_eq!(last(&findings[3..]).unwrap(), "1 check could not be made");
    }
}
