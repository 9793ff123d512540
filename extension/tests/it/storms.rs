//! Storms: transient faults of every kind, alone and combined. Afterwards nothing may be missing.

use std::time::Duration;

use extension_sandbox::credentials::Keys;
use extension_sandbox::kinesis::Throughput;
use extension_sandbox::kinesis::faults::{Fault, Faults, KMS_ERRORS, Refusal};
use extension_sandbox::{Credentials, Options, Status};
use serde_json::json;

use crate::test_environment::{Ended, TestEnvironment};

/// Small records, so that every request has many, and enough time for retries.
const SMALL: [(&str, &str); 2] = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "10000")];

/// Runs invocations with this many lines each.
async fn invoke(env: &mut TestEnvironment, times: usize, lines: u32) {
    for _ in 0..times {
        env.succeed(lines).await;
    }
}

/// Runs an environment with small records and these faults until it ends.
async fn live(faults: Faults, invocations: usize, lines: u32) -> Ended {
    let mut env = TestEnvironment::new(&SMALL, |_| ()).await;
    env.kinesis.set_faults(faults);
    invoke(&mut env, invocations, lines).await;
    env.end().await
}

#[tokio::test]
async fn early_connection_resets_cause_neither_loss_nor_duplicates() {
    let script = [Fault::Reset, Fault::None, Fault::Reset, Fault::Reset];
    let ended = live(Faults::script(script), 3, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 60);
}

#[tokio::test]
async fn truncated_responses_cause_duplicates_but_no_loss() {
    let script = [Fault::TakeAndTruncate, Fault::None, Fault::TakeAndTruncate];
    let arrived = live(Faults::script(script), 3, 20).await.verify();
    assert_eq!((arrived.count("function"), arrived.duplicates > 0), (60, true));
}

#[tokio::test]
async fn only_records_that_failed_in_the_service_are_resent() {
    for (reason, seed) in [(Refusal::Internal, 1), (Refusal::Kms("KMSThrottlingException"), 2)] {
        let ended = live(Faults::refusing_for(reason, 0.3, seed), 4, 50).await;
        assert_eq!(ended.verify_exactly_once().count("function"), 200, "{reason:?}");
        assert_eq!(ended.count_logged("telemetry is not delivered"), 0, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn failures_without_a_body_lose_nothing() {
    let script = [500, 502, 503, 500, 504].map(Fault::Bare);
    let ended = live(Faults::script(script), 2, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 40);
    assert_eq!(ended.count_logged("telemetry is not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn throttled_calls_are_retried_until_everything_arrives() {
    let ended = live(Faults::script(vec![Fault::throttled(); 4]), 2, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 40);
    assert_eq!(ended.count_logged("telemetry is not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn an_unusable_kms_key_is_reported_once_and_loses_nothing() {
    for code in KMS_ERRORS {
        let mut env = TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "300")], |_| ()).await;
        env.kinesis.set_faults(Faults::always(Fault::kms(code)));
        invoke(&mut env, 3, 3).await;
        env.kinesis.set_faults(Faults::none());
        invoke(&mut env, 1, 3).await;
        let ended = env.end().await;
        assert_eq!(ended.verify_exactly_once().count("function"), 12, "{code}");
        let message = format!("telemetry is not delivered: {code}");
        assert_eq!(ended.count_logged(&message), 1, "{:?}", ended.printed);
        assert_eq!(ended.count_logged("telemetry is delivered again"), 1, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn a_deleted_stream_gets_all_events_once_it_exists_again() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    invoke(&mut env, 1, 3).await;
    env.kinesis.set_faults(Faults::lost());
    invoke(&mut env, 3, 3).await;
    env.kinesis.set_faults(Faults::none());
    invoke(&mut env, 1, 3).await;
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 15);
    assert_eq!(ended.count_logged("create the stream \"telemetry\""), 1, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("telemetry is delivered again"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn load_beyond_a_shards_rate_arrives_at_that_rate() {
    let mut env = TestEnvironment::new(&SMALL, |_| ()).await;
    env.kinesis.set_throughput(Some(Throughput { bytes: 40_000, records: 40 }));
    invoke(&mut env, 3, 100).await;
    let refused = env.kinesis.refused();
    let ended = env.end().await;
    assert!(refused > 0, "some records must be rejected");
    assert_eq!(ended.verify_exactly_once().count("function"), 300);
}

/// Runs many invocations while random transient faults affect the requests.
async fn random_faults(seed: u64, flush: &str, freeze_closes_connections: bool) {
    let settings = [
        ("TARGET_RECORD_BYTES", "1024"),
        ("FLUSH_TIMEOUT_MS", "2000"),
        ("MAX_AGE_MS", "100"),
        ("FLUSH", flush),
    ];
    let change = |options: &mut Options| {
        options.freeze_closes_connections = freeze_closes_connections;
    };
    let mut env = TestEnvironment::new(&settings, change).await;
    env.kinesis.set_shards(4);
    env.kinesis.set_faults(Faults::random(seed));
    for _ in 0..20 {
        // This is long enough for events to be sent while the function runs.
        let invocation = env.invoke(json!({ "lines": 40, "sleepMs": 150 })).await;
        assert_eq!(invocation.status, Status::Success, "{invocation:?}");
    }
    let requests = env.kinesis.requests();
    assert!(requests >= 20, "{requests} requests are too few");
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 800, "seed {seed}");
    assert_eq!(ended.count_logged("gave up"), 0, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("does not balance"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn random_faults_lose_nothing() {
    for seed in [1, 2, 3] {
        random_faults(seed, "end", false).await;
    }
}

#[tokio::test]
async fn random_faults_with_closed_connections_lose_nothing() {
    for seed in [4, 5, 6] {
        random_faults(seed, "end", true).await;
    }
}

#[tokio::test]
async fn random_faults_while_the_function_runs_lose_nothing() {
    for (seed, freeze_closes_connections) in [(7, false), (8, true)] {
        random_faults(seed, "start", freeze_closes_connections).await;
    }
}

#[tokio::test]
async fn credentials_from_an_endpoint_are_renewed_before_they_expire() {
    // They expire so soon that they are too old for every later invocation.
    let soon = Duration::from_secs(1);
    let credentials = Credentials::start(Keys::new("FIRST", soon)).await.unwrap();
    let from_endpoint = credentials.environment();
    let mut env =
        TestEnvironment::new(&[], |options| options.environment.extend(from_endpoint)).await;
    invoke(&mut env, 1, 3).await;
    credentials.set_keys(Keys::new("SECOND", Duration::from_hours(6)));
    env.kinesis.set_expired(["FIRST"]);
    invoke(&mut env, 2, 3).await;
    assert_eq!(env.kinesis.access_keys(), ["FIRST", "SECOND"]);
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 9);
    assert_eq!(credentials.refused(), 0);
}

#[tokio::test]
async fn rejected_credentials_are_renewed() {
    let hours = Duration::from_hours(6);
    let credentials = Credentials::start(Keys::new("FIRST", hours)).await.unwrap();
    let from_endpoint = credentials.environment();
    let mut env =
        TestEnvironment::new(&[], |options| options.environment.extend(from_endpoint)).await;
    invoke(&mut env, 1, 3).await;
    credentials.set_keys(Keys::new("SECOND", hours));
    env.kinesis.set_expired(["FIRST"]);
    invoke(&mut env, 3, 3).await;
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 12);
}

#[tokio::test]
async fn a_brief_outage_of_the_credentials_endpoint_loses_nothing() {
    let credentials =
        Credentials::start(Keys::new("FIRST", Duration::from_hours(6))).await.unwrap();
    let from_endpoint = credentials.environment();
    let mut env =
        TestEnvironment::new(&[], |options| options.environment.extend(from_endpoint)).await;
    credentials.set_failure(Some(500));
    let mending = tokio::spawn({
        let credentials = credentials.clone();
        async move {
            while credentials.requests() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            credentials.set_failure(None);
        }
    });
    invoke(&mut env, 1, 3).await;
    mending.await.unwrap();
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 3);
    assert_eq!(ended.count_logged("not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn records_above_one_mib_arrive_if_the_stream_allows_them() {
    let settings = [
        ("MAX_RECORD_BYTES", "2097152"),
        ("TARGET_RECORD_BYTES", "2097152"),
        ("FLUSH_TIMEOUT_MS", "1000"),
    ];
    let mut env = TestEnvironment::new(&settings, |options| options.memory_mb = 512).await;
    env.kinesis.set_max_record_bytes(2 << 20);
    for _ in 0..2 {
        let invocation = env.invoke(json!({ "lines": 60, "bytes": 30_000 })).await;
        assert_eq!(invocation.status, Status::Success, "{invocation:?}");
    }
    let kinesis = env.kinesis.clone();
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 120);
    assert!(kinesis.records().iter().any(|record| record.data.len() > 1 << 20));
}

/// Creates an environment with four shards. The shard of its first record then accepts nothing more.
async fn with_a_hot_shard(settings: &[(&str, &str)]) -> TestEnvironment {
    let mut env = TestEnvironment::new(settings, |_| ()).await;
    env.kinesis.set_shards(4);
    invoke(&mut env, 1, 3).await;
    let shard = env.kinesis.records().first().expect("a record has arrived").shard;
    env.kinesis.set_faults(Faults::none().hot(shard));
    env
}

#[tokio::test]
async fn records_that_a_hot_shard_rejected_arrive_later() {
    let settings = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "300")];
    let mut env = with_a_hot_shard(&settings).await;
    invoke(&mut env, 3, 20).await;
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 63);
}

#[tokio::test]
async fn everything_arrives_although_one_shard_stays_hot() {
    let mut env = with_a_hot_shard(&SMALL).await;
    invoke(&mut env, 3, 20).await;
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 63);
}

#[tokio::test]
async fn a_record_limit_above_the_streams_loses_nothing() {
    let settings = [
        ("MAX_RECORD_BYTES", "2097152"),
        ("TARGET_RECORD_BYTES", "2097152"),
        ("FLUSH_TIMEOUT_MS", "1000"),
    ];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::down());
    env.invoke(json!({ "lines": 40, "bytes": 60_000 })).await;
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 40);
}
