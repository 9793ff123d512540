//! `completeness`: its line, its exit code, and the metric in CloudWatch.

use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, Server, cbor_ok, cbor_refused, deployed, ok, refused};

const PUT_METRIC_DATA: &str = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData";

/// Returns the time ten minutes ago.
fn past() -> SystemTime {
    SystemTime::now() - Duration::from_mins(10)
}

/// Returns a line that was generated and arrived ten minutes ago.
fn line(instance: &str, seq: u64) -> String {
    let time = humantime::format_rfc3339_millis(past());
    let source = json!({ "function": "orders", "instance": instance, "seq": seq });
    format!("{{\"time\":\"{time}\",\"type\":\"function\",\"record\":\"x\",\"source\":{source}}}\n")
}

/// Returns records of one line each.
fn page(lines: &[String]) -> Answer {
    let arrived = past().duration_since(UNIX_EPOCH).unwrap();
    let record = |line: &String| {
        json!({
            "Data": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, line),
            "SequenceNumber": "1",
            "ApproximateArrivalTimestamp": arrived.as_secs_f64(),
            "PartitionKey": "k",
        })
    };
    let records: Vec<Value> = lines.iter().map(record).collect();
    ok(&json!({ "Records": records, "MillisBehindLatest": 0, "NextShardIterator": "tip" }))
}

/// Answers for a stream of two shards, of which the second is empty.
fn stream(call: &Call, lines: &[String]) -> Answer {
    let shard = |id: &str| {
        json!({
            "ShardId": id,
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
        })
    };
    match call.operation.as_str() {
        "GetParameters" => deployed(),
        "ListShards" => ok(&json!({ "Shards": [shard("one"), shard("two")] })),
        "GetShardIterator" => ok(&json!({ "ShardIterator": call.body["ShardId"] })),
        "GetRecords" if call.body["ShardIterator"] == "one" => page(lines),
        "GetRecords" => page(&[]),
        PUT_METRIC_DATA => cbor_ok(),
        other => panic!("{other}"),
    }
}

fn serving(lines: Vec<String>) -> Server {
    Server::start(move |call| stream(call, &lines))
}

fn judged(server: &Server, options: &[&str]) -> (i32, Value, String) {
    let arguments = [&["completeness"], options].concat();
    let Output { status, stdout, stderr } = server.command(&arguments).output().unwrap();
    let line = String::from_utf8(stdout).unwrap();
    assert!(line.ends_with('\n') && line.lines().count() == 1, "{line:?}");
    let value = serde_json::from_str(&line).unwrap();
    (status.code().unwrap(), value, String::from_utf8(stderr).unwrap())
}

#[test]
fn a_complete_stream_exits_with_0_and_one_line() {
    let (code, verdict, stderr) =
        judged(&serving([2, 1, 3, 3].map(|seq| line("a", seq)).to_vec()), &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let expected = json!({
        "stream": STREAM, "since": verdict["since"], "until": verdict["until"], "complete": true,
        "missingEvents": 0, "shedEvents": 0, "duplicates": 1, "conflicting": 0, "instances": 1,
        "events": 3, "anonymous": 0, "unreadable": 0, "incomplete": [],
    });
    assert_eq!(verdict, expected);
}

#[test]
fn a_missing_number_exits_with_1_and_is_named() {
    let server = serving([1, 2, 5].map(|seq| line("a", seq)).to_vec());
    let (code, verdict, _) = judged(&server, &["--json"]);
    assert_eq!(
        (code, &verdict["complete"], &verdict["missingEvents"]),
        (1, &json!(false), &json!(2))
    );
    let expected =
        json!([{ "function": "orders", "instance": "a", "missing": [[3, 4]], "events": 2 }]);
    assert_eq!(verdict["incomplete"], expected);
    assert!(!server.asked().iter().any(|it| it == PUT_METRIC_DATA), "no metric");
}

#[test]
fn a_gap_that_may_still_be_filled_is_not_missing() {
    let server = serving([1, 2, 5].map(|seq| line("a", seq)).to_vec());
    assert_eq!(judged(&server, &["--since", "2h", "--settle", "3600"]).0, 0);
    assert_eq!(judged(&server, &["--since", "5m"]).0, 0, "generated before the period");
}

#[test]
fn a_period_without_judged_events_is_refused() {
    let server = serving([1, 2, 5].map(|seq| line("a", seq)).to_vec());
    for (options, words) in [
        (
            &["--since", "30s"][..],
            "--since is 30s ago, which is too short to judge any event with --settle 60",
        ),
        (&["--since", "70s"], "set a time more than 1m 10s ago"),
        (&["--since", "9999-01-01"], "--since is in the future: set a time more than 1m 10s ago"),
        (
            &["--settle", "890", "--metric"],
            "--since is 15m ago, which is too short to judge any event with --settle 890",
        ),
    ] {
        let output = server.command(&[&["completeness"], options].concat()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{stderr}");
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{stderr}");
    }
    assert!(server.asked().is_empty(), "AWS is not called");
    assert_eq!(judged(&server, &["--since", "71s"]).0, 0);
}

#[test]
fn an_unreadable_stream_exits_with_2() {
    let server = Server::start(|call| match call.operation.as_str() {
        "GetRecords" => refused("AccessDeniedException", "not authorized"),
        _ => stream(call, &[]),
    });
    let output = server.command(&["completeness", "--metric"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("kinesis:GetRecords") && stderr.lines().count() == 1, "{stderr}");
    assert!(!server.asked().iter().any(|it| it == PUT_METRIC_DATA), "nothing is known");
}

#[test]
fn the_metric_is_published_even_when_it_is_0() {
    let conflicting = line("a", 2).replace("\"x\"", "\"y\"");
    let complete = [1, 2, 3].map(|seq| line("a", seq));
    // CBOR encodes a double as 0xFB and eight bytes.
    for (lines, value, code) in [
        (complete.to_vec(), "\u{fffd}\0\0\0", 0),
        ([1, 2, 9].map(|seq| line("a", seq)).to_vec(), "\u{fffd}@\u{18}\0\0", 1),
        ([&complete[..], &[conflicting]].concat(), "\u{fffd}?\u{fffd}\0\0", 1),
    ] {
        let server = serving(lines);
        assert_eq!(judged(&server, &["--metric"]).0, code);
        let calls = server.calls(PUT_METRIC_DATA);
        let [Value::String(body)] = &*calls else { panic!("{calls:?}") };
        for text in ["KinesisTelemetry", "MissingEvents", "Stream", "telemetry", "Count"] {
            assert!(body.contains(text), "{text}: {body:?}");
        }
        assert!(!body.contains(STREAM), "the dimension is the name");
        assert!(body.contains(&format!("Value{value}")), "{body:?}");
    }
}

#[test]
fn a_denied_metric_names_its_permission_and_exits_with_2() {
    let server = Server::start(|call| match call.operation.as_str() {
        PUT_METRIC_DATA => cbor_refused("com.amazonaws.cloudwatch#AccessDenied", "not authorized"),
        _ => stream(call, &[line("a", 1)]),
    });
    let (code, verdict, stderr) = judged(&server, &["--metric"]);
    assert_eq!((code, &verdict["complete"]), (2, &json!(true)), "the line is printed");
    assert!(
        stderr.contains("cloudwatch:PutMetricData") && stderr.contains("access denied"),
        "{stderr}"
    );
}

#[test]
fn hostile_names_stay_within_their_strings() {
    let name = "\u{1b}]0;x\u{7}\u{9b}2J\n\u{202e}\",\"complete\":true";
    let server = serving([1, 3].map(|seq| line(name, seq)).to_vec());
    let output = server.command(&["completeness"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&verdict["complete"], &verdict["incomplete"][0]["instance"]),
        (&json!(false), &json!(name))
    );
}

#[test]
fn a_shard_is_read_to_its_tip_and_no_further() {
    let server = Server::start(|call| match call.body["ShardIterator"].as_str() {
        Some("one") => {
            let (_, body) = page(&[line("a", 1)]);
            let mut page: Value = serde_json::from_slice(&body).unwrap();
            page["MillisBehindLatest"] = json!(5);
            page["NextShardIterator"] = json!("more");
            ok(&page)
        }
        Some("more") => page(&[line("a", 2)]),
        _ => stream(call, &[]),
    });
    let (code, verdict, _) = judged(&server, &["--stream", "telemetry"]);
    assert_eq!((code, &verdict["events"], &verdict["stream"]), (0, &json!(2), &json!("telemetry")));
    assert_eq!(server.calls("GetRecords").len(), 3);
}
