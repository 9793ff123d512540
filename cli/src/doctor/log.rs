//! Finds the extension's warnings and errors in a function's log. Pure.

use std::time::Duration;

use kinesis_telemetry_stream::counted;

use super::finding::{Finding, Verdict};
use crate::age::now_ms;
use crate::own_lines::{Level, Outcome, OwnLines};

/// The length of the period that is read; it ends now.
pub(super) const WINDOW: Duration = Duration::from_hours(1);
/// Largest number of messages that are shown.
const SHOWN: usize = 5;

/// Returns a finding for each distinct warning and error of the extension, the newest first.
pub(super) fn findings(function: &str, lines: &OwnLines) -> Vec<Finding> {
    let group = &lines.group;
    let (messages, is_partial) = match &lines.outcome {
        Outcome::Read { messages, is_partial } => (messages, *is_partial),
        Outcome::Missing => {
            let that =
                format!("{function} has not logged anything: the log group {group} does not exist");
            return vec![Finding::new("log", Verdict::note(that))];
        }
        Outcome::Unsearchable { why } => {
            let that = format!(
                "{group} cannot be searched by doctor ({why}); docs/operating.md has a query for it"
            );
            return vec![Finding::new("log", Verdict::note(that))];
        }
        Outcome::Unreadable { why } => {
            return vec![Finding::new("log", Verdict::unknown(why.clone()))];
        }
    };
    let now = now_ms();
    let (ended, lasting): (Vec<_>, Vec<_>) = messages
        .iter()
        .filter(|it| it.level >= Level::Warn && !it.is_an_end())
        .partition(|it| messages.iter().any(|end| end.ends(it)));
    let mut findings: Vec<_> = lasting
        .iter()
        .take(SHOWN)
        .map(|it| Finding::new("log", Verdict::broken(it.described(now), String::new())))
        .collect();
    findings.extend(ended.iter().take(SHOWN).map(|it| {
        Finding::new("log", Verdict::note(format!("{}; delivered again since", it.described(now))))
    }));
    let more = (lasting.len() + ended.len()).saturating_sub(findings.len());
    if more > 0 {
        let that = format!(
            "{} more from the extension in the log group {group}",
            counted(more, "message")
        );
        findings.push(Finding::new("log", Verdict::note(that)));
    }
    if lasting.is_empty() {
        let none = if ended.is_empty() { "no" } else { "no other" };
        let read = if is_partial { ", as far as it was read" } else { "" };
        let that =
            format!("{none} warning or error of the extension in the last hour of {group}{read}");
        findings.push(Finding::new("log", Verdict::well(that)));
    }
    findings
}
