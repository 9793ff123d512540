//! Bugs in the extension: the function continues as if there were none, and each bug is reported once.
//!
//! Panics are injected (`failpoint`). `cargo xtask ci` also runs all tests of the process with the released program,
//! built with the feature `injected-panics`, because linking decides whether a static program unwinds.

use std::time::Duration;

use serde_json::json;

use crate::test_environment::{Ended, TestEnvironment};

/// Runs three invocations with a panic in this place, the first time or each time.
async fn live(panic_in: &str) -> Ended {
    let mut env =
        TestEnvironment::new(&[("FLUSH", "end"), ("FLUSH_TIMEOUT_MS", "300")], |options| {
            // Without a listener the end of a function is not reported, so only its timeout ends the wait.
            options.timeout = Duration::from_secs(2);
            options.environment.push(("PANIC_IN".to_owned(), panic_in.to_owned()));
        })
        .await;
    for _ in 0..3 {
        env.succeed(5).await;
    }
    let failed = env.invoke(json!({ "end": "fail" })).await;
    assert!(failed.response.contains("as the payload asked"), "{failed:?}");
    let ended = env.end().await;
    assert_eq!(ended.count_logged("a bug: "), 1, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("injected into the"), 1, "{:?}", ended.printed);
    ended
}

#[tokio::test]
async fn a_panic_in_the_listener_loses_nothing() {
    // Lambda sends the unacknowledged batch again.
    live("listener once").await.verify_exactly_once();
}

#[tokio::test]
async fn a_panic_in_the_packing_loses_nothing() {
    live("packing once").await.verify_exactly_once();
}

#[tokio::test]
async fn a_panic_in_the_dispatcher_loses_nothing() {
    live("dispatcher once").await.verify_exactly_once();
}

#[tokio::test]
async fn repeated_panics_leave_the_functions_result_unchanged() {
    for place in ["listener", "packing", "dispatcher"] {
        let ended = live(&format!("{place} always")).await;
        assert_eq!(ended.arrived().count("function"), 0, "no event can be delivered");
    }
}
