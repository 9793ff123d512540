//! A bug of ours, wherever it is: the function goes on as if there were none, and it is said once.
//!
//! Panics are injected (`fault`). `cargo xtask ci` runs all tests of the process with what ships as well, built with the
//! feature `injected-panics`: whether a static program unwinds is a matter of how it is linked.

use std::time::Duration;

use serde_json::json;

use crate::test_environment::{Ended, TestEnvironment};

/// Lives through three invocations, with a panic in this place: the first time, or each time.
async fn live(panic_in: &str) -> Ended {
    let mut env =
        TestEnvironment::new(&[("FLUSH", "end"), ("FLUSH_TIMEOUT_MS", "300")], |options| {
            // Without a listener the end of a function is not heard of, and only its timeout says when it must have come.
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
    assert_eq!(ended.said("a bug: "), 1, "{:?}", ended.printed);
    assert_eq!(ended.said("injected into the"), 1, "{:?}", ended.printed);
    ended
}

#[tokio::test]
async fn a_panic_in_the_listener_leaves_the_functions_result_unchanged_and_loses_nothing() {
    // Lambda sends again what was not acknowledged.
    live("listener once").await.verify_exactly_once();
}

#[tokio::test]
async fn a_panic_in_the_packing_leaves_the_functions_result_unchanged_and_loses_nothing() {
    live("packing once").await.verify_exactly_once();
}

#[tokio::test]
async fn a_panic_in_the_dispatcher_leaves_the_functions_result_unchanged_and_loses_nothing() {
    live("dispatcher once").await.verify_exactly_once();
}

#[tokio::test]
async fn a_place_that_always_panics_leaves_every_result_unchanged_and_says_so_once() {
    for place in ["listener", "packing", "dispatcher"] {
        let ended = live(&format!("{place} always")).await;
        assert_eq!(ended.arrived().count("function"), 0, "nothing can get through");
    }
}
