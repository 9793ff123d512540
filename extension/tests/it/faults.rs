//! Faults: records refused, the service down, connections dead, answers missing.

use std::time::Duration;

use extension_sandbox::kinesis::faults::{Fault, Faults};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn with_a_fifth_of_all_records_refused_everything_arrives_once() {
    // Small records, so that every request has many.
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
async fn what_was_not_delivered_while_the_service_was_down_arrives_afterwards() {
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
        ended.said("telemetry is not delivered: ServiceUnavailable"),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.said("telemetry is delivered again"), 1);
}

#[tokio::test]
async fn a_request_without_an_answer_is_sent_again_and_holds_nobody_for_long() {
    let settings = [("FLUSH_TIMEOUT_MS", "400")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::script([Fault::Silence]));
    let invocation = env.succeed(3).await;
    assert!(invocation.extension_ms < 2_000.0, "{invocation:?}");
    env.succeed(3).await;
    assert_eq!(env.end().await.verify().count("function"), 6);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_events_come_twice_under_one_identity_and_none_be_missing() {
    let mut env = TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "5000")], |_| ()).await;
    env.kinesis.set_faults(Faults::script([Fault::TakeAndVanish]));
    env.succeed(3).await;
    let arrived = env.end().await.verify();
    assert_eq!((arrived.count("function"), arrived.duplicates > 0), (3, true));
}

#[tokio::test]
async fn errors_of_every_class_that_can_pass_are_survived() {
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
    // With `start` the invocation is not held, and its lines fill records that are sent while it is open.
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
    assert!(ended.caught_by_freeze > 0, "this test is about a delivery that a freeze catches");
    assert_eq!(ended.verify().count("function"), 151);
}

#[tokio::test]
async fn nothing_is_lost_when_the_service_recovers_only_during_shutdown() {
    let settings = [("FLUSH_TIMEOUT_MS", "100")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::down());
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::none());
    assert_eq!(env.end().await.verify().count("function"), 3);
}

#[tokio::test]
async fn a_freeze_that_outlasts_the_age_of_waiting_events_makes_nothing_be_sent_twice() {
    // Nothing is worth a call of its own, so that all waits over the freezes.
    let settings = [("FLUSH", "start"), ("MAX_AGE_MS", "100"), ("MAX_BATCH_RECORDS_ITEMS", "1000")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.kinesis.set_faults(Faults::none().slow(Duration::from_millis(50)));
    for _ in 0..4 {
        env.succeed(3).await;
        // The freeze itself: longer than the age, and than what passes for a late timer.
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 12);
}

#[tokio::test]
async fn a_kinesis_that_never_answers_holds_a_hundred_invocations_for_two_flushes_together() {
    let flush_timeout = 2_000;
    // What Lambda buffers is waited for in any case, and is no matter of this test.
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
    assert_eq!(ended.said("telemetry is not delivered: "), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_stream_that_is_missing_is_asked_for_twice_and_then_seldom() {
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
async fn a_process_that_gets_no_cpu_for_a_moment_goes_on_delivering_beside_a_long_invocation() {
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
    // What was under way when it was stopped may have come twice.
    env.end().await.verify();
}

#[tokio::test]
async fn an_outdated_signature_is_renewed_within_the_flush() {
    let expired = "Signature expired: 20261128T120000Z is now earlier than 20261128T120730Z";
    for code in ["InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"] {
        let mut env = TestEnvironment::new(&[("FLUSH", "end")], |_| ()).await;
        env.kinesis.set_faults(Faults::script([Fault::Fail(400, code, expired)]));
        env.succeed(3).await;
        assert!(env.kinesis.requests() > 1, "{code}: the flush sends it again");
        let ended = env.end().await;
        assert_eq!(ended.verify_exactly_once().count("function"), 3, "{code}");
        assert_eq!(ended.said("not delivered"), 0, "{code}: {:?}", ended.printed);
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
    assert_eq!(ended.said("because no resource-based policy allows"), 1, "{:?}", ended.printed);
    assert_eq!(ended.said(remedy), 1, "{:?}", ended.printed);
    assert_eq!(ended.said("kinesis:PutRecords"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn an_answer_that_is_not_from_aws_is_reported_with_its_beginning() {
    let page = "<html>\n<body>Blocked by policy 17\u{1b}[31m</body></html>";
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    env.kinesis.set_faults(Faults::always(Fault::Foreign(403, page)));
    env.succeed(3).await;
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    ended.verify();
    let expected = "HTTP status 403: <html> <body>Blocked by policy 17 [31m</body></html>; this answer is not from AWS";
    assert_eq!(ended.said(expected), 1, "{:?}", ended.printed);
}
