//! What became of the telemetry of invocations, as a table for people and as JSON for machines. Pure.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::account::{Account, Asked};
use crate::render;
use crate::report::Instance;

/// How many things that are missing are named; the JSON has them all.
const NAMED: usize = 5;

pub(crate) fn json(account: &Account) -> Result<String> {
    Ok(serde_json::to_string_pretty(account).context("the findings make no JSON")? + "\n")
}

pub(crate) fn text(account: &Account, asked: &[Asked]) -> String {
    let mut text =
        format!("{:<36}  {:>6}  {:>9}  {:>10}\n", "request", "lines", "events", "delivered");
    for (request, asked) in account.requests.iter().zip(asked) {
        let delivered =
            request.delivered_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let events = format!("{}/{}", request.arrived, request.expected);
        _ = writeln!(
            text,
            "{:<36}  {:>6}  {events:>9}  {delivered:>10}",
            request.request_id, asked.lines
        );
        let troubles =
            [("missing", &request.missing), ("under several numbers", &request.repeated)];
        for (what, names) in troubles {
            if !names.is_empty() {
                let more = names.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let named = names[..names.len().min(NAMED)].join(", ");
                _ = writeln!(text, "  {what}: {named}{more}");
            }
        }
    }
    text.push('\n');
    for instance in &account.instances {
        let sequence = if instance.has_all() { render::has_all } else { render::sequence };
        _ = writeln!(text, "{}", sequence(instance));
    }
    if !account.broken.is_empty() {
        let lines = render::counted(account.broken.count, "line");
        _ = writeln!(text, "note: the stream also has {lines} without an identity");
    }
    _ = writeln!(text, "{}", verdict(account));
    text
}

fn verdict(account: &Account) -> String {
    let expected = render::counted(account.expected(), "event");
    let read = render::counted(account.records, "record");
    let read = format!("(read: {read}, {} bytes)", render::thousands(account.bytes));
    if account.is_complete() {
        return format!("complete: all of the {expected} of these invocations arrived {read}");
    }
    let mut troubles = Vec::new();
    let requests = &account.requests;
    let any = |has: fn(&Instance) -> bool| account.instances.iter().any(has);
    match account.expected() - account.arrived() {
        0 => {}
        _ if account.arrived() == 0 => troubles.push(format!("not one of {expected} arrived")),
        missing => troubles.push(format!("{missing} of {expected} missing")),
    }
    if requests.iter().any(|it| it.anonymous) {
        troubles.push("they came without an identity, set ENVELOPE to event or record".to_owned());
    }
    if requests.iter().any(|it| !it.repeated.is_empty()) {
        troubles.push("events came under several numbers each".to_owned());
    }
    if any(|it| !it.conflicting.is_empty()) {
        troubles.push("different events came under one number".to_owned());
    }
    if any(|it| !it.missing.is_empty() || !it.unjoinable.is_empty()) {
        troubles.push("the sequence has a hole".to_owned());
    }
    troubles.extend(account.hindrance.clone());
    if account.arrived() == 0 {
        troubles.push("cargo xtask doctor may know why".to_owned());
    }
    format!("NOT COMPLETE: {} {read}", troubles.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Evidence;
    use super::*;

    #[test]
    fn what_is_not_complete_says_what_is_wrong_and_what_may_be_the_reason() {
        let asked = [Asked { request_id: "r".into(), lines: 0 }];
        let mut account = Account::of(&asked, &Evidence::default());
        account.hindrance = Some("a further invocation failed: throttled".into());
        let text = text(&account, &asked);
        let expected = "NOT COMPLETE: not one of 3 events arrived; a further invocation failed: throttled; cargo xtask doctor \
                        may know why (read: 0 records, 0 bytes)\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
