//! Runs that fail or are killed at any call, and the run after them.

use kinesis_telemetry_control_plane::publishing::Failure;

use super::harness::{Kill, REGIONS, World, test};

/// The options with which a run makes every kind of call.
const ALL: &str = "--signing-profile profile --signing-bucket bucket";

/// Returns an account in which the first function of a region is initialised before its invocation.
fn world() -> World {
    let world = World::new();
    world.account.state().regions.get_mut(REGIONS[1]).unwrap().proactive = 1;
    world
}

/// Returns the number of calls of a run that succeeds.
async fn calls() -> usize {
    let world = world();
    assert!(world.run(ALL).await.unwrap().is_done());
    world.is_published(ALL);
    world.account.state().calls.len()
}

#[test]
fn a_release_is_published_in_all_regions_and_opened() {
    test(async || {
        let world = World::new();
        let summary = world.run("").await.unwrap();
        assert!(summary.is_done());
        world.is_published("");
        let version = &world.versions()[0].2;
        assert!(version.description.starts_with("kinesis-telemetry-extension v1.2.3 (0123456789"));
        assert_eq!(version.license, "Apache-2.0");
        assert_eq!(version.statements[0]["Principal"], "*");
        assert!(version.statements[0]["Condition"].is_null());
        let text = summary.text("111122223333");
        assert!(
            text.contains("eu-central-1    1       1      published, verified, opened"),
            "{text}"
        );
    });
}

#[test]
fn a_second_run_changes_nothing() {
    test(async || {
        let world = World::new();
        world.run("").await.unwrap();
        let before = (world.versions(), world.document());
        let calls = world.account.state().calls.len();
        let summary = world.run("").await.unwrap();
        assert!(summary.text("").contains("nothing"), "{}", summary.text(""));
        assert_eq!((world.versions(), world.document()), before);
        let state = world.account.state();
        assert!(
            state.calls[calls..].iter().all(|it| it.starts_with("Get") || it.starts_with("List"))
        );
    });
}

#[test]
fn a_region_that_fails_before_opening_keeps_all_private_until_the_next_run() {
    test(async || {
        for failure in [Failure::Denied, Failure::Before, Failure::Throttled] {
            for operation in ["GetLayerVersionPolicy", "CreateFunction", "Invoke"] {
                let world = World::new();
                let failing = Some((operation, REGIONS[1].to_owned(), failure));
                world.account.state().failing = failing;
                let summary = world.run("").await.unwrap();
                assert!(!summary.is_done());
                let text = summary.text("");
                assert!(text.contains("us-east-1: "), "{text}");
                assert!(text.contains("this run opened nothing"), "{text}");
                let versions = world.versions();
                assert_eq!(versions.len(), 2 * REGIONS.len());
                assert!(versions.iter().all(|it| it.2.statements.is_empty()));
                assert_eq!(world.document(), None);
                world.account.state().failing = None;
                assert!(world.run("").await.unwrap().is_done());
                world.is_published(operation);
            }
        }
    });
}

#[test]
fn a_region_that_cannot_be_opened_is_opened_by_the_next_run() {
    test(async || {
        let world = World::new();
        let failing = ("AddLayerVersionPermission", REGIONS[1].to_owned(), Failure::Denied);
        world.account.state().failing = Some(failing);
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("Run the same command again: it opens the rest"), "{text}");
        assert!(text.contains("lambda:AddLayerVersionPermission"), "{text}");
        world.account.state().failing = None;
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("us-east-1       1       1      verified, opened"), "{text}");
        assert!(text.contains("eu-central-1    1       1      nothing"), "{text}");
        world.is_published("");
    });
}

#[test]
fn every_call_may_fail_once_within_a_run() {
    test(async || {
        let calls = calls().await;
        for failure in [Failure::Before, Failure::After, Failure::Throttled, Failure::Lost] {
            for call in 0..calls {
                let world = world();
                world.account.state().failure = Some((call, failure));
                let context = format!("{failure:?} at call {call}");
                assert!(world.run(ALL).await.unwrap().is_done(), "{context}");
                world.is_published(&context);
            }
        }
    });
}

#[test]
fn a_publication_without_an_answer_is_not_repeated_within_the_run() {
    test(async || {
        let calls = calls().await;
        let mut failed = 0;
        for call in 0..calls {
            let world = world();
            world.account.state().failure = Some((call, Failure::Unsent));
            let is_done = world.run(ALL).await.unwrap().is_done();
            let operation = world.account.state().calls[call];
            assert_eq!(is_done, operation != "PublishLayerVersion", "{operation}");
            failed += usize::from(!is_done);
            assert!(world.run(ALL).await.unwrap().is_done(), "{operation}");
            world.is_published(operation);
        }
        assert_eq!(failed, 2 * REGIONS.len());
    });
}

#[test]
fn a_run_killed_at_any_call_is_completed_by_the_next() {
    test(async || {
        for call in 0..calls().await {
            for is_done in [false, true] {
                let kill = Kill { call, is_done };
                let world = world();
                world.run_until(ALL, kill).await;
                let context = format!("{kill:?}");
                assert!(world.run(ALL).await.unwrap().is_done(), "{context}");
                world.is_published(&context);
            }
        }
    });
}

#[test]
fn two_kills_in_a_row_change_nothing_twice() {
    test(async || {
        let all = calls().await;
        // Pairs all over both runs.
        for call in (0..all).step_by(3) {
            let world = world();
            world.run_until(ALL, Kill { call, is_done: call % 2 == 0 }).await;
            let made = world.account.state().calls.len();
            let second = made + (call * 7) % all;
            world.run_until(ALL, Kill { call: second, is_done: call % 2 == 1 }).await;
            assert!(world.run(ALL).await.unwrap().is_done());
            world.is_published(&format!("killed at {call} and {second}"));
        }
    });
}
