//! Explains missing events with the extension's log lines, and names the next step. Pure.

use std::fmt::Write as _;

use extension_spec::variable;
use kinesis_telemetry_args::Deployment;
use kinesis_telemetry_terminal::plain;

use super::audit::Audit;
use crate::age::now_ms;
use crate::deployment::named;
use crate::own_lines::{Level, Message, Outcome, OwnLines};

/// Largest number of messages that are shown.
const SHOWN: usize = 10;

/// Returns the lines of the extension, and the next step; nothing if all events arrived.
pub(super) fn text(audit: &Audit, function: &str, deployment: &Deployment) -> String {
    let Some(lines) = &audit.extension_lines else { return String::new() };
    let mut text = logged(lines);
    _ = writeln!(text, "next: {}", plain(&next(audit, lines, function, deployment)));
    text
}

fn logged(OwnLines { group, outcome }: &OwnLines) -> String {
    let group = plain(group);
    let (messages, is_partial) = match outcome {
        Outcome::Missing => {
            return format!(
                "the function has not logged anything: the log group {group} does not exist\n"
            );
        }
        Outcome::Unsearchable { why } | Outcome::Unreadable { why } => {
            return format!(
                "the extension's log lines cannot be read: {}; look for [kinesis-telemetry-extension] in the log group {group}\n",
                plain(why)
            );
        }
        Outcome::Read { messages, .. } if messages.is_empty() => {
            return format!("the extension logged nothing in {group} during this time\n");
        }
        Outcome::Read { messages, is_partial } => (messages, *is_partial),
    };
    let mut text = format!("the extension's log lines in {group}, newest first:\n");
    let now = now_ms();
    for message in messages.iter().take(SHOWN) {
        _ = writeln!(text, "  {}", plain(&message.described(now)));
    }
    if is_partial || messages.len() > SHOWN {
        _ = writeln!(text, "  … and more in the log group");
    }
    text
}

fn next(audit: &Audit, lines: &OwnLines, function: &str, deployment: &Deployment) -> String {
    let named = named(deployment);
    let is_trouble = |it: &Message| it.level >= Level::Warn && !it.is_an_end();
    match &lines.outcome {
        _ if audit.requests.iter().any(|it| it.anonymous) => format!(
            "set {} of {function} to event or record, and run kinesis-telemetry invoke{named} again",
            variable::ENVELOPE
        ),
        Outcome::Read { messages, .. } if messages.iter().any(is_trouble) => format!(
            "fix the problem that the extension reports, and run kinesis-telemetry invoke{named} again"
        ),
        _ if audit.arrived() == 0 => format!(
            "kinesis-telemetry doctor{named} checks layer, settings, permissions and stream; if it finds no problem, set {}=debug \
             on {function}, run kinesis-telemetry invoke{named} again and read its log",
            variable::LOG_LEVEL
        ),
        _ => format!(
            "kinesis-telemetry doctor{named} shows what the ledgers report as lost; if it finds no problem, run \
             kinesis-telemetry invoke{named} with a longer --deadline"
        ),
    }
}
