//! `top` when its output is not a terminal: tables, JSON, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::server::{Answer, Call, Server, code_and_text, ok, refused};

/// Returns the seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Returns an event of a function as a line.
pub(crate) fn line(function: &str, instance: &str, seq: u64, kind: &str, record: &Value) -> String {
    let source = json!({ "function": function, "instance": instance, "seq": seq });
    format!("{{\"type\":\"{kind}\",\"record\":{record},\"source\":{source}}}\n")
}

/// Answers for a stream with two shards: one record of these lines, which arrived `age` seconds ago, then nothing.
pub(crate) fn stream(lines: &str, age: f64) -> impl Fn(&Call) -> Answer + use<> {
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, lines);
    let arrived = now() - age;
    move |call| match (call.operation.as_str(), call.body["ShardIterator"].as_str()) {
        ("ListShards", _) => {
            let shard = |id: &str| {
                json!({
                    "ShardId": id,
                    "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
                    "SequenceNumberRange": { "StartingSequenceNumber": "0" },
                })
            };
            ok(&json!({ "Shards": [shard("shard-0"), shard("shard-1")] }))
        }
        ("GetShardIterator", _) => ok(&json!({ "ShardIterator": call.body["ShardId"] })),
        ("GetRecords", Some("shard-0")) => ok(&json!({
            "Records": [{
                "Data": data,
                "SequenceNumber": "1",
                "ApproximateArrivalTimestamp": arrived,
                "PartitionKey": "k",
            }],
            "MillisBehindLatest": 0,
            "NextShardIterator": "tip",
        })),
        ("GetRecords", _) => {
            ok(&json!({ "Records": [], "MillisBehindLatest": 0, "NextShardIterator": "tip" }))
        }
        _ => refused("InvalidAction", "not in this test"),
    }
}

/// Returns lines of two functions: one with a failure, a cold start and a gap; one whose gap its ledger explains.
pub(crate) fn lines() -> String {
    let report = json!({
        "requestId": "r1", "status": "timeout",
        "metrics": { "maxMemoryUsedMB": 120, "memorySizeMB": 128, "initDurationMs": 210.5 },
    });
    let ledger = json!({
        "upTo": 8, "shed": { "memory": 6 }, "logsDropped": { "records": 4 },
        "shedRanges": [{ "first": 2, "last": 7, "events": 6 }], "sampledOut": { "events": 40 },
    });
    [
        line("orders", "o-1", 1, "platform.start", &json!({ "requestId": "r1" })),
        line("orders", "o-1", 2, "function", &json!("x")),
        line("orders", "o-1", 5, "platform.runtimeDone", &report),
        line("orders", "o-1", 6, "platform.report", &report),
        line("refunds", "r-1", 1, "function", &json!("x")),
        line("refunds", "r-1", 8, "function", &json!("x")),
        line("refunds", "r-1", 9, "kinesis-telemetry.ledger", &ledger),
        "garbage\n".to_owned(),
    ]
    .concat()
}

const ONCE: [&str; 8] =
    ["top", "--stream", "telemetry", "--since", "600", "--interval", "1", "--count"];

#[test]
fn json_has_the_figures_of_each_function() {
    let server = Server::start(stream(&lines(), 30.0));
    let output = server.command(&[&ONCE[..], &["1", "--json"]].concat()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 1), "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    let orders = &found["functions"][0];
    let refunds = &found["functions"][1];
    assert_eq!(
        (&found["stream"], &found["shards"], &orders["function"]),
        (&json!("telemetry"), &json!(2), &json!("orders"))
    );
    for (figures, name, expected) in [
        (orders, "instances", 1),
        (orders, "invocations", 1),
        (orders, "failures", 1),
        (orders, "coldStarts", 1),
        (orders, "maxMemoryUsedMB", 120),
        (orders, "missing", 2),
        (refunds, "missing", 0),
        (refunds, "shed", 6),
        (refunds, "dropped", 4),
        (refunds, "sampledOut", 40),
        (&found["total"], "unreadable", 1),
        (&found["total"], "events", 7),
    ] {
        assert_eq!(figures[name], expected, "{name}: {figures:#}");
    }
}

#[test]
fn a_table_is_printed_every_interval() {
    let server = Server::start(stream(&lines(), 30.0));
    let arguments = [&ONCE[..], &["2", "--sort", "name", "--function", "und"]].concat();
    let output = server.command(&arguments).env("COLUMNS", "80").output().unwrap();
    let (code, text) = code_and_text(&output);
    assert_eq!(code, 0, "{text}");
    let titles = "FUNCTION EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED   MEMORY MB MISSING    SHED";
    assert_eq!(text.lines().filter(|line| *line == titles).count(), 2, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("refunds ")).count(), 2, "{text}");
    assert!(!text.contains("orders"), "{text}");
    assert!(text.contains("  telemetry  2 shards\n1 function  1 instance  "), "{text}");
}

#[test]
fn tables_begin_when_the_reader_has_caught_up() {
    let left = AtomicU64::new(5);
    let answer = stream(&lines(), 30.0);
    let server = Server::start(move |call| {
        let is_behind = call.operation == "GetRecords"
            && call.body["ShardIterator"] == "shard-1"
            && left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if is_behind {
            let page = json!({
                "Records": [], "MillisBehindLatest": 500_000, "NextShardIterator": "shard-1",
            });
            return ok(&page);
        }
        answer(call)
    });
    let (code, text) = server.types(&[&ONCE[..], &["1"]].concat());
    assert_eq!((code, text.contains("catching up")), (0, false), "{text}");
    assert!(server.calls("GetRecords").len() >= 12, "reading continued");
}

#[test]
fn a_closed_pipe_ends_top_with_success() {
    let server = Server::start(stream(&lines(), 30.0));
    let mut top = server.command(&["top", "--stream", "telemetry", "--interval", "1", "--json"]);
    let mut top = top.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    // As `head -1` does.
    BufReader::new(top.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!((line.is_empty(), top.wait().unwrap().code()), (false, Some(0)));
}

#[test]
fn a_signal_ends_top_with_success() {
    let server = Server::start(stream(&lines(), 30.0));
    let mut top = server.command(&["top", "--stream", "telemetry", "--interval", "1", "--json"]);
    let mut top = top.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(top.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let process = nix::unistd::Pid::from_raw(top.id().try_into().unwrap());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!((line.is_empty(), top.wait().unwrap().code()), (false, Some(0)));
}

#[test]
fn expired_credentials_end_top_with_the_reason() {
    let has_begun = AtomicBool::new(false);
    let answer = stream(&lines(), 30.0);
    let server = Server::start(move |call| {
        if call.operation == "GetRecords" && has_begun.swap(true, Relaxed) {
            return refused("ExpiredTokenException", "The security token is expired");
        }
        answer(call)
    });
    let (code, text) = server.types(&["top", "--stream", "telemetry", "--interval", "60"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("error: ") && text.contains("the credentials have expired"), "{text}");
}
