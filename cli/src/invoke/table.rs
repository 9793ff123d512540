//! Formats the telemetry of invocations as a table. Pure.

use std::fmt::Write as _;

use kinesis_telemetry_consumer::Instance;
use kinesis_telemetry_stream::{counted, has_all, sequence, thousands};
use kinesis_telemetry_terminal::plain;

use super::audit::{Audit, Sent};

/// Number of missing events that are named; the JSON has all of them.
const NAMED: usize = 5;

pub(crate) fn text(audit: &Audit, sent: &[Sent]) -> String {
    let mut text =
        format!("{:<36}  {:>6}  {:>9}  {:>10}\n", "request", "lines", "events", "delivered");
    for (request, sent) in audit.requests.iter().zip(sent) {
        let delivered =
            request.delivered_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let events = format!("{}/{}", request.arrived, request.expected);
        _ = writeln!(
            text,
            "{:<36}  {:>6}  {events:>9}  {delivered:>10}",
            plain(&request.request_id),
            sent.lines
        );
        let troubles = [("missing", &request.missing), ("with several numbers", &request.repeated)];
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
    for instance in &audit.instances {
        let sequence = if instance.has_all() { has_all } else { sequence };
        _ = writeln!(text, "{}", sequence(instance));
    }
    if !audit.broken.is_empty() {
        let lines = counted(audit.broken.count, "line");
        _ = writeln!(text, "note: the stream also contains {lines} without an identity");
    }
    _ = writeln!(text, "{}", verdict(audit));
    text
}

fn verdict(audit: &Audit) -> String {
    let expected = counted(audit.expected(), "event");
    let read = counted(audit.records, "record");
    let read = format!("(read: {read}, {} bytes)", thousands(audit.bytes));
    if audit.is_complete() {
        return format!("complete: all of the {expected} of these invocations arrived {read}");
    }
    let mut troubles = Vec::new();
    let requests = &audit.requests;
    let any = |has: fn(&Instance) -> bool| audit.instances.iter().any(has);
    match audit.expected() - audit.arrived() {
        0 => {}
        _ if audit.arrived() == 0 => troubles.push(format!("none of {expected} arrived")),
        missing => troubles.push(format!("{missing} of {expected} missing")),
    }
    if requests.iter().any(|it| it.anonymous) {
        troubles.push(
            "events arrived without an identity (set ENVELOPE to event or record)".to_owned(),
        );
    }
    if requests.iter().any(|it| !it.repeated.is_empty()) {
        troubles.push("events arrived with several numbers each".to_owned());
    }
    if any(|it| !it.conflicting.is_empty()) {
        troubles.push("different events arrived with one number".to_owned());
    }
    if any(|it| !it.missing.is_empty() || !it.unjoinable.is_empty()) {
        troubles.push("the sequence has a gap".to_owned());
    }
    troubles.extend(audit.hindrance.as_deref().map(|it| plain(it).into_owned()));
    format!("NOT COMPLETE: {} {read}", troubles.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Evidence;
    use super::*;

    #[test]
    fn an_incomplete_result_names_problems_and_a_likely_reason() {
        let sent = [Sent { request_id: "r".into(), lines: 0 }];
        let mut audit = Audit::of(&sent, &Evidence::default());
        audit.hindrance = Some("a further invocation failed: throttled".into());
        let text = text(&audit, &sent);
        let expected = "NOT COMPLETE: none of 3 events arrived; a further invocation failed: throttled (read: 0 records, 0 bytes)\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
