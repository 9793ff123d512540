//! What was found of one link of the chain, for people and machines. Pure.

use std::fmt::Write as _;

use kinesis_telemetry_terminal::plain;
use serde::Serialize;

/// One link.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    what: &'static str,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub(super) enum Verdict {
    Well {
        that: String,
    },
    /// Neither well nor broken: something to know.
    Note {
        that: String,
    },
    Broken {
        why: String,
        /// Empty where `why` says it.
        remedy: String,
    },
    /// It may not be looked at, or nobody has answered.
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

    pub(super) fn is_well(&self) -> bool {
        matches!(self.verdict, Verdict::Well { .. } | Verdict::Note { .. })
    }
}

/// A line a link, and what mends those that are broken.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { what, verdict } in findings {
        let (word, said) = match verdict {
            Verdict::Well { that } => ("ok", that),
            Verdict::Note { that } => ("note", that),
            Verdict::Broken { why, .. } => ("BROKEN", why),
            Verdict::Unknown { why } => ("unknown", why),
        };
        _ = writeln!(text, "{word:<8}{what:<14}{}", plain(said));
        if let Verdict::Broken { remedy, .. } = verdict
            && !remedy.is_empty()
        {
            _ = writeln!(text, "{:<22}mend it: {}", "", plain(remedy));
        }
    }
    let broken = findings.iter().filter(|it| !it.is_well()).count();
    _ = match broken {
        0 => {
            writeln!(text, "\nall is well; kinesis-telemetry invoke proves that telemetry arrives")
        }
        1 => writeln!(text, "\n1 thing is not well"),
        n => writeln!(text, "\n{n} things are not well"),
    };
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_is_broken_stands_with_what_mends_it() {
        let findings = [
            Finding::new("credentials", Verdict::well("me")),
            Finding::new("network", Verdict::note("in a VPC")),
            Finding::new("policy", Verdict::broken("not attached", "aws iam attach-role-policy")),
            Finding::new("key", Verdict::unknown("may not be looked at")),
        ];
        expect![[r"
            ok      credentials   me
            note    network       in a VPC
            BROKEN  policy        not attached
                                  mend it: aws iam attach-role-policy
            unknown key           may not be looked at

            2 things are not well
        "]]
        .assert_eq(&text(&findings));
    }
}
