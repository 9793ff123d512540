//! What became of the telemetry of invocations, as a table for people and as JSON for machines. Pure.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::account::{Account, Asked};
use crate::render;

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
        for (what, names) in [("missing", &request.missing), ("arrived twice", &request.repeated)] {
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
        _ = writeln!(text, "{}", render::sequence(instance));
    }
    for line in &account.broken.first {
        _ = writeln!(text, "unreadable: {line}");
    }
    _ = writeln!(text, "{}", verdict(account));
    text
}

fn verdict(account: &Account) -> String {
    let (arrived, expected) = (account.arrived(), account.expected());
    let (records, bytes) = (account.records, account.bytes);
    if account.is_complete() {
        return format!(
            "complete: all of the {expected} events of these invocations arrived once (read: {records} records, {bytes} bytes)"
        );
    }
    if account.records == 0 {
        return format!(
            "NOT COMPLETE: not one of {expected} events arrived; cargo xtask doctor may know why"
        );
    }
    format!(
        "NOT COMPLETE: {arrived} of {expected} events arrived, or the sequence is broken (read: {records} records, {bytes} bytes)"
    )
}
