//! Environments that end in different ways, and start again.

use std::time::Duration;

use extension_sandbox::{Mode, Status};
use serde_json::json;

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn after_a_timeout_a_new_process_continues_without_loss() {
    let mut env =
        TestEnvironment::new(&[], |options| options.timeout = Duration::from_millis(1_500)).await;
    env.succeed(2).await;
    let timeout = env.invoke(json!({ "lines": 2, "end": "timeout" })).await;
    assert_eq!(timeout.status, Status::Timeout);
    assert_eq!(timeout.response, "Task timed out after 1.50 seconds");
    env.succeed(2).await;
    let arrived = env.end().await.verify();
    assert_eq!((arrived.instances(), arrived.count("function")), (2, 6));
    assert_eq!(arrived.count("platform.initStart"), 2);
    let timed_out =
        arrived.events.values().filter(|it| it.contains(r#""status":"timeout""#)).count();
    assert_eq!(timed_out, 2, "runtimeDone and report of the timeout");
}

#[tokio::test]
async fn after_a_function_crash_a_new_process_continues_without_loss() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    let crash = env.invoke(json!({ "lines": 2, "end": "exit" })).await;
    assert_eq!(
        (crash.status, crash.error_type.as_deref()),
        (Status::Error, Some("Runtime.ExitError"))
    );
    env.succeed(2).await;
    let arrived = env.end().await.verify();
    assert_eq!((arrived.instances(), arrived.count("function")), (2, 4));
}

#[tokio::test]
async fn the_last_invocations_report_arrives() {
    let mut env = TestEnvironment::new(&[], |_| ()).await;
    env.succeed(1).await;
    let before = env.kinesis.records().len();
    let ended = env.end().await;
    assert!(ended.records() > before);
    assert_eq!(ended.verify_exactly_once().count("platform.report"), 1);
}

#[tokio::test]
async fn the_extension_does_not_use_up_a_short_timeout() {
    // Telemetry is buffered for longer than the function's timeout.
    let settings = [("BUFFER_TIMEOUT_MS", "5000"), ("FLUSH_TIMEOUT_MS", "5000")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_secs(1)).await;
    for _ in 0..2 {
        assert_eq!(env.succeed(1).await.status, Status::Success);
    }
    env.end().await;
}

#[tokio::test]
async fn managed_instances_deliver_without_invoke_events() {
    let settings = [("MAX_AGE_MS", "100")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.mode = Mode::ManagedInstances).await;
    for _ in 0..3 {
        env.succeed(3).await;
    }
    let arrived = env.end().await.verify_exactly_once();
    assert_eq!((arrived.count("function"), arrived.count("platform.runtimeDone")), (9, 0));
}
