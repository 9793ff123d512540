//! Freezes of hours, simulated in a moment: a stopped process, for which both clocks advance, and a paused machine,
//! whose monotonic clock stands still.

use std::time::Duration;

use extension_sandbox::credentials::Keys;
use extension_sandbox::{Credentials, Options, Pause};
use serde_json::json;

use crate::test_environment::{TestEnvironment, clock};

const BOTH: [Pause; 2] = [Pause::Stopped, Pause::Machine];
const HOUR: Duration = Duration::from_hours(1);

async fn env(settings: &[(&str, &str)], change: impl FnOnce(&mut Options)) -> TestEnvironment {
    TestEnvironment::new(settings, |options| {
        options.clock = Some(clock());
        change(options);
    })
    .await
}

#[tokio::test]
async fn connections_are_reused_only_after_short_freezes() {
    for pause in BOTH {
        for (freeze, connections) in [(HOUR, 2), (Duration::from_secs(2), 1)] {
            let mut env = env(&[], |_| ()).await;
            env.succeed(3).await;
            env.sandbox.pass(freeze, pause).unwrap();
            env.succeed(3).await;
            let kinesis = env.kinesis.clone();
            let ended = env.end().await;
            assert_eq!(ended.verify_exactly_once().count("function"), 6);
            assert_eq!(kinesis.connections(), connections, "{pause:?} {freeze:?}");
            assert_eq!(ended.printed, [""; 0], "nothing is logged");
        }
    }
}

#[tokio::test]
async fn connections_that_died_in_a_freeze_lose_nothing() {
    for pause in BOTH {
        let mut env = env(&[], |options| options.freeze_closes_connections = true).await;
        for _ in 0..3 {
            env.succeed(3).await;
            env.sandbox.pass(HOUR, pause).unwrap();
        }
        let ended = env.end().await;
        assert_eq!(ended.verify_exactly_once().count("function"), 9);
        assert_eq!(ended.printed, [""; 0]);
    }
}

#[tokio::test]
async fn events_from_before_a_freeze_are_sent_in_one_request() {
    for pause in BOTH {
        let settings = [("FLUSH", "start"), ("MAX_BATCH_RECORDS_ITEMS", "100")];
        let mut env = env(&settings, |_| ()).await;
        // Lambda hands over the waiting telemetry within this time.
        env.invoke(json!({ "lines": 3, "sleepMs": 500 })).await;
        assert_eq!(env.kinesis.requests(), 0);
        env.sandbox.pass(HOUR, pause).unwrap();
        // No timer fires by itself, and every record is sent once.
        env.succeed(3).await;
        assert_eq!(env.kinesis.requests(), 1, "{pause:?}");
        assert_eq!(env.end().await.verify_exactly_once().count("function"), 6);
    }
}

#[tokio::test]
async fn credentials_that_expired_in_a_freeze_are_renewed_first() {
    for pause in BOTH {
        let credentials = Credentials::start(Keys::new("FIRST", HOUR / 2)).await.unwrap();
        let from_endpoint = credentials.environment();
        let mut env = env(&[], |options| options.environment.extend(from_endpoint)).await;
        env.succeed(3).await;
        credentials.set_keys(Keys::new("SECOND", HOUR * 6));
        env.kinesis.set_expired(["FIRST"]);
        env.sandbox.pass(HOUR, pause).unwrap();
        let before = env.kinesis.requests();
        env.succeed(3).await;
        assert_eq!(env.kinesis.requests(), before + 1, "no request has the old keys");
        assert_eq!(env.kinesis.access_keys(), ["FIRST", "SECOND"]);
        assert_eq!(env.end().await.verify_exactly_once().count("function"), 6);
    }
}

#[tokio::test]
async fn a_freeze_of_hours_does_not_make_invocations_wait() {
    for pause in BOTH {
        let mut env = env(&[("FLUSH_TIMEOUT_MS", "500")], |_| ()).await;
        for _ in 0..4 {
            let invocation = env.succeed(1).await;
            assert!(invocation.extension_ms < 450.0, "{pause:?} {invocation:?}");
            env.sandbox.pass(HOUR * 3, pause).unwrap();
        }
        env.end().await.verify_exactly_once();
    }
}
