//! Complete commands, from the plan to the result.

use serde_json::json;

use kinesis_telemetry_control_plane::{Faults, Function, POLICY, layer, other_layer};

use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::result::Outcome;

const STREAM: &str = "KINESIS_TELEMETRY_STREAM";
const QUEUE: &str = "KINESIS_TELEMETRY_DEAD_LETTER_QUEUE_URL";

/// Returns functions that differ in every relevant property.
pub(super) fn shop() -> Vec<Function> {
    vec![
        Function::new("orders")
            .role("shared")
            .layers(&[other_layer("b"), other_layer("a")])
            .variable("TABLE", "orders"),
        Function::new("invoices").role("shared").arm64(),
        Function::new("old")
            .allowed()
            .layers(&[other_layer("a"), layer("x86_64", 9), other_layer("b")])
            .variable(STREAM, "telemetry"),
        Function::new("both")
            .layers(&[layer("arm64", 3), other_layer("a"), layer("x86_64", 12)])
            .variable(STREAM, "mine"),
        Function::new("plain"),
    ]
}

#[test]
fn attach_adds_layer_variables_and_policy() {
    test(async || {
        let world = World::new(shop());
        let done = world.run("attach --all --set SAMPLE=0.5").await;
        assert!(done.items.iter().all(|it| it.outcome == Outcome::Changed), "{done:#?}");
        let orders = world.plane.function("orders");
        assert_eq!(orders.layers, [other_layer("b"), other_layer("a"), layer("x86_64", 12)]);
        assert_eq!(orders.variables["TABLE"], "orders");
        assert_eq!(orders.variables["KINESIS_TELEMETRY_SAMPLE"], "0.5");
        assert!(orders.variables[STREAM].ends_with(":stream/telemetry"));
        assert!(orders.variables.contains_key(QUEUE));
        assert_eq!(world.plane.function("invoices").layers, [layer("arm64", 12)]);
        let old = [other_layer("a"), layer("x86_64", 12), other_layer("b")];
        assert_eq!(world.plane.function("old").layers, old);
        assert_eq!(world.plane.function("both").layers, [layer("x86_64", 12), other_layer("a")]);
        assert!(!world.plane.function("both").variables.contains_key(QUEUE), "of another stream");
        let state = world.plane.state();
        assert!(state.roles.values().all(|it| it.policies == [POLICY]), "{:?}", state.roles);
        assert_eq!(state.calls["AttachRolePolicy"], 3, "once for the shared role");
        drop(state);
        world.plane.check(8);
    });
}

#[test]
fn attach_again_changes_nothing() {
    test(async || {
        let world = World::new(shop());
        world.run("attach --all").await;
        let before = world.plane.picture();
        let done = world.run("attach --all").await;
        assert!(done.items.iter().all(|it| it.outcome == Outcome::Unchanged), "{done:#?}");
        assert_eq!(world.plane.picture(), before);
    });
}

#[test]
fn rollback_restores_every_command() {
    test(async || {
        for commands in [
            &["attach --all"][..],
            &["upgrade --all"],
            &["detach --all"],
            &["attach --all", "detach --all"],
            &["detach --all", "attach --all --set SAMPLE=0.5"],
            &["upgrade --all", "attach --match o", "detach --function old"],
        ] {
            let world = World::new(shop());
            let before = world.plane.picture();
            for command in commands {
                world.run(command).await;
            }
            if commands.len() < 2 || commands[1] != "detach --all" {
                assert_ne!(world.plane.picture(), before, "{commands:?}");
            }
            _ = world.try_run("rollback").await;
            assert_eq!(world.plane.picture(), before, "{commands:?}");
            assert!(world.try_run("rollback").await.is_err(), "nothing is left to restore");
            world.plane.check(8);
        }
    });
}

#[test]
fn detach_keeps_the_policy_of_a_role_in_use() {
    test(async || {
        let world = World::new(shop());
        world.run("attach --all").await;
        let done = world.run("detach --function orders").await;
        assert_eq!(done.roles[0].outcome, "kept");
        assert_eq!(world.plane.state().roles["shared"].policies, [POLICY]);
        let done = world.run("detach --function invoices").await;
        assert_eq!(done.roles[0].outcome, "detached");
        assert!(world.plane.state().roles["shared"].policies.is_empty());
        assert_eq!(world.plane.function("orders").layers, [other_layer("b"), other_layer("a")]);
        assert_eq!(world.plane.function("orders").variables.len(), 1);
    });
}

#[test]
fn upgrade_works_without_reading_variables() {
    test(async || {
        let secret = Function::new("secret").layers(&[layer("x86_64", 3)]).unreadable();
        let world = World::new(vec![secret.variable("PASSWORD", "x")]);
        assert_eq!(world.run("upgrade --all").await.items[0].outcome, Outcome::Changed);
        assert_eq!(world.plane.function("secret").variables["PASSWORD"], "x");
        let done = world.run("detach --all").await;
        let left = done.items[0].why.as_ref().unwrap();
        assert_eq!(
            (done.items[0].outcome, left.reason),
            (Outcome::Changed, Reason::VariablesUnreadable)
        );
        world.run("rollback").await;
        assert_eq!(world.plane.function("secret").layers, [layer("x86_64", 3)]);
        world.plane.check(8);
    });
}

#[test]
fn published_versions_are_named_and_published() {
    test(async || {
        let versioned = || {
            vec![
                Function::new("alias").alias("live", "1"),
                Function::new("snap").with("SnapStart", json!({ "ApplyOn": "PublishedVersions" })),
                Function::new("plain"),
            ]
        };
        let world = World::new(versioned());
        let words: Vec<_> =
            world.plan("attach --all").await.iter().map(|it| it.versions.words()).collect();
        assert_eq!(words, ["alias live (1)", "", "SnapStart"]);
        let done = world.run("attach --all --publish").await;
        let published: Vec<_> = done.items.iter().map(|it| it.published.as_deref()).collect();
        assert_eq!(published, [Some("2"), None, Some("1")]);
        assert_eq!(world.plane.function("alias").aliases, [("live".to_owned(), "1".to_owned())]);
    });
}

#[test]
fn others_who_change_a_function_do_not_get_into_its_version() {
    test(async || {
        let world = World::new(vec![Function::new("f").alias("live", "1")]);
        world.plane.state().edits.insert("PublishVersion", |it| it.layers.clear());
        let done = world.run("attach --all --publish").await;
        assert_eq!(done.items[0].published.as_deref(), Some("2"));
        assert_eq!(world.plane.function("f").versions, [vec![], vec![layer("x86_64", 12)]]);
        world.plane.check(8);
    });
}

#[test]
fn a_version_that_is_due_is_published_after_the_confirmation() {
    test(async || {
        for verb in ["attach --all", "rollback", "detach --all"] {
            let layers: &[_] = if verb == "detach --all" { &[layer("x86_64", 9)] } else { &[] };
            let world = World::new(vec![Function::new("f").layers(layers).alias("live", "1")]);
            if verb == "rollback" {
                world.run("attach --all --publish").await;
            }
            let versions = || world.plane.function("f").versions.len();
            let before = versions();
            world.plane.state().denied = vec!["PublishVersion"];
            let words = format!("{verb} --publish");
            assert_eq!(world.run(&words).await.items[0].outcome, Outcome::Failed);
            world.plane.state().denied.clear();
            _ = world.try_run(verb).await;
            assert_eq!(world.decline(&words).await[0].outcome, Outcome::Planned, "{verb}");
            assert_eq!(versions(), before, "{verb}");
            let done = world.run(&words).await.items.remove(0);
            assert_eq!((done.outcome, versions()), (Outcome::Changed, before + 1), "{verb}");
            assert!(done.published.is_some() && done.why.is_none(), "{verb}: {done:?}");
            world.plane.check(8);
        }
    });
}

#[test]
fn a_rollback_ends_the_wish_to_publish() {
    test(async || {
        let world = World::new(vec![Function::new("f").alias("live", "1")]);
        world.plane.state().denied = vec!["PublishVersion"];
        world.run("attach --all --publish").await;
        world.plane.state().denied.clear();
        world.run("rollback").await;
        world.run("upgrade --all --publish").await;
        assert_eq!(world.plane.function("f").versions.len(), 1);
        assert!(world.try_run("rollback --publish").await.is_err(), "nothing is left to do");
    });
}

#[test]
fn failures_of_the_service_are_waited_out() {
    test(async || {
        for seed in 0..20 {
            let world = World::new(shop());
            let before = world.plane.picture();
            world.plane.state().seed = seed;
            world.plane.state().faults = Faults { before: 0.2, after: 0.2, edits: 0.0 };
            let done = world.run("attach --all").await;
            assert!(
                done.items.iter().all(|it| it.outcome == Outcome::Changed),
                "{seed}: {done:#?}"
            );
            world.run("rollback").await;
            assert_eq!(world.plane.picture(), before, "{seed}");
            world.plane.check(8);
        }
    });
}

#[test]
fn throttled_calls_are_slowed_down() {
    test(async || {
        let world = World::new((0..60).map(|n| Function::new(&format!("f{n}"))).collect());
        world.plane.state().shared = 3.0;
        let done = world.run("attach --all").await;
        assert!(done.items.iter().all(|it| it.outcome == Outcome::Changed), "{done:#?}");
        let calls = world.plane.state().calls["UpdateFunctionConfiguration"];
        assert!((61..120).contains(&calls), "{calls} calls, some of them refused");
    });
}

#[test]
fn functions_are_selected() {
    test(async || {
        let tagged = |name: &str, team: &str| Function::new(name).tag("team", team);
        let functions =
            vec![tagged("f-1", "a"), tagged("f-10", "a"), tagged("g", "b"), tagged("h", "b")];
        let world = World::new(functions);
        for (words, expected) in [
            ("--all", &["f-1", "f-10", "g", "h"][..]),
            ("--match ^f", &["f-1", "f-10"]),
            ("--tag team=b", &["g", "h"]),
            ("--tag team=b --match h", &["h"]),
            ("--tag team=b --function f-1", &["f-1", "g", "h"]),
            ("--all --exclude f-1", &["f-10", "g", "h"]),
            ("--all --exclude f-1.*", &["g", "h"]),
            ("--all --exclude ^f --exclude g", &["h"]),
        ] {
            let items = world.plan(&format!("attach {words}")).await;
            let names: Vec<_> = items.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names, expected, "{words}");
        }
        assert!(world.try_run("attach --match nothing").await.is_err());
    });
}
