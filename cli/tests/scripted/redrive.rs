//! `redrive` with streams that reject or throttle records, and with interruptions.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::queue::Queue;
use crate::server::{Answer, Call, STREAM, Server, code_and_text, ok, parameters, refused};

const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/111122223333/letters";
pub(crate) const REDRIVE: [&str; 3] = ["redrive", "--quiet", "1"];

/// Serves a deployment with this queue, whose streams answer with `answer`.
pub(crate) fn server(
    queue: &Queue,
    kinesis: impl Fn(&Call) -> Answer + Send + Sync + 'static,
) -> Server {
    let queue = queue.clone();
    let published = [
        ("stack/name", "KinesisTelemetry-dev"),
        ("stream/arn", STREAM),
        ("dead-letters/url", QUEUE),
    ];
    Server::start(move |call| match call.operation.as_str() {
        "GetParameters" => parameters(&published),
        "PutRecords" => kinesis(call),
        _ => queue.answer(call).unwrap_or_else(|| panic!("{call:?}")),
    })
}

fn keys(put: &Value) -> Vec<&str> {
    put["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["PartitionKey"].as_str().unwrap())
        .collect()
}

/// Accepts all records except those with these keys, which are throttled.
pub(crate) fn takes_all_but(call: &Call, throttled: &[&str]) -> Answer {
    let of = |key: &str| {
        if throttled.contains(&key) {
            json!({ "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded" })
        } else {
            json!({ "SequenceNumber": "1", "ShardId": "shardId-000000000000" })
        }
    };
    let records: Vec<Value> = keys(&call.body).into_iter().map(of).collect();
    ok(&json!({ "FailedRecordCount": throttled.len(), "Records": records }))
}

fn nothing() -> (Vec<String>, Vec<String>) {
    (Vec::new(), Vec::new())
}

fn visible(ids: &[&str]) -> (Vec<String>, Vec<String>) {
    (ids.iter().map(|&it| it.to_owned()).collect(), Vec::new())
}

#[test]
fn only_throttled_records_are_retried() {
    let queue = Queue::default();
    queue.letters(&["a", "b", "c"]);
    let calls = AtomicU32::new(0);
    let server = server(&queue, move |call| {
        let before = calls.fetch_add(1, Ordering::Relaxed);
        takes_all_but(call, if before < 2 { &["b"] } else { &[] })
    });
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 records put back into the stream, 9 bytes"), "{text}");
    let puts = server.calls("PutRecords");
    assert_eq!(
        puts.iter().map(keys).collect::<Vec<_>>(),
        [vec!["a", "b", "c"], vec!["b"], vec!["b"]]
    );
    assert_eq!(queue.state(), nothing());
}

#[test]
fn letters_for_another_stream_stay_until_the_operator_allows_it() {
    let queue = Queue::default();
    let other = "arn:aws:kinesis:us-east-1:999999999999:stream/payments";
    queue.letter("here", STREAM);
    for letter in ["a", "b", "c", "d"] {
        queue.letter(letter, other);
    }
    let server = server(&queue, |call| takes_all_but(call, &[]));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("1 record put back"), "{text}");
    assert!(text.contains(&format!("left: 4 messages: for the stream {other}, ")), "{text}");
    assert!(text.contains(&format!("--also-to {other}\n")), "{text}");
    assert_eq!(queue.state(), visible(&["a", "b", "c", "d"]));

    let (code, text) = server.types(&[&REDRIVE[..], &["--also-to", other]].concat());
    assert_eq!(code, 0, "{text}");
    let puts = server.calls("PutRecords");
    assert_eq!(puts.iter().map(|it| &it["StreamARN"]).collect::<Vec<_>>(), [STREAM, other]);
    assert_eq!(queue.state(), nothing());
}

#[test]
fn without_the_stream_arn_nothing_is_put_back() {
    let queue = Queue::default();
    queue.letter("a", STREAM);
    for arn in [None, Some("telemetry"), Some("arn:aws:kinesis:eu-central-1:111122223333:stream/*")]
    {
        let published = [
            ("stack/name", Some("KinesisTelemetry-dev")),
            ("dead-letters/url", Some(QUEUE)),
            ("stream/arn", arn),
        ];
        let published: Vec<_> = published.iter().filter_map(|it| Some((it.0, it.1?))).collect();
        let parameters = parameters(&published);
        let server = Server::start(move |call| match call.operation.as_str() {
            "GetParameters" => parameters.clone(),
            _ => panic!("{call:?}"),
        });
        let (code, text) = server.types(&REDRIVE);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains("deploy"), "{text}");
    }
}

#[test]
fn a_failing_stream_keeps_back_only_its_own_letters() {
    let queue = Queue::default();
    let other = STREAM.replace("telemetry", "other");
    for n in 0..12 {
        queue.letter(&format!("bad-{n}"), &other);
        queue.letter(&format!("good-{n}"), STREAM);
    }
    let denied = other.clone();
    let server = server(&queue, move |call| {
        if call.body["StreamARN"] == denied.as_str() {
            return refused("AccessDeniedException", "no policy allows it");
        }
        takes_all_but(call, &[])
    });
    let (code, text) = server.types(&[&REDRIVE[..], &["--also-to", &other]].concat());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("12 records put back"), "{text}");
    assert!(
        text.contains("record bad-0, record bad-1, record bad-10 and 9 more: access denied"),
        "{text}"
    );
    assert!(text.contains("kinesis:PutRecords"), "{text}");
    assert!(text.contains("left in the queue: 12 messages"), "{text}");
    let (visible, hidden) = queue.state();
    assert_eq!((visible.len(), hidden.len()), (12, 0));
    let asked =
        server.calls("PutRecords").iter().filter(|it| it["StreamARN"] == other.as_str()).count();
    assert_eq!(asked, 1, "it is not called again");
}

#[test]
fn a_rejected_record_keeps_back_no_record_of_its_batch() {
    let queue = Queue::default();
    queue.letters(&["a", "b", "c"]);
    let server = server(&queue, |call| {
        if keys(&call.body).contains(&"b") {
            refused("ValidationException", "a record is too large")
        } else {
            takes_all_but(call, &[])
        }
    });
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("2 records put back") && text.contains("left: record b: "), "{text}");
    assert_eq!(queue.state(), visible(&["b"]));
}

#[test]
fn a_record_that_fails_calls_keeps_back_no_other() {
    let queue = Queue::default();
    let names: Vec<String> = (10..35).map(|n| format!("r{n}")).collect();
    queue.letters(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let bad = ["r10", "r11", "r21", "r22"];
    let server = server(&queue, move |call| {
        if keys(&call.body).iter().any(|it| bad.contains(it)) {
            refused("SerializationException", "length limit exceeded")
        } else {
            takes_all_but(call, &[])
        }
    });
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("21 records put back") && text.contains("left: record r10, "), "{text}");
    assert_eq!(queue.state(), visible(&bad));
}

#[test]
fn a_service_without_the_call_is_tried_three_times() {
    let queue = Queue::default();
    let names: Vec<String> = (10..35).map(|n| format!("r{n}")).collect();
    queue.letters(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let server = server(&queue, |_| refused("UnknownOperationException", "no such thing"));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("record r10, record r11, record r12 and 22 more: "), "{text}");
    assert_eq!(server.calls("PutRecords").len(), 1 + 3);
    assert_eq!(queue.state().0, names);
}

#[test]
fn expired_credentials_end_redrive_and_release_messages() {
    let queue = Queue::default();
    queue.letters(&["a", "b"]);
    let server = server(&queue, |_| refused("ExpiredTokenException", "it has expired"));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("error: the credentials have expired: run aws sso login"), "{text}");
    assert_eq!(queue.state(), visible(&["a", "b"]));
}

#[test]
fn a_piece_with_number_0_stays() {
    let queue = Queue::default();
    queue.message("none", "r", STREAM, ("0", "0"));
    let server = server(&queue, |call| takes_all_but(call, &[]));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("left: message none: a message states that it is piece 0 of 0"),
        "{text}"
    );
    assert_eq!((server.calls("PutRecords").len(), queue.state()), (0, visible(&["none"])));
}

#[test]
fn messages_of_other_readers_are_reported() {
    let queue = Queue::default();
    queue.letter("elsewhere", STREAM);
    queue.hide("elsewhere");
    let server = server(&queue, |call| takes_all_but(call, &[]));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the queue is not empty: 0 new messages, and 1 hidden by another reader"),
        "{text}"
    );
}

#[test]
fn an_interrupted_redrive_releases_its_letters_at_once() {
    for signal in ["INT", "TERM", "HUP"] {
        let queue = Queue::default();
        queue.letter("good", STREAM);
        queue.message("half", "of-two", STREAM, ("1", "2"));
        let (busy, is_busy) = channel();
        let server = server(&queue, move |call| {
            busy.send(()).unwrap();
            takes_all_but(call, &["good"])
        });
        let redrive =
            server.command(&REDRIVE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        is_busy.recv().unwrap();
        assert_eq!(queue.state().1.len(), 2, "both are held");
        let id = redrive.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let (code, text) = code_and_text(&redrive.wait_with_output().unwrap());
        assert_eq!(code, 130, "{text}");
        assert!(
            text.contains("left in the queue: 2 messages") && text.ends_with("interrupted\n"),
            "{text}"
        );
        assert_eq!(queue.state(), visible(&["good", "half"]));
    }
}
