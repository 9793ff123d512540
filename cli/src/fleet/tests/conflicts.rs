//! Writes that Lambda rejects because others have just changed the same layer or variable.

use std::time::Duration;

use tokio::time::sleep;

use kinesis_telemetry_control_plane::{Function, POLICY, layer};

use super::harness::{World, test};
use crate::fleet::reason::Reason;
use crate::fleet::result::Outcome;

const SAMPLE: &str = "KINESIS_TELEMETRY_SAMPLE";
const PUT: &str = "UpdateFunctionConfiguration";

#[test]
fn a_refused_rollback_restores_nothing() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.run("attach --all").await;
        world.plane.state().edits.insert(PUT, |it| it.layers = vec![layer("x86_64", 13)]);
        for _ in 0..2 {
            let done = world.run("rollback").await;
            let why = done.items[0].why.as_ref().unwrap();
            assert_eq!((why.reason, why.detail.as_str()), (Reason::ChangedSince, "layers"));
            assert_eq!(done.roles[0].outcome, "kept");
            assert_eq!(done.items[0].change.layers, None);
        }
        let function = world.plane.function("f");
        assert_eq!((function.layers, function.variables.len()), (vec![layer("x86_64", 13)], 0));
        assert_eq!(world.plane.state().roles["f-role"].policies, [POLICY]);
        world.plane.check(8);
    });
}

#[test]
fn a_rollback_names_a_changed_layer_without_reading_variables() {
    test(async || {
        for command in ["upgrade --all", "detach --all"] {
            let world = World::new(vec![Function::new("f").layers(&[layer("x86_64", 9)])]);
            world
                .plane
                .change("f", |it| _ = it.variables.insert(SAMPLE.to_owned(), "1".to_owned()));
            world.run(command).await;
            world.plane.change("f", |it| {
                it.layers = vec![layer("x86_64", 13)];
                it.is_unreadable = true;
            });
            let done = world.run("rollback").await.items.remove(0);
            let why = done.why.unwrap();
            assert_eq!((why.reason, why.detail.as_str()), (Reason::ChangedSince, "layers"));
        }
    });
}

#[test]
fn a_rollback_without_an_answer_is_judged_by_every_value() {
    test(async || {
        let edits: [fn(&mut Function); 2] = [
            |it| it.layers = vec![layer("x86_64", 13)],
            |it| _ = it.variables.insert(SAMPLE.to_owned(), "0.7".to_owned()),
        ];
        for edit in edits {
            let world = World::new(vec![Function::new("f")]);
            world.run("attach --all --set SAMPLE=0.5").await;
            world.plane.state().faults.before = 1.0;
            let edits = async {
                sleep(Duration::from_secs(3)).await;
                world.plane.change("f", edit);
                world.plane.state().faults.before = 0.0;
            };
            tokio::join!(world.run("rollback"), edits);
            let done = world.run("rollback").await;
            let why = done.items[0].why.as_ref().unwrap();
            assert_eq!(why.reason, Reason::ChangedSince);
        }
    });
}

#[test]
fn the_layer_of_another_operator_survives_a_rollback() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.plane.state().edits.insert(PUT, |it| {
            it.layers.push(layer("x86_64", 12));
            for (name, value) in [("STREAM", "stream/telemetry"), ("DEAD_LETTER_QUEUE_URL", "q")] {
                it.variables.insert(format!("KINESIS_TELEMETRY_{name}"), value.to_owned());
            }
        });
        world.run("attach --all").await;
        let before = world.plane.function("f");
        _ = world.try_run("rollback").await;
        let after = world.plane.function("f");
        assert_eq!((&after.layers, &after.variables), (&before.layers, &before.variables));
        assert_eq!(after.layers, [layer("x86_64", 12)]);
        world.plane.check(8);
    });
}

#[test]
fn a_write_without_an_answer_may_arrive_late() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        let before = world.plane.picture();
        world.plane.state().failing_until = Duration::from_hours(30);
        let arrival = async {
            while !world.plane.state().calls.contains_key(PUT) {
                sleep(Duration::from_millis(10)).await;
            }
            let mut state = world.plane.state();
            state.failing_until = Duration::ZERO;
            state.edits.insert(PUT, |it| {
                it.layers.push(layer("x86_64", 12));
                for (name, value) in [
                    ("STREAM", "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry"),
                    (
                        "DEAD_LETTER_QUEUE_URL",
                        "https://sqs.eu-central-1.amazonaws.com/111122223333/letters",
                    ),
                ] {
                    it.variables.insert(format!("KINESIS_TELEMETRY_{name}"), value.to_owned());
                }
            });
        };
        let (done, ()) = tokio::join!(world.run("attach --all"), arrival);
        assert_eq!(done.items[0].outcome, Outcome::Changed);
        assert!(!done.items[0].change.is_empty());
        assert_eq!(world.plane.state().calls[PUT], 2);
        world.run("rollback").await;
        assert_eq!(world.plane.picture(), before);
        world.plane.check(8);
    });
}

#[test]
fn others_who_undo_every_change_win() {
    test(async || {
        for (command, layers) in
            [("attach --all", vec![]), ("detach --all", vec![layer("x86_64", 12)])]
        {
            let world = World::new(vec![Function::new("f").layers(&layers)]);
            world.plane.state().after_write =
                Some(|before, it| it.layers.clone_from(&before.layers));
            let done = world.run(command).await;
            let why = done.items[0].why.as_ref().unwrap();
            assert_eq!((done.items[0].outcome, why.reason), (Outcome::Failed, Reason::Contended));
            assert!(world.plane.state().calls[PUT] <= 11);
            world.plane.check(8);
        }
    });
}

#[test]
fn a_variable_that_others_set_first_is_restored() {
    test(async || {
        let world = World::new(vec![Function::new("f")]);
        world.colleague().run("attach --all").await;
        world.plane.state().edits.insert(PUT, |it| {
            it.variables.insert(SAMPLE.to_owned(), "0.7".to_owned());
        });
        let done = world.run("attach --all --set SAMPLE=0.5").await;
        assert_eq!(done.items[0].outcome, Outcome::Changed);
        assert_eq!(world.plane.function("f").variables[SAMPLE], "0.5");
        world.run("rollback").await;
        assert_eq!(world.plane.function("f").variables[SAMPLE], "0.7");
        world.plane.check(8);
    });
}
