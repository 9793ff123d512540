//! Changes of the same functions by others, during and after a run.

use kinesis_telemetry_control_plane::{Faults, layer, other_layer};

use super::flows::shop;
use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::result::Outcome;

const SAMPLE: &str = "KINESIS_TELEMETRY_SAMPLE";

#[test]
fn edits_during_a_run_survive_it() {
    test(async || {
        for seed in 0..20 {
            let world = World::new(shop());
            let before = world.plane.picture().0;
            world.plane.state().seed = seed;
            world.plane.state().faults = Faults { before: 0.0, after: 0.1, edits: 0.4 };
            let done = world.run("attach --all").await;
            assert!(
                done.items.iter().all(|it| it.outcome == Outcome::Changed),
                "{seed}: {done:#?}"
            );
            world.run("rollback").await;
            for (name, (layers, variables)) in world.plane.picture().0 {
                let rest: Vec<_> = layers.into_iter().filter(|it| !it.contains("theirs")).collect();
                assert_eq!(rest, before[&name].0, "{seed}, {name}");
                let mut rest = variables;
                rest.retain(|name, _| !name.starts_with("THEIRS"));
                assert_eq!(rest, before[&name].1, "{seed}, {name}");
            }
            world.plane.check(8);
        }
    });
}

#[test]
fn rollback_leaves_what_others_changed() {
    test(async || {
        let world = World::new(shop());
        world.run("attach --all --set SAMPLE=0.5").await;
        world
            .plane
            .change("plain", |it| _ = it.variables.insert(SAMPLE.to_owned(), "0.7".to_owned()));
        world.plane.change("old", |it| it.layers[1] = layer("x86_64", 11));
        world.plane.change("orders", |it| it.layers.insert(0, other_layer("new")));
        let done = world.run("rollback").await;
        let why = |name: &str| {
            let item = done.items.iter().find(|it| it.name == name).unwrap();
            item.why.as_ref().map(|it| (it.reason, it.detail.clone()))
        };
        assert_eq!(why("plain"), Some((Reason::ChangedSince, SAMPLE.to_owned())));
        assert_eq!(why("old"), Some((Reason::ChangedSince, "layers".to_owned())));
        assert_eq!(why("orders"), None);
        assert_eq!(world.plane.function("plain").variables.len(), 1);
        assert!(world.plane.function("plain").layers.is_empty());
        assert_eq!(world.plane.function("old").layers[1], layer("x86_64", 11));
        let layers = ["new", "b", "a"].map(other_layer);
        assert_eq!(world.plane.function("orders").layers, layers);
        // The function is listed again until it is in its old state.
        assert_eq!(world.run("rollback").await.items.len(), 2);
        world.plane.check(8);
    });
}

#[test]
fn a_removed_layer_returns_to_its_place() {
    test(async || {
        let world = World::new(shop());
        world.run("detach --function old").await;
        world.plane.change("old", |it| it.layers.push(other_layer("new")));
        world.run("rollback").await;
        let layers = [other_layer("a"), layer("x86_64", 9), other_layer("b"), other_layer("new")];
        assert_eq!(world.plane.function("old").layers, layers);
    });
}

#[test]
fn rollback_restores_single_functions() {
    test(async || {
        let world = World::new(shop());
        let before = world.plane.picture();
        world.run("attach --all").await;
        world.run("rollback --function orders").await;
        assert_eq!(world.plane.function("orders").layers.len(), 2);
        assert_eq!(world.plane.function("invoices").layers.len(), 1);
        assert_eq!(world.plane.state().roles["shared"].policies.len(), 1, "invoices needs it");
        world.run("rollback").await;
        assert_eq!(world.plane.picture(), before);
    });
}

#[test]
fn two_runs_do_not_share_a_journal() {
    test(async || {
        let world = World::new(shop());
        let path = world.journal();
        let journal = crate::fleet::journal::Journal::open(&path, "111122223333", None).unwrap();
        let error = world.try_run("attach --all").await.unwrap_err().to_string();
        assert!(error.starts_with("another run is writing the journal"), "{error}");
        drop(journal);
        world.run("attach --all").await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("TABLE"), "the journal never has variables of others");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let other = crate::fleet::journal::Journal::open(&path, "444455556666", None);
        assert!(other.unwrap_err().to_string().contains("belongs to the account 111122223333"));
    });
}
