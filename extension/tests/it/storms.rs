//! Storms: faults of every kind that can pass, alone and mixed. Nothing may be missing when they are over.

use std::time::Duration;

use extension_sandbox::credentials::Keys;
use extension_sandbox::kinesis::Throughput;
use extension_sandbox::kinesis::faults::{Fault, Faults, KMS_ERRORS, Refusal};
use extension_sandbox::{Credentials, Options, Status};
use serde_json::json;

use crate::test_environment::{Ended, TestEnvironment};

/// Small records, so that every request has many, and time enough to send them again.
const SMALL: [(&str, &str); 2] = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "10000")];

/// Invocations with this many lines each.
async fn invoke(env: &mut TestEnvironment, times: usize, lines: u32) {
    for _ in 0..times {
        env.succeed(lines).await;
    }
}

/// An environment with small records that lives under this service until it ends.
async fn live(faults: Faults, invocations: usize, lines: u32) -> Ended {
    let mut env = TestEnvironment::new(&SMALL, |_| ()).await;
    env.kinesis.set_faults(faults);
    invoke(&mut env, invocations, lines).await;
    env.end().await
}

#[tokio::test]
async fn connections_that_are_reset_before_anything_is_stored_cost_neither_events_nor_doubles() {
    let script = [Fault::Reset, Fault::None, Fault::Reset, Fault::Reset];
    let ended = live(Faults::script(script), 3, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 60);
}

#[tokio::test]
async fn answers_that_are_cut_off_make_doubles_and_leave_nothing_out() {
    let script = [Fault::TakeAndTruncate, Fault::None, Fault::TakeAndTruncate];
    let arrived = live(Faults::script(script), 3, 20).await.verify();
    assert_eq!((arrived.count("function"), arrived.duplicates > 0), (60, true));
}

#[tokio::test]
async fn records_that_fail_inside_of_the_service_are_sent_again_and_only_they() {
    for (reason, seed) in [(Refusal::Internal, 1), (Refusal::Kms("KMSThrottlingException"), 2)] {
        let ended = live(Faults::refusing_for(reason, 0.3, seed), 4, 50).await;
        assert_eq!(ended.verify_exactly_once().count("function"), 200, "{reason:?}");
        assert_eq!(ended.said("telemetry is not delivered"), 0, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn failures_without_a_body_are_survived() {
    let script = [500, 502, 503, 500, 504].map(Fault::Bare);
    let ended = live(Faults::script(script), 2, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 40);
    assert_eq!(ended.said("telemetry is not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_stream_that_throttles_whole_calls_gets_everything_once_it_has_room() {
    let ended = live(Faults::script(vec![Fault::throttled(); 4]), 2, 20).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 40);
    assert_eq!(ended.said("telemetry is not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_said_once_and_what_waited_arrives_when_it_can() {
    for code in KMS_ERRORS {
        let mut env = TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "300")], |_| ()).await;
        env.kinesis.set_faults(Faults::always(Fault::kms(code)));
        invoke(&mut env, 3, 3).await;
        env.kinesis.set_faults(Faults::none());
        invoke(&mut env, 1, 3).await;
        let ended = env.end().await;
        assert_eq!(ended.verify_exactly_once().count("function"), 12, "{code}");
        let said = format!("telemetry is not delivered: {code}");
        assert_eq!(ended.said(&said), 1, "{:?}", ended.printed);
        assert_eq!(ended.said("telemetry is delivered again"), 1, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn a_stream_that_is_lost_and_comes_back_gets_what_happened_meanwhile() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    invoke(&mut env, 1, 3).await;
    env.kinesis.set_faults(Faults::lost());
    invoke(&mut env, 3, 3).await;
    env.kinesis.set_faults(Faults::none());
    invoke(&mut env, 1, 3).await;
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 15);
    assert_eq!(ended.said("create the stream \"telemetry\""), 1, "{:?}", ended.printed);
    assert_eq!(ended.said("telemetry is delivered again"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn more_than_a_shard_takes_in_a_second_arrives_as_fast_as_it_does() {
    let mut env = TestEnvironment::new(&SMALL, |_| ()).await;
    env.kinesis.set_throughput(Some(Throughput { bytes: 40_000, records: 40 }));
    invoke(&mut env, 3, 100).await;
    let refused = env.kinesis.refused();
    let ended = env.end().await;
    assert!(refused > 0, "this test is about records that are refused");
    assert_eq!(ended.verify_exactly_once().count("function"), 300);
}

/// Many invocations in which anything that can pass happens to the requests.
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
        // Long enough for events to be sent beside the function.
        let invocation = env.invoke(json!({ "lines": 40, "sleepMs": 150 })).await;
        assert_eq!(invocation.status, Status::Success, "{invocation:?}");
    }
    let requests = env.kinesis.requests();
    assert!(requests >= 20, "{requests} requests are no storm");
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 800, "seed {seed}");
    assert_eq!(ended.said("gave up"), 0, "{:?}", ended.printed);
    assert_eq!(ended.said("does not balance"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn after_wild_weather_nothing_is_missing() {
    for seed in [1, 2, 3] {
        random_faults(seed, "end", false).await;
    }
}

#[tokio::test]
async fn after_wild_weather_in_which_every_freeze_closes_connections_nothing_is_missing() {
    for seed in [4, 5, 6] {
        random_faults(seed, "end", true).await;
    }
}

#[tokio::test]
async fn after_wild_weather_beside_the_function_nothing_is_missing() {
    for (seed, freeze_closes_connections) in [(7, false), (8, true)] {
        random_faults(seed, "start", freeze_closes_connections).await;
    }
}

#[tokio::test]
async fn keys_come_from_an_endpoint_and_are_asked_for_again_before_they_expire() {
    // So soon that they are too old for every invocation but their own.
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
async fn keys_that_are_refused_before_their_time_are_asked_for_again() {
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
async fn an_endpoint_that_gives_no_keys_for_a_moment_costs_no_event_not_even_at_the_end() {
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
    assert_eq!(ended.said("not delivered"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn records_of_more_than_a_mebibyte_arrive_where_the_stream_allows_them() {
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

/// An environment with four shards, of which the one that takes its first record then takes nothing more.
async fn with_a_hot_shard(settings: &[(&str, &str)]) -> TestEnvironment {
    let mut env = TestEnvironment::new(settings, |_| ()).await;
    env.kinesis.set_shards(4);
    invoke(&mut env, 1, 3).await;
    let shard = env.kinesis.records().first().expect("a record has arrived").shard;
    env.kinesis.set_faults(Faults::none().hot(shard));
    env
}

#[tokio::test]
async fn what_a_hot_shard_refused_arrives_when_it_has_cooled_down() {
    let settings = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "300")];
    let mut env = with_a_hot_shard(&settings).await;
    invoke(&mut env, 3, 20).await;
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 63);
}

#[tokio::test]
async fn around_a_shard_that_stays_hot_everything_arrives_in_the_end() {
    let mut env = with_a_hot_shard(&SMALL).await;
    invoke(&mut env, 3, 20).await;
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 63);
}

#[tokio::test]
async fn a_limit_of_records_above_the_streams_own_costs_requests_and_no_event() {
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
