//! Faults: rejected records, an unavailable service, dead connections, missing responses.

use std::time::Duration;

use extension_sandbox::kinesis::faults::{Fault, Faults};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn with_a_fifth_of_records_rejected_everything_arrives_once() {
    // Records are small, so that every request has many.
    let settings = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "10000")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::refusing(0.2, 42));
    for _ in 0..10 {
        env.succeed(100).await;
    }
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 1_000);
    assert!(ended.records() > 100);
}

#[tokio::test]
async fn events_from_an_outage_arrive_afterwards() {
    let settings = [("FLUSH_TIMEOUT_MS", "100"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::down());
    for _ in 0..3 {
        env.succeed(3).await;
    }
    env.kinesis.set_faults(Faults::none());
    env.succeed(3).await;
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 15);
    assert_eq!(
        ended.count_logged("telemetry is not delivered: ServiceUnavailable"),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.count_logged("telemetry is delivered again"), 1);
}

#[tokio::test]
async fn a_request_without_a_response_is_resent_within_the_flush() {
    let settings = [("FLUSH_TIMEOUT_MS", "400")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::script([Fault::Silence]));
    let invocation = env.succeed(3).await;
    assert!(invocation.extension_ms < 2_000.0, "{invocation:?}");
    env.succeed(3).await;
    assert_eq!(env.end().await.verify().count("function"), 6);
}

#[tokio::test]
async fn a_lost_response_causes_duplicates_but_no_loss() {
    let mut env = TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "5000")], |_| ()).await;
    env.kinesis.set_faults(Faults::script([Fault::TakeAndVanish]));
    env.succeed(3).await;
    let arrived = env.end().await.verify();
    assert_eq!((arrived.count("function"), arrived.duplicates > 0), (3, true));
}

#[tokio::test]
async fn transient_errors_of_every_class_lose_nothing() {
    let script = [
        Fault::Fail(413, "RequestEntityTooLarge", "too large"),
        Fault::Fail(400, "ProvisionedThroughputExceededException", "slow down"),
        Fault::Fail(500, "InternalFailureException", "oops"),
        Fault::Fail(400, "KMSThrottlingException", "slow down"),
        Fault::Refuse(vec![0]),
    ];
    let settings = [("TARGET_RECORD_BYTES", "1024"), ("FLUSH_TIMEOUT_MS", "10000")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::script(script));
    env.succeed(50).await;
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 50);
}

#[tokio::test]
async fn a_delivery_that_a_freeze_catches_is_counted_and_arrives() {
    // With `start` the invocation is not held open, and its lines fill records that are sent while it runs.
    let settings = [
        ("FLUSH", "start"),
        ("TARGET_RECORD_BYTES", "1024"),
        ("BUFFER_TIMEOUT_MS", "25"),
        ("FLUSH_TIMEOUT_MS", "5000"),
    ];
    let mut env =
        TestEnvironment::new(&settings, |options| options.freeze_closes_connections = true).await;
    env.kinesis.set_faults(Faults::none().slow(Duration::from_millis(300)));
    for _ in 0..3 {
        let payload = json!({ "lines": 50, "sleepMs": 150 });
        env.invoke(payload).await;
    }
    env.kinesis.set_faults(Faults::none());
    env.succeed(1).await;
    let ended = env.end().await;
    assert!(ended.caught_by_freeze > 0, "a freeze must catch some delivery");
    assert_eq!(ended.verify().count("function"), 151);
}

#[tokio::test]
async fn nothing_is_lost_if_the_service_recovers_during_shutdown() {
    let settings = [("FLUSH_TIMEOUT_MS", "100")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::down());
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify().count("function"), 3);
}

#[tokio::test]
async fn a_freeze_longer_than_the_maximum_age_causes_no_duplicates() {
    // Fewer events than this are not sent at the start, so all wait over the freezes.
    let settings = [("FLUSH", "start"), ("MAX_AGE_MS", "100"), ("MAX_BATCH_RECORDS_ITEMS", "1000")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::none().slow(Duration::from_millis(50)));
    for _ in 0..4 {
        env.succeed(3).await;
        // The freeze is longer than the maximum age, and than a late timer.
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 12);
}

#[tokio::test]
async fn a_silent_kinesis_delays_100_invocations_by_two_flushes() {
    let flush_timeout = 2_000;
    // The wait for Lambda's buffer does not count here, so it is short.
    let settings = [("FLUSH_TIMEOUT_MS", "2000"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_secs(10)).await;
    env.kinesis.set_faults(Faults::always(Fault::Silence));
    let mut held = 0.0;
    for _ in 0..100 {
        let invocation = env.invoke(json!({ "lines": 3, "sleepMs": 20 })).await;
        assert_eq!(invocation.status, extension_sandbox::Status::Success, "{invocation:?}");
        held += invocation.extension_ms;
    }
    assert!(held <= f64::from(2 * flush_timeout), "held for {held} ms in all");
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 300, "SHUTDOWN tries in any case");
    assert_eq!(ended.count_logged("telemetry is not delivered: "), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_missing_stream_is_tried_twice_and_then_rarely() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    env.kinesis.set_faults(Faults::denied());
    for _ in 0..20 {
        env.succeed(3).await;
    }
    let requests = env.kinesis.requests();
    assert!(requests <= 4, "{requests} requests for 20 invocations");
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify().count("function"), 60);
}

#[tokio::test]
async fn a_stalled_process_resumes_delivery_in_a_long_invocation() {
    let settings = [("FLUSH", "start"), ("MAX_AGE_MS", "200")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    let remote = env.sandbox.remote();
    env.succeed(1).await;
    let kinesis = env.kinesis.clone();
    let stalled = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let extension = Pid::from_raw(remote.process_ids()[0]);
        kill(extension, Signal::SIGSTOP).unwrap();
        tokio::time::sleep(Duration::from_millis(900)).await;
        kill(extension, Signal::SIGCONT).unwrap();
        let before = kinesis.requests();
        for _ in 0..8 {
            remote.print("a line while the function runs");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        kinesis.requests() - before
    });
    env.invoke(json!({ "lines": 1, "sleepMs": 4_000 })).await;
    assert!(stalled.await.unwrap() >= 2, "requests after the stall, in two seconds");
    // The request in flight when the process was stopped may be duplicated.
    env.end().await.verify();
}

#[tokio::test]
async fn an_outdated_signature_is_renewed_within_the_flush() {
    let expired = "Signature expired: 20261128T120000Z is now earlier than 20261128T120730Z";
    for code in ["InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"] {
        let mut env = TestEnvironment::new(&[("FLUSH", "end")], |_| ()).await;
        env.kinesis.set_faults(Faults::script([Fault::Fail(400, code, expired)]));
        env.succeed(3).await;
        assert!(env.kinesis.requests() > 1, "{code}: the flush retries it");
        let ended = env.end().await;
        assert_eq!(ended.verify_exactly_once().count("function"), 3, "{code}");
        assert_eq!(ended.count_logged("not delivered"), 0, "{code}: {:?}", ended.printed);
    }
}

#[tokio::test]
async fn a_denial_is_reported_with_its_cause_and_its_remedy() {
    let denied = "User: arn:aws:sts::123456789012:assumed-role/checkout-service-production-eu-central-1-OrdersFunctionServiceRole-1A2B3C4D5E6F7/checkout-service-production-orders-processor is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:123456789012:key/1234abcd because no resource-based policy allows the kms:GenerateDataKey action";
    let remedy = "allow kms:GenerateDataKey on \"arn:aws:kms:eu-central-1:123456789012:key/1234abcd\" in the policy of the key";
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    env.kinesis.set_faults(Faults::always(Fault::Fail(400, "AccessDeniedException", denied)));
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    ended.verify();
    assert_eq!(
        ended.count_logged("because no resource-based policy allows"),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.count_logged(remedy), 1, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("kinesis:PutRecords"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_response_that_is_not_from_aws_is_quoted_in_the_log() {
    let page = "<html>\n<body>Blocked by policy 17\u{1b}[31m</body></html>";
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    env.kinesis.set_faults(Faults::always(Fault::Foreign(403, page)));
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    ended.verify();
    let expected = "HTTP status 403: <html> <body>Blocked by policy 17 [31m</body></html>; this answer is not from AWS";
    assert_eq!(ended.count_logged(expected), 1, "{:?}", ended.printed);
}
