//! Roles that keep their policy, and roles that lose it.

use serde_json::json;

use super::control_plane::{Function, POLICY, layer};
use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::run::Done;

const STREAM: &str = "KINESIS_TELEMETRY_STREAM";

/// Returns what became of the policy of the only role, with the reason.
fn policy(done: &Done) -> (&'static str, Option<Reason>, String) {
    let [role] = &done.roles[..] else { panic!("{done:#?}") };
    let why = role.why.as_ref();
    (role.outcome, why.map(|it| it.reason), why.map(|it| it.detail.clone()).unwrap_or_default())
}

#[test]
fn alias_on_a_version_with_the_layer_keeps_the_policy() {
    test(async || {
        for command in ["detach --all", "rollback"] {
            let function = Function::new("f").alias("a", "1").alias("b", "1").alias("live", "1");
            let world = World::new(vec![function]);
            world.run("attach --all --publish").await;
            let version = world.plane.function("f").versions.len().to_string();
            world.plane.change("f", |it| it.aliases[2].1.clone_from(&version));
            let expected = format!("alias live of f (version {version})");
            let done = world.run(command).await;
            assert_eq!(policy(&done), ("kept", Some(Reason::InUse), expected), "{command}");
            assert_eq!(world.plane.state().roles["f-role"].policies, [POLICY]);
            let again = world.run(command).await;
            assert_eq!(policy(&again).1, Some(Reason::InUse), "{command} is repeated");
            world.plane.change("f", |it| "1".clone_into(&mut it.aliases[2].1));
            assert_eq!(policy(&world.run(command).await).0, "detached", "{command}");
            assert!(world.plane.state().roles["f-role"].policies.is_empty());
        }
    });
}

#[test]
fn weighted_and_provisioned_versions_keep_the_policy() {
    test(async || {
        let keeps = async |change: fn(&mut Function, String), expected: &str| {
            let world = World::new(vec![Function::new("f").alias("live", "1")]);
            world.run("attach --all --publish").await;
            world.plane.change("f", |it| change(it, it.versions.len().to_string()));
            assert_eq!(policy(&world.run("rollback").await).2, expected);
        };
        let weighted = |it: &mut Function, version: String| {
            it.weights.insert("live".to_owned(), version);
        };
        keeps(weighted, "alias live of f (version 2)").await;
        let provisioned = |it: &mut Function, version: String| it.provisioned.push(version);
        keeps(provisioned, "provisioned concurrency of f (version 2)").await;
    });
}

#[test]
fn unlisted_aliases_keep_the_policy() {
    test(async || {
        let world = World::new(vec![Function::new("f").alias("live", "1")]);
        world.run("attach --all --publish").await;
        world.plane.state().denied = vec!["ListAliases"];
        let (outcome, reason, detail) = policy(&world.run("rollback").await);
        assert_eq!((outcome, reason), ("kept", Some(Reason::Denied)));
        assert!(detail.starts_with("lambda:ListAliases"), "{detail}");
    });
}

#[test]
fn images_with_the_extension_keep_the_policy() {
    test(async || {
        let image = || Function::new("image").role("shared").with("PackageType", json!("Image"));
        for (image, outcome) in [
            (image().variable(STREAM, "telemetry"), "kept"),
            (image().unreadable(), "kept"),
            (image(), "detached"),
        ] {
            for command in ["detach --all", "rollback"] {
                let function = Function::new("f").role("shared");
                let world = World::new(vec![function, image.clone()]);
                world.run("attach --all").await;
                assert_eq!(policy(&world.run(command).await), (outcome, None, String::new()));
            }
        }
    });
}

#[test]
fn functions_that_got_the_layer_after_a_rollback_keep_the_policy() {
    test(async || {
        let shared = |name: &str| Function::new(name).role("shared");
        let world = World::new(vec![shared("f"), shared("g")]);
        world.run("attach --all").await;
        world.run("rollback --function f").await;
        world.plane.change("f", |it| it.layers.push(layer("x86_64", 12)));
        assert_eq!(policy(&world.run("rollback").await), ("kept", None, String::new()));
        assert_eq!(world.plane.state().roles["shared"].policies, [POLICY]);
    });
}
