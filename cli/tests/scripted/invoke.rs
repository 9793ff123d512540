//! `invoke` on a stream that others use, and where something does not answer.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, Server, ok, parameters, refused};

const INVOKE: [&str; 7] = ["invoke", "--count", "1", "--lines", "1", "--deadline", "60"];

/// A deployment whose function answers so, and whose stream holds those records from the first invocation on.
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

/// An event, with its identity where it has one.
fn event(kind: &str, request: &str, source: Option<(&str, &str, u32)>) -> String {
    let record = json!({ "requestId": request, "message": "line 1 of 1" });
    let source = source.map_or_else(String::new, |(function, instance, seq)| {
        let source = json!({ "function": function, "instance": instance, "seq": seq });
        format!(",\"source\":{source}")
    });
    format!("{{\"type\":\"{kind}\",\"record\":{record}{source}}}\n")
}

/// What our invocation must leave.
fn ours() -> Vec<String> {
    let kinds = ["platform.start", "function", "platform.runtimeDone", "platform.report"];
    let own = |(kind, seq)| event(kind, "r", Some(("tester", "a", seq)));
    kinds.into_iter().zip(7..).map(own).collect()
}

#[test]
fn other_traffic_on_the_stream_changes_nothing() {
    let mut lines = ours();
    // A double of ours; another function's, which has a hole and no identity; another instance of our function, cut off.
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
    assert!(text.contains("note: the stream also has 1 line without an identity"), "{text}");
    assert!(text.contains("complete: all of the 4 events of these invocations arrived"), "{text}");
}

#[test]
fn the_stream_is_read_while_invocations_are_being_made() {
    let (looked, looks) = channel();
    let (looked, looks) = (Mutex::new(looked), Mutex::new(looks));
    let server = server(
        // It takes as long as it takes until the stream is read.
        move |_| match looks.lock().unwrap().recv_timeout(Duration::from_mins(1)) {
            Ok(()) => invoked(),
            Err(_) => refused("ResourceConflictException", "nobody reads the stream"),
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
fn a_stream_that_does_not_answer_is_waited_for_no_longer_than_the_deadline() {
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
fn a_function_that_cannot_be_invoked_again_does_not_look_like_lost_telemetry() {
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
    let arguments = [&INVOKE[..6], &["5"]].concat();
    let (code, text) = server.types(&arguments);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("NOT COMPLETE: not one of 4 events arrived; a further invocation failed"),
        "{text}"
    );
    assert!(text.contains("it is being updated"), "{text}");
}

#[test]
fn so_many_invocations_are_under_way_at_a_time() {
    let together = Barrier::new(2);
    let server = server(
        // No one is answered before there are two.
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
