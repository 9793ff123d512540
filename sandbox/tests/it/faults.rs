//! Faults of the stream, as a sender sees them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use extension_sandbox::kinesis::faults::{Fault, Faults, KMS_ERRORS, Refusal};
use serde_json::json;

use crate::producer::Producer;

/// The code of a record that was refused, by reason.
const REFUSALS: [(Refusal, &str); 3] = [
    (Refusal::Throughput, "ProvisionedThroughputExceededException"),
    (Refusal::Internal, "InternalFailure"),
    (Refusal::Kms("KMSThrottlingException"), "KMSThrottlingException"),
];

/// Returns the shard of an accepted record.
const TAKEN: &str = "shardId-000000000000";

#[tokio::test]
async fn single_records_are_refused_by_index_for_any_reason_and_the_others_taken() {
    let producer = Producer::start().await;
    for (reason, code) in REFUSALS {
        let script = [Fault::RefuseFor(reason, vec![0, 2, 9])];
        producer.kinesis.set_faults(Faults::script(script));
        assert_eq!(producer.outcomes(&["a", "b", "c"]).await, [code, TAKEN, code]);
    }
    let keys: Vec<_> = producer.kinesis.records().into_iter().map(|it| it.partition_key).collect();
    assert_eq!(keys, ["b"; 3]);
    assert_eq!(producer.kinesis.refused(), 6);
}

#[tokio::test]
async fn single_records_are_refused_by_share_the_same_ones_for_the_same_seed() {
    let producer = Producer::start().await;
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        producer.kinesis.set_faults(Faults::refusing_for(Refusal::Internal, 0.25, 7));
        outcomes.push(producer.outcomes(&["k"; 400]).await);
    }
    assert_eq!(outcomes[0], outcomes[1]);
    let refused = outcomes[0].iter().filter(|it| *it == "InternalFailure").count();
    assert!((70..130).contains(&refused), "{refused} of 400");
}

#[tokio::test]
async fn a_refusal_says_why_in_the_words_of_the_service() {
    let producer = Producer::start().await;
    for (reason, message) in [
        (
            Refusal::Throughput,
            "Rate exceeded for shard shardId-000000000000 in stream telemetry under account 111122223333.",
        ),
        (Refusal::Internal, "Internal Service Failure"),
    ] {
        producer.kinesis.set_faults(Faults::always(Fault::RefuseFor(reason, vec![0])));
        let (_, body) = producer.put(&["k"]).await.unwrap();
        assert!(body.contains(&format!(r#""ErrorMessage":"{message}""#)), "{body}");
    }
}

#[tokio::test]
async fn whole_requests_fail_with_every_error_of_the_service_and_take_nothing() {
    let producer = Producer::start().await;
    let mut script = vec![
        (Fault::throttled(), 400, "ProvisionedThroughputExceededException"),
        (Fault::internal_failure(), 500, "InternalFailureException"),
        (Fault::unavailable(), 503, "ServiceUnavailable"),
        (Fault::too_large(), 413, "RequestEntityTooLarge"),
        (Fault::missing(), 400, "ResourceNotFoundException"),
        (Fault::denied(), 400, "AccessDeniedException"),
        (Fault::expired(), 400, "ExpiredTokenException"),
    ];
    script.extend(KMS_ERRORS.map(|code| (Fault::kms(code), 400, code)));
    producer.kinesis.set_faults(Faults::script(script.iter().map(|it| it.0.clone())));
    for (_, status, code) in script {
        assert_eq!(producer.failure().await, (status, code.to_owned()));
    }
    assert!(producer.kinesis.records().is_empty());
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN], "then it is fair again");
}

#[tokio::test]
async fn a_failure_without_a_body_has_only_its_status() {
    let producer = Producer::start().await;
    let statuses = [500, 502, 503, 413];
    producer.kinesis.set_faults(Faults::script(statuses.map(Fault::Bare)));
    for status in statuses {
        assert_eq!(producer.put(&["k"]).await, Ok((status, String::new())));
    }
    assert!(producer.kinesis.records().is_empty());
}

#[tokio::test]
async fn a_request_whose_connection_is_reset_is_not_taken() {
    let producer = Producer::start().await;
    producer.kinesis.set_faults(Faults::script([Fault::Reset]));
    let why = producer.put(&["k"]).await.unwrap_err();
    assert!(why.contains("Connection reset by peer"), "{why}");
    assert!(producer.kinesis.records().is_empty());
    assert!(producer.kinesis.in_flight().is_empty() && !producer.kinesis.was_abandoned(1));
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_its_sender_with_half_and_the_records_taken() {
    let producer = Producer::start().await;
    // An answer that fits into one packet, and one that does not fit into the buffers of the kernel.
    for count in [1, 500] {
        producer.kinesis.set_faults(Faults::script([Fault::TakeAndTruncate]));
        let why = producer.put(&vec!["k"; count]).await.unwrap_err();
        assert!(why.contains("end of file before message length reached"), "{why}");
    }
    assert_eq!(producer.kinesis.records().len(), 501);
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
}

#[tokio::test]
async fn a_slow_answer_comes_after_its_time_and_the_next_at_once() {
    let producer = Producer::start().await;
    let slow = Duration::from_millis(150);
    producer.kinesis.set_faults(Faults::script([Fault::Slow(slow), Fault::None]));
    let start = Instant::now();
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
    assert!(start.elapsed() >= slow);
    let second = Instant::now();
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
    assert!(second.elapsed() < slow);
}

#[tokio::test]
async fn failures_are_slow_as_well() {
    let producer = Producer::start().await;
    let slow = Duration::from_millis(50);
    producer.kinesis.set_faults(Faults::down().slow(slow));
    let start = Instant::now();
    assert_eq!(producer.failure().await.0, 503);
    assert!(start.elapsed() >= slow);
}

#[tokio::test]
async fn credentials_that_have_expired_are_refused_until_others_sign() {
    let mut producer = Producer::start().await;
    producer.access_key = "OLD";
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
    producer.kinesis.set_expired(["OLD"]);
    for _ in 0..2 {
        assert_eq!(producer.failure().await, (400, "ExpiredTokenException".to_owned()));
    }
    producer.access_key = "NEW";
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
    assert_eq!(producer.kinesis.access_keys(), ["OLD", "NEW"]);
    producer.access_key = "OLD";
    producer.kinesis.set_expired::<String>([]);
    assert_eq!(producer.outcomes(&["k"]).await, [TAKEN]);
    assert_eq!(producer.kinesis.records().len(), 3);
}

#[tokio::test]
async fn a_larger_record_is_taken_as_soon_as_the_stream_allows_it() {
    let producer = Producer::start().await;
    let mib = 1 << 20;
    // Three bytes are four characters, and the key has one byte.
    let record = |bytes: usize| json!([{ "Data": "AAAA".repeat(bytes / 3) + ["", "AA==", "AAA="][bytes % 3], "PartitionKey": "k" }]);
    let invalid = |sent: &(u16, String)| sent.0 == 400 && sent.1.contains("InvalidArgument");
    for (limit, bytes) in [(None, mib), (Some(2 * mib), 2 * mib), (Some(99 * mib), 10 * mib)] {
        if let Some(limit) = limit {
            producer.kinesis.set_max_record_bytes(limit);
        }
        assert_eq!(producer.send(record(bytes - 1)).await.unwrap().0, 200, "{bytes}");
        assert!(invalid(&producer.send(record(bytes)).await.unwrap()), "{bytes}");
    }
    assert_eq!(producer.kinesis.records()[2].data.len(), 10 * mib - 1);
}

#[tokio::test]
async fn the_same_seed_injects_the_same_random_faults() {
    let mut runs = Vec::new();
    for seed in [11, 11, 12] {
        let producer = Producer::start().await;
        producer.kinesis.set_faults(Faults::random(seed));
        let mut outcomes = Vec::new();
        for _ in 0..60 {
            // Silence ends when the sender has waited long enough.
            let sent = tokio::time::timeout(Duration::from_secs(3), producer.put(&["k"; 5])).await;
            outcomes.push(match sent {
                Ok(Ok((200, body))) => format!("{}", body.matches("ErrorCode").count()),
                Ok(Ok((status, body))) => format!("{status} {body}"),
                Ok(Err(why)) => why,
                Err(_) => "silence".to_owned(),
            });
        }
        let kinds: BTreeSet<_> = outcomes.iter().collect();
        assert!(kinds.len() >= 6, "{kinds:?}");
        assert!(outcomes.iter().filter(|it| *it == "0").count() >= 20, "{outcomes:?}");
        runs.push((outcomes, producer.kinesis.records().len()));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
