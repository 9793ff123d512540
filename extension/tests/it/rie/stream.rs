//! Runs the same extension and function in the sandbox and in AWS's emulator: the same events arrive.
//!
//! Values that differ each time are replaced by their kind. Everything else must be equal, member by member.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use extension_sandbox::{Kinesis, LogFormat, Mode, Options, Program, Sandbox};
use extension_spec::event_type;
use serde_json::{Value, json};

use super::compare::{Difference, Facts, assert_same, flatten};
use super::{EXTENSION, Files, REAL, Rie, variables};
use crate::test_environment::test_function;
use kinesis_telemetry_consumer::strict::Arrived;

const SETTINGS: [(&str, &str); 2] =
    [("TYPES", "platform,function,extension"), ("MAX_AGE_MS", "200")];
const MANAGED: [(&str, &str); 1] = [("AWS_LAMBDA_MAX_CONCURRENCY", "2")];
const TIMEOUT: Duration = Duration::from_secs(1);
/// The trace header of each request.
const TRACE: (&str, &str) = (
    "X-Amzn-Trace-Id",
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
);

/// Returns the extension's file. It prints a text line and a JSON line before it subscribes.
fn extension(program: &str) -> String {
    format!("#!/bin/sh\necho 'a line of text'\necho '{{\"level\":\"INFO\"}}'\nexec {program}\n")
}

/// Returns the facts of these invocations, one after the other, and of the end, in the sandbox.
async fn in_the_sandbox(payloads: &[Value]) -> Facts {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(REAL.extension_name);
    fs::write(&file, extension(EXTENSION)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let own = MANAGED.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut sandbox = Sandbox::new(Options {
        mode: Mode::ManagedInstances,
        extensions: vec![Program::File(file)],
        function: test_function(),
        // These are the emulator's defaults.
        function_name: "test_function".to_owned(),
        account_id: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        memory_mb: 3008,
        timeout: TIMEOUT,
        log_format: LogFormat::Json,
        environment: variables(&kinesis, &SETTINGS).into_iter().chain(own).collect(),
        kinesis: Some(kinesis.clone()),
        ..Options::default()
    })
    .await
    .unwrap();
    for payload in payloads {
        sandbox.invoke(payload.to_string()).await;
    }
    sandbox.shutdown().await;
    facts(&kinesis)
}

/// Returns the facts of the same invocations in AWS's emulator.
async fn in_the_emulator(payloads: &[Value]) -> Facts {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let text = extension("/var/extension");
    let files = Files { extension: &text, ..REAL };
    let variables = variables(&kinesis, &SETTINGS);
    let seconds = TIMEOUT.as_secs().to_string();
    let all = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let own = [("AWS_LAMBDA_FUNCTION_TIMEOUT", seconds.as_str())];
    let mut rie = Rie::start(files, &all.chain(MANAGED).chain(own).collect::<Vec<_>>()).await;
    for payload in payloads {
        rie.invoke_with(&[TRACE], payload).await;
    }
    rie.terminate();
    rie.ended().await;
    facts(&kinesis)
}

/// Returns what arrived: each platform event by its request and type, each line by its number among those of its type.
fn facts(kinesis: &Kinesis) -> Facts {
    let arrived = Arrived::of(kinesis.records().iter().map(|record| &record.data));
    arrived.assert_gapless();
    let mut facts = Facts::new();
    let (mut requests, mut order, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for event in arrived.events.values() {
        let event: Value = serde_json::from_str(event).unwrap();
        let (event_type, record) = (event["type"].as_str().unwrap(), &event["record"]);
        if event_type == "platform.start" {
            requests.push(record["requestId"].as_str().unwrap().to_owned());
        }
        let name = match (event_type, record["requestId"].as_str()) {
            (event_type::LEDGER, _) => continue,
            ("function" | "extension", _) => {
                lines.push(event_type.to_owned());
                let n = lines.iter().filter(|it| *it == event_type).count();
                format!("{event_type} line {n}")
            }
            (_, None) => event_type.to_owned(),
            (_, Some(request)) => format!("{} {event_type}", named(&requests, request)),
        };
        // Lines may arrive at any point, and so may the event of the extension's subscription.
        if event_type.starts_with("platform.") && event_type != "platform.telemetrySubscription" {
            order.push(name.clone());
        }
        let what = match record.as_str() {
            // A line identifies its whole event.
            Some(_) => &json!({ "time": event["time"], "record": record }),
            None => &event,
        };
        flatten(&mut facts, &name, what, &|member, value| kind(&requests, member, value));
    }
    facts.insert("the order of platform events".to_owned(), order.join(", "));
    facts
}

/// Replaces a request id by its number, in the order of their starts.
fn named(requests: &[String], request: &str) -> String {
    let at = requests.iter().position(|it| it == request).expect("it has started");
    format!("request {}", at + 1)
}

/// Returns the kind of a value that differs each time, after checking its format.
fn kind(requests: &[String], member: &str, value: &Value) -> Option<String> {
    let is_time = |text: &str| text.len() == 24 && text.parse::<humantime::Timestamp>().is_ok();
    match (member, value) {
        ("time" | "start", Value::String(text)) if is_time(text) => Some("a time".to_owned()),
        ("durationMs", Value::Number(_)) => Some("a number".to_owned()),
        // This is the name of the log stream.
        ("instanceId", Value::String(_)) => Some("a string".to_owned()),
        ("requestId", Value::String(id)) => Some(named(requests, id)),
        ("tracing", trace) => Some(format!("{} of {}", trace["value"], trace["type"])),
        ("record", Value::String(line)) if line.len() > 1000 => {
            Some(format!("{} bytes", line.len()))
        }
        ("record", Value::String(line)) => Some(format!("{:?}", without_ids(requests, line))),
        _ => None,
    }
}

/// Returns a line without the ids of requests, and of the thread that panicked.
fn without_ids(requests: &[String], line: &str) -> String {
    let line =
        requests.iter().fold(line.to_owned(), |line, id| line.replace(id, &named(requests, id)));
    match (line.find(" ("), line.find(") panicked")) {
        (Some(from), Some(to)) => format!("{} (ID{}", &line[..from], &line[to..]),
        _ => line,
    }
}

async fn compare(payloads: &[Value], differences: &[Difference]) {
    let (ours, theirs) = tokio::join!(in_the_sandbox(payloads), in_the_emulator(payloads));
    assert!(theirs.len() > 50, "{theirs:#?}");
    assert_same(&ours, &theirs, differences);
}

const TRACED: Option<&str> = Some(
    "\"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1\" of \"X-Amzn-Trace-Id\"",
);

/// The differences of every comparison.
const UNTRACED: [Difference; 2] = [
    Difference {
        of: "platform.start record tracing",
        sandbox: None,
        emulator: TRACED,
        reason: "the sandbox traces no request, whatever its caller says",
    },
    Difference {
        of: "platform.report record tracing",
        sandbox: None,
        emulator: TRACED,
        reason: "the sandbox traces no request, whatever its caller says",
    },
];

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_reports_ended_requests_as_the_emulator_does() {
    let payloads = [
        json!({ "lines": 3 }),
        json!({ "lines": 2, "format": "text", "bytes": 300 }),
        json!({ "lines": 1, "end": "fail" }),
        json!({ "lines": 0, "end": "panic" }),
        json!({ "lines": 1, "end": "timeout" }),
        json!({ "lines": 2, "sleepMs": 30 }),
    ];
    compare(&payloads, &UNTRACED).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_reports_a_crash_as_the_emulator_does() {
    compare(&[json!({ "lines": 1 }), json!({ "lines": 2, "end": "exit" })], &UNTRACED).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn only_the_emulator_stops_reading_after_a_line_above_64_kib() {
    let text = |bytes: u32| json!({ "lines": 1, "format": "text", "bytes": bytes });
    let reason = "the emulator reads lines of 64 KiB at most, and stops for good at a longer one; Lambda splits them";
    let [start, report] = UNTRACED;
    let lost = |of, sandbox| Difference { of, sandbox: Some(sandbox), emulator: None, reason };
    let differences = [
        start,
        report,
        lost("function line 2 record", "70000 bytes"),
        lost("function line 2 time", "a time"),
        lost("function line 3 record", "\"[INFO] request 3 line 1 of 1\""),
        lost("function line 3 time", "a time"),
    ];
    compare(&[text(0), text(70_000), text(0)], &differences).await;
}
