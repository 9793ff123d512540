//! Files that a process leaves at its end, and their adoption by the next one.

use std::time::Duration;

use extension_sandbox::Status;
use extension_sandbox::kinesis::faults::{Fault, Faults};
use serde_json::json;

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn events_left_by_a_timeout_are_delivered_by_the_next_process() {
    let settings = [("FLUSH_TIMEOUT_MS", "200"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_secs(2)).await;
    env.kinesis.set_faults(Faults::down());
    env.succeed(5).await;
    let timeout = env.invoke(json!({ "lines": 5, "end": "timeout" })).await;
    assert_eq!(timeout.status, Status::Timeout);
    env.kinesis.set_faults(Faults::none());
    env.succeed(5).await;
    let tmp = env.sandbox.tmp().to_owned();
    assert_eq!(
        std::fs::read_dir(&tmp).unwrap().count(),
        0,
        "its events are delivered and the file is deleted"
    );
    let ended = env.end().await;
    let arrived = ended.verify();
    assert_eq!((arrived.instances(), arrived.count("function")), (2, 15));
    assert_eq!(arrived.duplicates, 0);
    let adopted = ended.ledgers().iter().filter_map(|it| it["adopted"].as_u64()).max();
    assert!(adopted > Some(10), "{adopted:?}");
}

#[tokio::test]
async fn adopted_events_are_handed_over_again_after_a_timeout() {
    let settings = [("FLUSH_TIMEOUT_MS", "200"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_secs(2)).await;
    env.kinesis.set_faults(Faults::always(Fault::Silence));
    for _ in 0..2 {
        let timeout = env.invoke(json!({ "lines": 5, "end": "timeout" })).await;
        assert_eq!(timeout.status, Status::Timeout);
    }
    env.kinesis.set_faults(Faults::none());
    env.succeed(5).await;
    let arrived = env.end().await.verify();
    assert_eq!((arrived.instances(), arrived.count("function")), (3, 15));
}

#[tokio::test]
async fn events_beyond_memory_wait_in_the_file_and_arrive() {
    let settings = [
        ("QUEUE_MAX_BYTES", "4194304"),
        ("SPILL_MAX_BYTES", "33554432"),
        ("FLUSH_TIMEOUT_MS", "1000"),
    ];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_mins(1)).await;
    env.kinesis.set_faults(Faults::down());
    let payload = json!({ "lines": 12_000, "bytes": 500 });
    assert_eq!(env.invoke(payload).await.status, Status::Success);
    let files = std::fs::read_dir(env.sandbox.tmp()).unwrap().count();
    assert!((1..=8).contains(&files), "some events wait in files: {files}");
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 12_000);
    assert_eq!(
        ended.count_logged("further events wait in the spill file"),
        1,
        "{:?}",
        ended.printed
    );
}

#[tokio::test]
async fn a_timeout_loses_nothing_if_tmpdir_is_missing() {
    let settings = [("FLUSH_TIMEOUT_MS", "200"), ("BUFFER_TIMEOUT_MS", "25")];
    let parent = tempfile::tempdir().unwrap();
    let missing = parent.path().join("missing");
    let mut env = TestEnvironment::new(&settings, |options| {
        options.timeout = Duration::from_secs(2);
        let tmp = missing.to_str().unwrap().to_owned();
        options.environment.push(("TMPDIR".into(), tmp));
    })
    .await;
    env.kinesis.set_faults(Faults::down());
    env.succeed(5).await;
    let timeout = env.invoke(json!({ "lines": 5, "end": "timeout" })).await;
    assert_eq!(timeout.status, Status::Timeout);
    std::fs::create_dir(&missing).unwrap();
    env.kinesis.set_faults(Faults::none());
    env.succeed(5).await;
    let ended = env.end().await;
    let arrived = ended.verify();
    assert_eq!((arrived.instances(), arrived.count("function")), (2, 15));
    let why = format!("cannot write a spill file in {}: No such file", missing.display());
    assert_eq!(ended.count_logged(&why), 1, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("/tmp is used instead"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn events_are_in_a_file_only_while_kinesis_is_unavailable() {
    let settings = [("FLUSH_TIMEOUT_MS", "200"), ("BUFFER_TIMEOUT_MS", "25")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    let files = |env: &TestEnvironment| std::fs::read_dir(env.sandbox.tmp()).unwrap().count();
    env.succeed(5).await;
    assert_eq!(files(&env), 0);
    env.kinesis.set_faults(Faults::down());
    for _ in 0..4 {
        let invocation = env.invoke(json!({ "lines": 5, "sleepMs": 400 })).await;
        assert_eq!(invocation.status, Status::Success);
    }
    assert_eq!(files(&env), 1, "a process killed now leaves them to the next one");
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(ended.verify().count("function"), 25);
    assert_eq!(ended.count_logged("further events wait in the spill file"), 0, "memory suffices");
}
