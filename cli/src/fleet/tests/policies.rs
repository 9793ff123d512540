//! Roles that keep their policy, and roles that lose it.

use serde_json::json;

use kinesis_telemetry_control_plane::{Function, POLICY, layer};

use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::run::Done;

const STREAM: &str = "KINESIS_TELEMETRY_STREAM";

/// Returns the outcome for the policy of the only role, with the reason.
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

#[test]
fn a_refused_policy_is_not_ours() {
    test(async || {
        let world = World::new(vec![Function::new("f"), Function::new("g")]);
        let attach = |role: &str, policies: &[&str]| {
            let mut state = world.plane.state();
            let role = state.roles.get_mut(role).unwrap();
            role.policies = policies.iter().map(|it| (*it).to_owned()).collect();
        };
        world.plane.state().denied = vec!["AttachRolePolicy"];
        let done = world.run("attach --function f").await;
        assert_eq!(done.items[0].why.as_ref().unwrap().reason, Reason::Denied);
        world.plane.state().denied.clear();
        world.run("attach --function g").await;
        // The IAM team attaches it.
        attach("f-role", &[POLICY]);
        world.run("attach --function f").await;
        world.run("rollback").await;
        let state = world.plane.state();
        assert_eq!(state.roles["f-role"].policies, [POLICY]);
        assert!(state.roles["g-role"].policies.is_empty());
    });
}

#[test]
fn a_policy_attached_since_the_plan_is_not_ours() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        let done = world.run_between("attach --all", || {
            let mut state = world.plane.state();
            state.roles.get_mut("f-role").unwrap().policies.push(POLICY.to_owned());
        });
        assert!(done.await.items[0].policy.is_none());
        world.run("rollback").await;
        assert!(world.plane.function("f").layers.is_empty());
        assert_eq!(world.plane.state().roles["f-role"].policies, [POLICY]);
    });
}

#[test]
fn policies_of_deleted_roles_are_settled() {
    test(async || {
        for command in ["attach --all", "detach --all"] {
            let function = || Function::new("f").allowed().layers(&[layer("x86_64", 9)]);
            let function = if command == "attach --all" { Function::new("f") } else { function() };
            let world = World::new(vec![function]);
            world.run(command).await;
            world.plane.state().roles.remove("f-role");
            let done = world.run("rollback").await;
            assert!(done.roles.is_empty(), "{done:#?}");
            assert!(world.try_run("rollback").await.is_err(), "nothing is left to restore");
        }
    });
}

#[test]
fn detach_leaves_the_policy_of_a_managed_role() {
    test(async || {
        let function = Function::new("f").allowed().layers(&[layer("x86_64", 9)]);
        let world = World::new(vec![function]);
        let stack = ("aws:cloudformation:stack-name".to_owned(), "shop".to_owned());
        world.plane.state().roles.get_mut("f-role").unwrap().tags.extend([stack]);
        let done = world.run("detach --all").await;
        assert_eq!(policy(&done).1, Some(Reason::RoleManaged));
        assert!(!done.needs_a_person());
        assert!(world.run("detach --all").await.roles.is_empty(), "it is settled");
    });
}

#[test]
fn unread_tags_of_a_role_are_an_obstacle() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.plane.state().denied = vec!["GetRole"];
        let done = world.run("attach --all").await;
        let why = done.items[0].why.as_ref().unwrap();
        assert_eq!(why.reason, Reason::Denied);
        assert!(why.detail.starts_with("iam:GetRole"), "{why}");
        let done = world.run("attach --all --include-managed").await;
        assert!(done.items[0].why.is_none(), "{done:#?}");
    });
}
