//! Counts what Lambda writes to CloudWatch Logs for the same events, if the function's log format is text.

use kinesis_telemetry_extension::Event;
use serde_json::Value;

/// Returns the bytes of all messages as CloudWatch Logs receives them, without what it may count in addition to their text.
pub fn logged_bytes(invocations: &[Vec<Event>]) -> u64 {
    let messages = invocations.iter().flatten().map(|event| message(&event.line));
    messages.map(|message| message.len() as u64).sum()
}

/// Lambda developer guide, "Working with Lambda function logs": START, END and REPORT stand around what the function writes.
fn message(line: &[u8]) -> String {
    let event: Value = serde_json::from_slice(line).expect("an event is JSON");
    let record = &event["record"];
    let request = record["requestId"].as_str().unwrap_or_default();
    let metric = |name: &str| &record["metrics"][name];
    match event["type"].as_str().unwrap_or_default() {
        "platform.start" => {
            let version = record["version"].as_str().unwrap_or_default();
            format!("START RequestId: {request} Version: {version}\n")
        }
        "platform.runtimeDone" => format!("END RequestId: {request}\n"),
        "platform.report" => format!(
            "REPORT RequestId: {request}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t\
             Max Memory Used: {} MB\t\n",
            metric("durationMs"),
            metric("billedDurationMs"),
            metric("memorySizeMB"),
            metric("maxMemoryUsedMB"),
        ),
        // A string is what was written; an object was written as it is.
        _ => record.as_str().map_or_else(|| format!("{record}\n"), str::to_owned),
    }
}
