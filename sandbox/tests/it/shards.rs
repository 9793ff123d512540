//! Shards of the stream, and their throughput.

use std::time::{Duration, Instant};

use extension_sandbox::Kinesis;
use extension_sandbox::kinesis::Throughput;
use extension_sandbox::kinesis::faults::{Fault, Faults};
use serde_json::{Value, json};

use crate::producer::Producer;

const REFUSED: &str = "ProvisionedThroughputExceededException";

/// A key for each shard.
fn keys(kinesis: &Kinesis, shards: usize) -> Vec<String> {
    let key = |shard| {
        let mut keys = (0..).map(|it| format!("key-{it}"));
        keys.find(|key| kinesis.shard_of(key) == shard).unwrap()
    };
    (0..shards).map(key).collect()
}

/// A stream with four shards, and a key for each.
async fn four() -> (Producer, Vec<String>) {
    let producer = Producer::start().await;
    producer.kinesis.set_shards(4);
    let keys = keys(&producer.kinesis, 4);
    (producer, keys)
}

/// Returns how many records were accepted.
fn taken(outcomes: &[String]) -> usize {
    outcomes.iter().filter(|it| it.starts_with("shardId-")).count()
}

#[tokio::test]
async fn a_record_goes_to_the_shard_of_its_keys_hash_and_the_answer_names_it() {
    let (producer, keys) = four().await;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let ids = [0, 1, 2, 3].map(|shard| format!("shardId-{shard:012}"));
    assert_eq!(producer.outcomes(&keys).await, ids);
    let shards: Vec<_> = producer.kinesis.records().iter().map(|record| record.shard).collect();
    assert_eq!(shards, [0, 1, 2, 3]);
}

#[tokio::test]
async fn an_explicit_hash_key_wins_over_the_partition_key() {
    let (producer, keys) = four().await;
    let record =
        |hash: &str| json!([{ "Data": "", "PartitionKey": keys[0], "ExplicitHashKey": hash }]);
    let (status, body) =
        producer.send(record("170141183460469231731687303715884105728")).await.unwrap();
    assert_eq!((status, body.contains("shardId-000000000002")), (200, true), "{body}");
    assert_eq!(producer.send(record("01")).await.unwrap().0, 400);
}

#[tokio::test]
async fn what_is_beyond_the_records_of_a_second_is_refused_record_by_record_and_names_the_shard() {
    let (producer, keys) = four().await;
    producer.kinesis.set_throughput(Some(Throughput { bytes: 1_000_000, records: 2 }));
    let mut sent = vec![keys[1].as_str(); 5];
    sent.push(&keys[2]);
    let outcomes = producer.outcomes(&sent).await;
    assert_eq!(outcomes[2..5], [REFUSED; 3]);
    assert_eq!((taken(&outcomes[..2]), taken(&outcomes[5..])), (2, 1));
    let (_, body) = producer.put(&[&keys[1]]).await.unwrap();
    assert!(
        body.contains("Rate exceeded for shard shardId-000000000001 in stream telemetry"),
        "{body}"
    );
    assert_eq!(producer.kinesis.refused(), 4);
}

#[tokio::test]
async fn what_is_beyond_the_bytes_of_a_second_is_refused_and_fits_later() {
    let producer = Producer::start().await;
    producer.kinesis.set_throughput(Some(Throughput::REAL.divided_by(100)));
    let data = "A".repeat(4_000);
    let records: Value = (0..5).map(|_| json!({ "Data": data, "PartitionKey": "k" })).collect();
    let start = Instant::now();
    let mut counts = Vec::new();
    while producer.kinesis.records().len() < 5 {
        let (status, _) = producer.send(records.clone()).await.unwrap();
        assert_eq!(status, 200);
        counts.push(producer.kinesis.records().len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // 3,001 bytes each, 10,000 a second.
    assert_eq!(counts[0], 3);
    assert!(start.elapsed() >= Duration::from_millis(500), "{counts:?} in {:?}", start.elapsed());
}

#[tokio::test]
async fn a_hot_shard_rejects_every_record_and_other_shards_none() {
    let (producer, keys) = four().await;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    producer.kinesis.set_faults(Faults::none().hot(2));
    for _ in 0..3 {
        let outcomes = producer.outcomes(&keys).await;
        assert_eq!((outcomes[2].as_str(), taken(&outcomes)), (REFUSED, 3));
    }
    assert!(producer.kinesis.records().iter().all(|record| record.shard != 2));
    producer.kinesis.set_faults(Faults::none());
    assert_eq!(taken(&producer.outcomes(&keys).await), 4);
}

#[tokio::test]
async fn records_rejected_by_a_fault_use_no_throughput() {
    let producer = Producer::start().await;
    producer.kinesis.set_throughput(Some(Throughput { bytes: 1_000_000, records: 2 }));
    producer.kinesis.set_faults(Faults::script([Fault::Refuse(vec![0, 1])]));
    assert_eq!(taken(&producer.outcomes(&["k"; 4]).await), 2);
}
