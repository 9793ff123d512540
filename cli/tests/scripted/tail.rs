//! `tail` after interruptions of reading: it loses no event, and shows none twice.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, Server, deployed, events, ok, refused};

/// Returns a record with the event of this number.
fn record(seq: u32) -> Value {
    let line = format!(
        "{{\"type\":\"function\",\"record\":\"x\",\"source\":{{\"function\":\"f\",\"instance\":\"a\",\"seq\":{seq}}}}}\n"
    );
    json!({
        "Data": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, line),
        "SequenceNumber": seq.to_string(),
        "ApproximateArrivalTimestamp": 1_795_377_600.5,
        "PartitionKey": "k",
    })
}

fn shard_list(ids: &[&str]) -> Answer {
    let shard = |id: &&str| {
        json!({
            "ShardId": id,
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
        })
    };
    ok(&json!({ "Shards": ids.iter().map(shard).collect::<Vec<_>>() }))
}

/// Returns a page of one record. Reading continues at `next`, which is null at the end of a closed shard.
fn page(seq: u32, next: &Value) -> Answer {
    ok(&json!({
        "Records": [record(seq)], "MillisBehindLatest": 0, "NextShardIterator": next,
    }))
}

/// Returns the numbers of the shown events, and the bodies of the calls with this name.
fn shown(
    arguments: &[&str],
    of_call: &'static str,
    answer: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static,
) -> (Vec<u64>, Vec<Value>) {
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&asked);
    let server = Server::start(move |it| {
        let mut asked = kept.lock().unwrap();
        let count = asked.len();
        if it.operation == of_call {
            asked.push(it.body.clone());
        }
        if it.operation == "GetParameters" { deployed() } else { answer(it, count) }
    });
    let command = [&["tail", "--json", "--seconds", "60"], arguments].concat();
    let output = server.command(&command).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["source"]["seq"].as_u64().unwrap()
    };
    let asked = asked.lock().unwrap().clone();
    (text.lines().map(number).collect(), asked)
}

#[test]
fn an_expired_iterator_is_replaced_after_the_last_record() {
    let arguments = ["--since", "600", "--events", "3"];
    let expired = Mutex::new(true);
    let (numbers, asked) = shown(&arguments, "GetShardIterator", move |it, _| {
        match (it.operation.as_str(), it.body["ShardIterator"].as_str()) {
            ("ListShards", _) => shard_list(&["shard-0"]),
            ("GetShardIterator", _) => {
                let after = it.body["StartingSequenceNumber"].as_str().unwrap_or("0");
                ok(&json!({ "ShardIterator": format!("after {after}") }))
            }
            ("GetRecords", Some("after 2")) if std::mem::take(&mut *expired.lock().unwrap()) => {
                refused("ExpiredIteratorException", "Iterator expired")
            }
            ("GetRecords", Some(iterator)) => {
                let seq = 1 + iterator.strip_prefix("after ").unwrap().parse::<u32>().unwrap();
                page(seq, &json!(format!("after {seq}")))
            }
            _ => panic!("{}", it.operation),
        }
    });
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(asked[0]["ShardIteratorType"], "AT_TIMESTAMP");
    assert_eq!(asked[1]["ShardIteratorType"], "AFTER_SEQUENCE_NUMBER");
    assert_eq!((asked.len(), &asked[1]["StartingSequenceNumber"]), (2, &json!("2")));
}

#[test]
fn an_iterator_that_expires_first_loses_no_record() {
    let (numbers, asked) = shown(&["--events", "1"], "GetShardIterator", |it, iterators| match it
        .operation
        .as_str()
    {
        "ListShards" => shard_list(&["shard-0"]),
        "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
        _ if iterators == 1 => refused("ExpiredIteratorException", "Iterator expired"),
        _ => page(1, &json!("next")),
    });
    assert_eq!(numbers, [1]);
    let kinds: Vec<_> = asked.iter().map(|it| it["ShardIteratorType"].clone()).collect();
    assert_eq!(kinds, ["LATEST", "AT_TIMESTAMP"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age = now.as_secs_f64() - asked[1]["Timestamp"].as_f64().unwrap();
    assert!((0.0..60.0).contains(&age), "the beginning was {age} s ago");
}

#[test]
fn a_shard_with_too_many_readers_is_retried() {
    // One more failure than the SDK itself retries.
    let arguments = ["--since", "600", "--events", "1"];
    let (numbers, asked) =
        shown(&arguments, "GetRecords", |it, pages| match it.operation.as_str() {
            "ListShards" => shard_list(&["shard-0"]),
            "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
            _ if pages < 9 => refused("ProvisionedThroughputExceededException", "Rate exceeded"),
            _ => page(1, &json!("next")),
        });
    assert_eq!((numbers, asked.len()), (vec![1], 10));
}

#[test]
fn shards_of_a_split_are_read_from_their_beginning() {
    let arguments = ["--events", "3"];
    let (numbers, asked) = shown(&arguments, "GetShardIterator", |it, iterators| {
        match (it.operation.as_str(), it.body["ShardIterator"].as_str()) {
            ("ListShards", _) if iterators == 0 => shard_list(&["shard-0"]),
            ("ListShards", _) => shard_list(&["shard-0", "shard-1", "shard-2"]),
            ("GetShardIterator", _) => ok(&json!({ "ShardIterator": it.body["ShardId"] })),
            // The parent is closed.
            (_, Some("shard-0")) => page(1, &Value::Null),
            (_, Some("shard-1")) => page(2, &json!("tip")),
            (_, Some("shard-2")) => page(3, &json!("tip")),
            _ => ok(&json!({ "Records": [], "NextShardIterator": "tip" })),
        }
    });
    assert_eq!(numbers, [1, 2, 3]);
    let kinds: Vec<_> = asked.iter().map(|it| it["ShardIteratorType"].clone()).collect();
    assert_eq!(kinds, ["LATEST", "TRIM_HORIZON", "TRIM_HORIZON"]);
}

/// Returns a pushed record, after which the next subscription begins.
fn pushed(seq: u32, children: &[&str]) -> Value {
    let child = |id: &&str| {
        json!({
            "ShardId": id, "ParentShards": ["shard-0"],
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
        })
    };
    let children: Vec<_> = children.iter().map(child).collect();
    let mut event = json!({
        "Records": [record(seq)], "MillisBehindLatest": 0, "ContinuationSequenceNumber": seq.to_string(),
    });
    if !children.is_empty() {
        event["ChildShards"] = Value::from(children);
    }
    event
}

/// Describes the registered consumer, as Kinesis does.
fn consumer() -> Value {
    json!({
        "ConsumerName": "c", "ConsumerARN": format!("{STREAM}/consumer/c:1"), "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": 1.0, "StreamARN": STREAM,
    })
}

#[test]
fn events_are_shown_while_the_reader_lags() {
    let arguments = ["--since", "600", "--events", "3"];
    let (numbers, asked) =
        shown(&arguments, "GetRecords", |it, pages| match it.operation.as_str() {
            "ListShards" => shard_list(&["shard-0"]),
            "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
            // The stream is written as fast as it is read, so that there is always more.
            _ => ok(&json!({
                "Records": [record(u32::try_from(pages).unwrap())], "MillisBehindLatest": 1_000,
                "NextShardIterator": "it",
            })),
        });
    assert_eq!((numbers.as_slice(), asked.len()), ([0, 1, 2].as_slice(), 3));
}

#[test]
fn the_consumer_is_deregistered_after_a_closed_pipe() {
    let server = Server::start(|it| match it.operation.as_str() {
        "GetParameters" => deployed(),
        "ListShards" => shard_list(&["shard-0"]),
        "RegisterStreamConsumer" => ok(&json!({ "Consumer": consumer() })),
        "DescribeStreamConsumer" => ok(&json!({ "ConsumerDescription": consumer() })),
        "DeregisterStreamConsumer" => ok(&json!({})),
        _ => events(&[pushed(1, &[])]),
    });
    let mut tail = server.command(&["tail", "--enhanced-fan-out", "--seconds", "60"]);
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // As `head -1` does.
    BufReader::new(tail.stdout.take().unwrap()).read_line(&mut line).unwrap();
    drop(tail.stderr.take());
    assert_eq!((line.is_empty(), tail.wait().unwrap().code()), (false, Some(0)));
    assert_eq!(server.calls("DeregisterStreamConsumer").len(), 1);
}

#[test]
fn a_subscription_is_renewed_and_follows_child_shards() {
    let arguments = ["--enhanced-fan-out", "--events", "3"];
    let (numbers, asked) = shown(&arguments, "SubscribeToShard", move |it, subscriptions| {
        match (it.operation.as_str(), subscriptions) {
            ("ListShards", _) => shard_list(&["shard-0"]),
            ("RegisterStreamConsumer", _) => ok(&json!({ "Consumer": consumer() })),
            ("DescribeStreamConsumer", _) => ok(&json!({ "ConsumerDescription": consumer() })),
            ("DeregisterStreamConsumer", _) => ok(&json!({})),
            (_, 0) => events(&[pushed(1, &[])]),
            (_, 1) => {
                refused("ResourceInUseException", "the previous subscription is still active")
            }
            (_, 2) => events(&[pushed(2, &["shard-1"])]),
            _ => events(&[pushed(3, &[])]),
        }
    });
    assert_eq!(numbers, [1, 2, 3]);
    let begun: Vec<_> =
        asked.iter().map(|it| (it["ShardId"].clone(), it["StartingPosition"].clone())).collect();
    let behind = json!({ "Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "1" });
    let parent = json!("shard-0");
    assert_eq!(begun[0], (parent.clone(), json!({ "Type": "LATEST" })));
    assert_eq!(begun[1..3], [(parent.clone(), behind.clone()), (parent, behind)]);
    assert_eq!(begun[3], (json!("shard-1"), json!({ "Type": "TRIM_HORIZON" })));
}
