//! Platform events as the lines that Lambda writes to CloudWatch Logs.

use std::fmt::Write as _;

use extension_spec::event_type;
use serde_json::Value;

/// Returns the line of a platform event, or of one of the extension's own events. An unknown event becomes its type and its JSON.
pub(super) fn line(kind: &str, record: &Value) -> String {
    let request = |word: &str| match text(record, "requestId") {
        id if id.is_empty() => word.to_owned(),
        id => format!("{word} RequestId: {id}"),
    };
    match kind {
        _ if !record.is_object() => unknown(kind, record),
        "platform.initStart" => with(
            "INIT_START",
            &[
                ("Runtime Version", text(record, "runtimeVersion")),
                ("Phase", text(record, "phase")),
            ],
        ),
        "platform.initRuntimeDone" => with("INIT_END", &outcome(record)),
        "platform.initReport" => {
            let time = [
                ("Init Duration", milliseconds(record, "durationMs")),
                ("Phase", text(record, "phase")),
            ];
            with("INIT_REPORT", &[&time[..], &outcome(record)].concat())
        }
        "platform.restoreStart" => {
            with("RESTORE_START", &[("Runtime Version", text(record, "runtimeVersion"))])
        }
        "platform.restoreRuntimeDone" => with("RESTORE_END", &outcome(record)),
        "platform.restoreReport" => {
            let time = [("Restore Duration", milliseconds(record, "durationMs"))];
            with("RESTORE_REPORT", &[&time[..], &outcome(record)].concat())
        }
        "platform.start" => with(&request("START"), &[("Version", text(record, "version"))]),
        "platform.runtimeDone" => {
            let time = [("Duration", milliseconds(record, "durationMs"))];
            with(&request("END"), &[&time[..], &outcome(record)].concat())
        }
        "platform.report" => with(&request("REPORT"), &report(record)),
        "platform.extension" => with(
            "EXTENSION",
            &[
                ("Name", text(record, "name")),
                ("State", text(record, "state")),
                ("Events", list(record, "events")),
                ("Error Type", text(record, "errorType")),
            ],
        ),
        "platform.telemetrySubscription" => with(
            "TELEMETRY",
            &[
                ("Name", text(record, "name")),
                ("State", text(record, "state")),
                ("Types", list(record, "types")),
            ],
        ),
        "platform.logsDropped" => with(
            "LOGS_DROPPED",
            &[
                ("Records", text(record, "droppedRecords")),
                ("Bytes", text(record, "droppedBytes")),
                ("Reason", text(record, "reason")),
            ],
        ),
        event_type::LEDGER => with(
            "LEDGER",
            &[
                ("Up to", text(record, "upTo")),
                ("Delivered", text(record, "delivered")),
                ("Held", text(record, "held")),
                ("Shed", total(&record["shed"])),
                ("Dropped by Lambda", total(&record["logsDropped"]["records"])),
                ("Sampled out", text(&record["sampledOut"], "events")),
            ],
        ),
        _ => unknown(kind, record),
    }
}

fn report(record: &Value) -> Vec<(&'static str, String)> {
    let metrics = &record["metrics"];
    let megabytes = |name: &str| match text(metrics, name) {
        number if number.is_empty() => number,
        number => format!("{number} MB"),
    };
    let mut members = vec![
        ("Duration", milliseconds(record, "durationMs")),
        ("Billed Duration", milliseconds(record, "billedDurationMs")),
        ("Memory Size", megabytes("memorySizeMB")),
        ("Max Memory Used", megabytes("maxMemoryUsedMB")),
        ("Init Duration", milliseconds(record, "initDurationMs")),
        ("Restore Duration", milliseconds(record, "restoreDurationMs")),
    ];
    members.extend(outcome(record));
    members
}

/// Returns status and error, unless the status is success.
fn outcome(record: &Value) -> Vec<(&'static str, String)> {
    let status = text(record, "status");
    let status = if status == "success" { String::new() } else { status };
    vec![("Status", status), ("Error Type", text(record, "errorType"))]
}

/// Returns `WORD  Name: value  Name: value`, without members that have no value.
fn with(word: &str, members: &[(&str, String)]) -> String {
    let mut line = word.to_owned();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_empty()) {
        _ = write!(line, "  {name}: {value}");
    }
    line
}

fn unknown(kind: &str, record: &Value) -> String {
    match record {
        Value::Null => kind.to_owned(),
        Value::String(text) => format!("{kind} {}", text.trim_end()),
        other => format!("{kind} {other}"),
    }
}

/// Returns a member as text: a text without quotes, nothing for a member that is not there.
fn text(record: &Value, name: &str) -> String {
    match &record[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(record: &Value, name: &str) -> String {
    let Some(items) = record[name].as_array() else { return text(record, name) };
    items
        .iter()
        .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns a metric of a record, as Lambda writes milliseconds: with two decimals, or none if it is whole.
fn milliseconds(record: &Value, name: &str) -> String {
    match record["metrics"][name].as_f64() {
        Some(time) if time.fract() == 0.0 => format!("{time} ms"),
        Some(time) => format!("{time:.2} ms"),
        None => String::new(),
    }
}

/// Returns the sum of a number or of the numbers in an object, or nothing if that is 0.
fn total(value: &Value) -> String {
    let sum = match value {
        Value::Object(members) => {
            members.values().filter_map(Value::as_u64).fold(0, u64::saturating_add)
        }
        value => value.as_u64().unwrap_or_default(),
    };
    if sum == 0 { String::new() } else { sum.to_string() }
}
