//! `invoke` on a shared stream, and with services that do not answer.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, Server, ok, parameters, refused};

const INVOKE: [&str; 7] = ["invoke", "--count", "1", "--lines", "1", "--deadline", "60"];

/// Serves a deployment whose function answers with `invoke`, and whose stream has records from the first invocation on.
fn server(
    function: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    get_records: impl Fn() -> Answer + Send + Sync + 'static,
) -> Server {
    let published = [
        ("stack/name", "KinesisTelemetry-dev"),
        ("stream/arn", STREAM),
        ("test-function/name", "tester"),
    ];
    Server::start(move |call| match call.operation.as_str() {
        "GetParameters" => parameters(&published),
        "ListShards" => ok(&json!({ "Shards": [{
            "ShardId": "shardId-000000000000",
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "1" },
        }] })),
        "GetShardIterator" => ok(&json!({ "ShardIterator": "begin" })),
        "GetRecords" => get_records(),
        _ => function(call),
    })
}

fn invoked() -> Answer {
    ok(&json!({ "requestId": "r" }))
}

fn records(lines: &[String]) -> Answer {
    let record = |line: &String| json!({ "Data": base64(line), "PartitionKey": "k", "SequenceNumber": "1", "ApproximateArrivalTimestamp": 1_795_377_600 });
    let records: Vec<Value> = lines.iter().map(record).collect();
    ok(&json!({ "Records": records, "NextShardIterator": "next", "MillisBehindLatest": 0 }))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

/// Returns an event, with its identity if it has one.
fn event(kind: &str, request: &str, source: Option<(&str, &str, u32)>) -> String {
    let record = json!({ "requestId": request, "message": "line 1 of 1" });
    let source = source.map_or_else(String::new, |(function, instance, seq)| {
        let source = json!({ "function": function, "instance": instance, "seq": seq });
        format!(",\"source\":{source}")
    });
    format!("{{\"type\":\"{kind}\",\"record\":{record}{source}}}\n")
}

/// Returns the events of our invocation.
fn ours() -> Vec<String> {
    let kinds = ["platform.start", "function", "platform.runtimeDone", "platform.report"];
    let own = |(kind, seq)| event(kind, "r", Some(("tester", "a", seq)));
    kinds.into_iter().zip(7..).map(own).collect()
}

#[test]
fn other_traffic_on_the_stream_changes_nothing() {
    let mut lines = ours();
    // A duplicate of ours; events of another function with a gap and without identity; another instance of our function, cut off.
    lines.push(lines[1].clone());
    lines.push(event("function", "other", Some(("g", "b", 1))));
    lines.push(event("function", "other", Some(("g", "b", 9))));
    lines.push(event("function", "other", None));
    lines.push(event("function", "other", Some(("tester", "c", 4))));
    lines.push(event("function", "other", Some(("tester", "c", 6))));
    let lines = Mutex::new(Some(lines));
    let server =
        server(|_| invoked(), move || records(&lines.lock().unwrap().take().unwrap_or_default()));
    let (code, text) = server.types(&INVOKE);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("sequence complete: 7…10 of instance a, more than once: 8\n"), "{text}");
    assert!(text.contains("note: the stream also contains 1 line without an identity"), "{text}");
    assert!(text.contains("complete: all of the 4 events of these invocations arrived"), "{text}");
}

#[test]
fn the_stream_is_read_during_invocations() {
    let (looked, looks) = channel();
    let (looked, looks) = (Mutex::new(looked), Mutex::new(looks));
    let server = server(
        // The invocation lasts until the stream is read.
        move |_| match looks.lock().unwrap().recv_timeout(Duration::from_mins(1)) {
            Ok(()) => invoked(),
            Err(_) => refused("ResourceConflictException", "the stream was not read"),
        },
        move || {
            looked.lock().unwrap().send(()).unwrap();
            records(&ours())
        },
    );
    let (code, text) = server.types(&INVOKE);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_silent_stream_is_abandoned_at_the_deadline() {
    let (_stays_open, never) = channel::<()>();
    let never: Mutex<Receiver<()>> = Mutex::new(never);
    let server = server(
        |_| invoked(),
        move || {
            _ = never.lock().unwrap().recv();
            records(&[])
        },
    );
    let arguments = [&INVOKE[..6], &["1"]].concat();
    let (code, text) = server.types(&arguments);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("error: the stream did not answer in time"), "{text}");
}

#[test]
fn a_failed_further_invocation_is_named_in_the_verdict() {
    let server = server(
        |call| {
            if call.body["lines"] == 0 {
                refused("ResourceConflictException", "it is being updated")
            } else {
                invoked()
            }
        },
        || records(&[]),
    );
    let arguments = [&INVOKE[..6], &["10"]].concat();
    let (code, text) = server.types(&arguments);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("NOT COMPLETE: none of 4 events arrived; a further invocation failed"),
        "{text}"
    );
    assert!(text.contains("it is being updated"), "{text}");
}

#[test]
fn concurrency_is_the_number_of_concurrent_invocations() {
    let together = Barrier::new(2);
    let server = server(
        // The first call is answered only when there are two.
        move |call| {
            if call.body["lines"] == 1 {
                together.wait();
            }
            invoked()
        },
        || records(&ours()),
    );
    let (code, text) =
        server.types(&["invoke", "--count", "4", "--lines", "1", "--concurrency", "2"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("4 of 4 invocations") || text.contains("3 of 4 invocations"), "{text}");
}

/// Runs `invoke` without telemetry, with these answers of CloudWatch Logs, and returns the text below the verdict.
fn below_the_verdict(logs: impl Fn() -> Answer + Send + Sync + 'static) -> String {
    let server = server(
        move |call| match call.operation.as_str() {
            "FilterLogEvents" => logs(),
            path if path.ends_with("/configuration") => {
                ok(&json!({ "LoggingConfig": { "LogGroup": "/shop/logs" } }))
            }
            _ => invoked(),
        },
        || records(&[]),
    );
    let output = server.command(&[&INVOKE[..6], &["1"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(server.calls("FilterLogEvents")[0]["logGroupName"], "/shop/logs");
    let (_, below) = text.split_once("NOT COMPLETE: ").unwrap();
    below.split_once('\n').unwrap().1.replace(&server.place(), "http://AWS")
}

fn logged(message: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = (now.as_secs() - 600) * 1000;
    json!({ "timestamp": at, "message": message })
}

#[test]
fn a_failed_invoke_shows_the_extensions_lines() {
    let below = below_the_verdict(|| {
        let own = |text: &str| format!("[kinesis-telemetry-extension] {text}\n");
        ok(&json!({ "events": [
            logged(&own("ERROR telemetry is not delivered: AccessDeniedException; 4 events wait")),
            logged(&own("INFO \u{1b}[2Jnext: nothing\u{9b}")),
        ] }))
    });
    expect_test::expect![[r"
        the extension's log lines in /shop/logs, newest first:
          ERROR 10 min ago: telemetry is not delivered: AccessDeniedException; 4 events wait
          INFO 10 min ago: �[2Jnext: nothing�
        next: fix the problem that the extension reports, and run kinesis-telemetry invoke again
    "]]
    .assert_eq(&below);
}

#[test]
fn without_lines_of_the_extension_doctor_is_next() {
    expect_test::expect![[r"
        the extension logged nothing in /shop/logs during this time
        next: kinesis-telemetry doctor checks layer, settings, permissions and stream; if it finds no problem, set KINESIS_TELEMETRY_LOG_LEVEL=debug on tester, run kinesis-telemetry invoke again and read its log
    "]].assert_eq(&below_the_verdict(|| ok(&json!({ "events": [] }))));
}

#[test]
fn a_denied_log_is_named_with_its_permission() {
    let below = below_the_verdict(|| refused("AccessDeniedException", "not authorized"));
    expect_test::expect![[r"
        the extension's log lines cannot be read: access denied: reading the log group /shop/logs at http://AWS (region eu-central-1) requires the permission logs:FilterLogEvents (not authorized); grant it, or use other credentials (aws sts get-caller-identity shows the current ones); look for [kinesis-telemetry-extension] in the log group /shop/logs
        next: kinesis-telemetry doctor checks layer, settings, permissions and stream; if it finds no problem, set KINESIS_TELEMETRY_LOG_LEVEL=debug on tester, run kinesis-telemetry invoke again and read its log
    "]].assert_eq(&below);
}

#[test]
fn a_missing_log_group_is_named() {
    let below = below_the_verdict(|| refused("ResourceNotFoundException", "no such group"));
    assert!(
        below.starts_with(
            "the function has not logged anything: the log group /shop/logs does not exist\nnext: "
        ),
        "{below}"
    );
}
