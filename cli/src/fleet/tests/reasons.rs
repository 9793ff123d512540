//! The reasons why functions are not changed, from the responses of services.

use std::time::Duration;

use serde_json::json;

use kinesis_telemetry_control_plane::{Function, layer, other_layer};

use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::result::Outcome;

/// Runs attach on one function, and returns the reason why it is not changed: in the plan, then in the result.
async fn reasons(
    function: Function,
    prepare: impl FnOnce(&World),
) -> (Option<Reason>, Option<Reason>) {
    let name = function.name.clone();
    let world = World::new(vec![function]);
    prepare(&world);
    let before = world.plane.picture().0;
    let words = format!("attach --function {name}");
    let planned = world.plan(&words).await.remove(0);
    let done = world.run(&words).await.items.remove(0);
    assert!(matches!(done.outcome, Outcome::Skipped | Outcome::Failed), "{done:?}");
    assert_eq!(world.plane.picture().0, before);
    (planned.why.map(|it| it.reason), done.why.map(|it| it.reason))
}

#[test]
fn every_obstacle_is_found_while_planning() {
    test(async || {
        let five: Vec<_> = ["a", "b", "c", "d", "e"].map(other_layer).into();
        for (expected, function) in [
            (Reason::Image, Function::new("f").with("PackageType", json!("Image"))),
            (Reason::FiveLayers, Function::new("f").layers(&five)),
            (Reason::VariablesTooLarge, Function::new("f").variable("BIG", &"x".repeat(4_000))),
            (Reason::VariablesUnreadable, Function::new("f").unreadable()),
            (Reason::Failed, Function::new("f").with("State", json!("Failed"))),
            (Reason::Failed, Function::new("f").with("LastUpdateStatus", json!("Failed"))),
            (Reason::Runtime, Function::new("f").with("Runtime", json!("python2.7"))),
            (Reason::Managed, Function::new("f").tag("aws:cloudformation:stack-name", "shop")),
            (Reason::Managed, Function::new("f").tag("lambda:createdBy", "SAM")),
            (
                Reason::AnotherCopy,
                Function::new("f")
                    .layers(&[layer("x86_64", 1).replace("111122223333", "444455556666")]),
            ),
        ] {
            assert_eq!(reasons(function, |_| ()).await, (Some(expected), Some(expected)));
        }
    });
}

#[test]
fn an_answer_without_what_a_write_needs_is_refused() {
    test(async || {
        let layers = json!([{ "Arn": other_layer("a") }, { "CodeSize": 1 }]);
        for (expected, member, value) in [
            (Reason::Refused, "RevisionId", json!(null)),
            (Reason::Refused, "FunctionArn", json!(null)),
            (Reason::Refused, "FunctionName", json!("")),
            (Reason::Refused, "Role", json!(null)),
            (Reason::Refused, "Layers", layers),
            (Reason::VariablesUnreadable, "Environment", json!({})),
        ] {
            let function = Function::new("f").variable("TABLE", "orders").with(member, value);
            let reason = Some(expected);
            assert_eq!(reasons(function, |_| ()).await, (reason, reason), "{member}");
        }
        // Lambda omits the environment of a function without variables.
        let world = World::new(vec![Function::new("f").with("Environment", json!(null))]);
        assert_eq!(world.plan("attach --all").await[0].outcome, Outcome::Planned);
    });
}

#[test]
fn obstacles_of_roles_are_found_while_planning() {
    test(async || {
        let full = |it: &World| {
            let mut state = it.plane.state();
            let role = state.roles.get_mut("f-role").unwrap();
            role.policies = (0..10).map(|n| format!("arn:aws:iam::aws:policy/p{n}")).collect();
        };
        let managed = |it: &World| {
            let mut state = it.plane.state();
            let role = state.roles.get_mut("f-role").unwrap();
            role.tags.insert("aws:cloudformation:stack-name".to_owned(), "iam".to_owned());
        };
        let reason = Some(Reason::RoleFull);
        assert_eq!(reasons(Function::new("f"), full).await, (reason, reason));
        let reason = Some(Reason::RoleManaged);
        assert_eq!(reasons(Function::new("f"), managed).await, (reason, reason));
    });
}

#[test]
fn missing_permissions_are_named() {
    test(async || {
        for (operation, permission) in [
            ("GetFunction", "lambda:GetFunction"),
            ("UpdateFunctionConfiguration", "lambda:UpdateFunctionConfiguration"),
            ("ListAttachedRolePolicies", "iam:ListAttachedRolePolicies"),
            ("AttachRolePolicy", "iam:AttachRolePolicy"),
        ] {
            let world = World::new(vec![Function::new("f")]);
            world.plane.state().denied = vec![operation];
            let done = world.run("attach --function f").await.items.remove(0);
            let why = done.why.unwrap();
            assert_eq!(why.reason, Reason::Denied, "{operation}");
            assert!(why.detail.starts_with(permission), "{why}");
            assert!(world.plane.function("f").layers.is_empty());
        }
        let world = World::new(vec![Function::new("f")]);
        world.plane.state().denied = vec!["ListFunctions"];
        let error = world.try_run("attach --all").await.unwrap_err().to_string();
        assert!(error.contains("requires the permission lambda:ListFunctions"), "{error}");
    });
}

#[test]
fn a_policy_stays_while_functions_cannot_be_listed() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        let before = world.plane.picture();
        world.run("attach --function f").await;
        world.plane.state().denied = vec!["ListFunctions"];
        let done = world.run("rollback").await;
        let why = done.roles[0].why.as_ref().unwrap().to_string();
        assert!(why.contains("lambda:ListFunctions"), "{why}");
        world.plane.state().denied.clear();
        world.run("rollback").await;
        assert_eq!(world.plane.picture(), before);
    });
}

#[test]
fn a_missing_function_is_named() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        let done = world.run("attach --function f --function g").await;
        let outcomes: Vec<_> = done.items.iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Changed, Outcome::Skipped]);
        assert_eq!(done.items[1].why.as_ref().unwrap().reason, Reason::NotFound);
    });
}

#[test]
fn an_update_that_fails_after_the_write_is_reported() {
    fn fail(it: &mut Function) {
        it.more.insert("LastUpdateStatus".to_owned(), json!("Failed"));
        it.more.insert("LastUpdateStatusReasonCode".to_owned(), json!("SubnetOutOfIPAddresses"));
    }
    let fails: [fn(&Function, &mut Function); 2] = [
        |_, it| fail(it),
        |before, it| {
            it.layers.clone_from(&before.layers);
            it.variables.clone_from(&before.variables);
            fail(it);
        },
    ];
    test(async || {
        for (index, after_write) in fails.into_iter().enumerate() {
            for command in ["attach --all --publish", "upgrade --all --publish", "detach --all"] {
                let old = Function::new("f").layers(&[layer("x86_64", 9)]).alias("live", "1");
                let world = World::new(vec![old]);
                let before = world.plane.picture();
                world.plane.state().after_write = Some(after_write);
                let done = world.run(command).await.items.remove(0);
                assert_eq!(done.outcome, Outcome::Failed, "{command}: {done:?}");
                assert_eq!(done.change.is_empty(), index == 1, "{command}: {done:?}");
                let why = done.why.unwrap();
                assert_eq!(why.reason, Reason::Failed);
                assert!(why.detail.contains("SubnetOutOfIPAddresses"), "{why}");
                if command != "detach --all" {
                    let done = world.run(command).await.items.remove(0);
                    assert_eq!(done.outcome, Outcome::Skipped);
                    assert_eq!(done.why.unwrap().reason, Reason::Failed);
                }
                {
                    let mut state = world.plane.state();
                    assert_eq!(state.calls["UpdateFunctionConfiguration"], 1, "{command}");
                    assert!(!state.calls.contains_key("PublishVersion"), "{command}");
                    state.after_write = None;
                }
                _ = world.try_run("rollback").await;
                assert_eq!(world.plane.picture(), before, "{command}");
                world.plane.check(8);
            }
        }
    });
}

#[test]
fn a_minute_of_failed_writes_is_waited_out() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.plane.state().failing_until = Duration::from_mins(1);
        assert_eq!(world.run("attach --all").await.items[0].outcome, Outcome::Changed);
        world.plane.check(8);
        let world = World::new(vec![Function::new("f")]);
        world.plane.state().failing_until = Duration::from_hours(30);
        let done = world.run("attach --all").await.items.remove(0);
        assert_eq!((done.outcome, done.why.unwrap().reason), (Outcome::Failed, Reason::NoAnswer));
        let calls = world.plane.state().calls["UpdateFunctionConfiguration"];
        assert!(calls <= 11, "{calls} writes");
    });
}

#[test]
fn a_refusal_because_of_another_update_is_waited_out() {
    test(async || {
        // Lambda rejects the write, although the read before it shows no update.
        for (minutes, expected) in [(4, Outcome::Changed), (30, Outcome::Failed)] {
            let idle = json!("Successful");
            let world = World::new(vec![Function::new("f").with("LastUpdateStatus", idle)]);
            world.plane.change("f", |it| it.busy_until = Duration::from_mins(minutes));
            let done = world.run("attach --all").await.items.remove(0);
            assert_eq!(done.outcome, expected);
            assert_eq!(done.why.is_some_and(|it| it.reason == Reason::Busy), minutes == 30);
            let calls = world.plane.state().calls["UpdateFunctionConfiguration"];
            assert!(calls < 60, "{calls} writes");
        }
    });
}

#[test]
fn a_busy_function_is_waited_for() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.plane.change("f", |it| it.busy_until = Duration::from_mins(1));
        assert_eq!(world.run("attach --all").await.items[0].outcome, Outcome::Changed);
        world.plane.change("f", |it| it.busy_until = Duration::from_hours(30));
        let done = world.run("detach --all").await.items.remove(0);
        assert_eq!(done.why.unwrap().reason, Reason::Busy);
    });
}
