//! The state after a rollback, and selections that match nothing.

use kinesis_telemetry_control_plane::{Function, POLICY, layer, other_layer};

use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::result::Outcome;

#[test]
fn work_after_a_restoration_by_hand_is_kept() {
    test(async || {
        let world = World::new(vec![Function::new("f").layers(&[layer("x86_64", 9)]).allowed()]);
        let before = world.plane.function("f");
        world.run("attach --all").await;
        let after = world.plane.function("f");
        // A colleague restores it.
        world.plane.change("f", |it| (it.layers, it.variables) = (before.layers, before.variables));
        let done = world.run("rollback").await;
        assert_eq!((done.items[0].outcome, &done.items[0].why), (Outcome::Unchanged, &None));
        // Others make the same change again.
        world.plane.change("f", |it| (it.layers, it.variables) = (after.layers, after.variables));
        let picture = world.plane.picture();
        let error = world.try_run("rollback").await.unwrap_err().to_string();
        assert!(error.contains("has nothing to restore"), "{error}");
        assert_eq!(world.plane.picture(), picture);
    });
}

#[test]
fn what_was_partly_restored_by_hand_is_settled() {
    test(async || {
        let world = World::new(vec![Function::new("f").allowed()]);
        world.run("attach --all").await;
        let set = world.plane.function("f").layers;
        world.plane.change("f", |it| it.layers.clear());
        let done = world.run("rollback").await;
        assert_eq!((done.items[0].outcome, &done.items[0].why), (Outcome::Changed, &None));
        world.plane.change("f", |it| it.layers.clone_from(&set));
        assert!(world.try_run("rollback").await.is_err());
        assert_eq!(world.plane.function("f").layers, set);
    });
}

#[test]
fn deleted_functions_are_settled() {
    test(async || {
        let world = World::new(vec![Function::new("f"), Function::new("g")]);
        world.run("attach --all").await;
        world.plane.state().functions.remove("f");
        let done = world.run("rollback").await;
        let outcomes: Vec<_> = done.items.iter().map(|it| (it.outcome, it.why.clone())).collect();
        assert_eq!(outcomes, [(Outcome::Unchanged, None), (Outcome::Changed, None)]);
        assert!(!done.needs_a_person());
        assert!(world.plane.state().roles.values().all(|it| it.policies.is_empty()));
        assert!(world.try_run("rollback").await.is_err(), "nothing is left to restore");
    });
}

#[test]
fn functions_deleted_during_a_rollback_are_settled() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.run("attach --all").await;
        let delete = || _ = world.plane.state().functions.remove("f");
        let done = world.run_between("rollback", delete).await;
        assert_eq!(done.items[0].outcome, Outcome::Unchanged);
        assert!(world.try_run("rollback").await.is_err(), "nothing is left to restore");
    });
}

#[test]
fn selections_that_match_nothing_fail() {
    test(async || {
        let world = World::new(vec![Function::new("f"), Function::new("g")]);
        let fails = async |words: &str, expected: &str| {
            let error = world.try_run(words).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{words}: {error}");
        };
        world.run("attach --all").await;
        for verb in ["attach", "upgrade", "detach"] {
            fails(&format!("{verb} --match nothing"), "no function in eu-central-1 matches").await;
        }
        let done = world.run("rollback --function h --function f").await;
        let outcomes: Vec<_> = done.items.iter().map(|it| (&*it.name, it.outcome)).collect();
        assert_eq!(outcomes, [("f", Outcome::Changed), ("h", Outcome::Skipped)]);
        let why = done.items[1].why.as_ref().unwrap();
        assert_eq!((why.reason, why.detail.as_str()), (Reason::NotFound, "not in this journal"));
        fails("rollback --function f", "has nothing to restore").await;
        world.run("rollback").await;
        fails("rollback", "has nothing to restore").await;
    });
}

#[test]
fn detach_without_a_match_settles_the_policies() {
    test(async || {
        let function = Function::new("f").layers(&[layer("x86_64", 9), other_layer("a")]);
        let world = World::new(vec![function.allowed()]);
        world.plane.state().denied = vec!["DetachRolePolicy"];
        world.run("detach --function f").await;
        assert_eq!(world.plane.state().roles["f-role"].policies, [POLICY]);
        world.plane.state().denied.clear();
        world.run("detach --match nothing").await;
        assert!(world.plane.state().roles["f-role"].policies.is_empty());
        assert!(world.try_run("detach --match nothing").await.is_err());
    });
}
