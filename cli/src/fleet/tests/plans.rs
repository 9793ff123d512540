//! The decision about one function.

use std::collections::BTreeMap;

use proptest::prelude::*;

use kinesis_telemetry_control_plane::{ACCOUNT, REGION, layer, other_layer};

use crate::deployment::Values;
use crate::fleet::layers::Published;
use crate::fleet::managed::Managed;
use crate::fleet::plan::{Change, Goal, Plan, Wanted, plan};
use crate::fleet::reason::Reason;
use crate::fleet::snapshot::{Snapshot, Variables};
use crate::fleet::undo::Tracked;

const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

fn published(architectures: &[&str]) -> Published {
    let key = |it: &&str| if *it == "arm64" { "layerArnArm64" } else { "layerArnX86_64" };
    let values = architectures.iter().map(|it| (key(it), layer(it, 12)));
    Published::of(&Values(values.collect())).unwrap()
}

fn wanted(goal: Goal) -> Wanted {
    let published = Some(published(&["x86_64", "arm64"]));
    Wanted { goal, published, include_managed: false }
}

fn attach(settings: &[(&str, &str)]) -> Goal {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Goal::Attach { settings: settings.collect(), stream: STREAM.to_owned(), queue: None }
}

fn function(layers: &[String], variables: &[(&str, &str)]) -> Snapshot {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Snapshot {
        name: "f".to_owned(),
        arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"),
        role: "role".to_owned(),
        revision: "1".to_owned(),
        is_image: false,
        is_replica: false,
        architecture: "x86_64".to_owned(),
        runtime: Some("nodejs22.x".to_owned()),
        layers: layers.to_vec(),
        variables: Ok(variables.collect()),
        is_busy: false,
        failure: None,
        update_failure: None,
        managed: Some(Managed::of(&std::collections::HashMap::new())),
        tags: None,
        versioned: Vec::new(),
    }
}

fn reason(snapshot: &Snapshot, goal: Goal) -> Reason {
    match plan(snapshot, &wanted(goal), None) {
        Plan::Skip(why) | Plan::Unchanged(Some(why)) => why.reason,
        other => panic!("{other:?}"),
    }
}

fn change(snapshot: &Snapshot, wanted: &Wanted, tracked: Option<&Tracked>) -> Change {
    match plan(snapshot, wanted, tracked) {
        Plan::Change(change) => change,
        Plan::Unchanged(_) => Change::default(),
        Plan::Skip(why) => panic!("{why:?}"),
    }
}

fn applied(snapshot: &Snapshot, change: &Change) -> Snapshot {
    let mut snapshot = snapshot.clone();
    if let Some(variables) = change.environment(&snapshot) {
        snapshot.variables = Ok(variables);
    }
    if let Some((_, after)) = &change.layers {
        snapshot.layers.clone_from(after);
    }
    snapshot
}

#[test]
fn every_obstacle_has_its_reason() {
    let plain = || function(&[], &[]);
    let five: Vec<_> = ["a", "b", "c", "d", "e"].map(other_layer).into();
    let large = "x".repeat(4_000);
    let copy = layer("x86_64", 3).replace(ACCOUNT, "444455556666");
    let stack = [("aws:cloudformation:stack-name".to_owned(), "shop".to_owned())];
    let managed = Some(Managed::of(&stack.into_iter().collect()));
    for (expected, snapshot) in [
        (Reason::Image, Snapshot { is_image: true, ..plain() }),
        (Reason::EdgeReplica, Snapshot { is_replica: true, ..plain() }),
        (Reason::Architecture, Snapshot { architecture: "riscv".to_owned(), ..plain() }),
        (Reason::FiveLayers, function(&five, &[])),
        (Reason::VariablesTooLarge, function(&[], &[("BIG", &large)])),
        (Reason::VariablesUnreadable, Snapshot { variables: Err("KMS".to_owned()), ..plain() }),
        (Reason::Failed, Snapshot { failure: Some("Failed".to_owned()), ..plain() }),
        (Reason::Failed, Snapshot { update_failure: Some("Failed".to_owned()), ..plain() }),
        (Reason::Runtime, Snapshot { runtime: Some("nodejs8.10".to_owned()), ..plain() }),
        (Reason::AnotherCopy, function(&[copy], &[])),
        (Reason::Managed, Snapshot { managed, ..plain() }),
        (Reason::TagsUnreadable, Snapshot { managed: None, ..plain() }),
    ] {
        assert_eq!(reason(&snapshot, attach(&[])), expected);
    }
    let conflicting = function(&[], &[("KINESIS_TELEMETRY_RECORD_FORMAT", "kpl")]);
    let goal = attach(&[("KINESIS_TELEMETRY_COMPRESSION", "gzip")]);
    assert_eq!(reason(&conflicting, goal), Reason::Settings);
    for goal in [Goal::Upgrade, Goal::Detach] {
        assert_eq!(reason(&plain(), goal), Reason::NotAttached);
    }
}

#[test]
fn a_function_with_five_layers_is_upgraded() {
    let mut layers: Vec<_> = ["a", "b", "c", "d"].map(other_layer).into();
    layers.insert(2, layer("x86_64", 3));
    let change = change(&function(&layers, &[]), &wanted(Goal::Upgrade), None);
    layers[2] = layer("x86_64", 12);
    assert_eq!(change.layers.unwrap().1, layers);
}

#[test]
fn unreadable_variables_are_never_written() {
    let snapshot =
        Snapshot { variables: Err("KMS".to_owned()), ..function(&[layer("x86_64", 3)], &[]) };
    for goal in [Goal::Upgrade, Goal::Detach] {
        let change = change(&snapshot, &wanted(goal), None);
        assert!(change.layers.is_some());
        assert_eq!(change.environment(&snapshot), None);
    }
}

#[test]
fn a_stream_that_is_set_stays() {
    let snapshot = function(&[], &[("KINESIS_TELEMETRY_STREAM", "mine")]);
    let change = change(&snapshot, &wanted(attach(&[])), None);
    assert!(change.variables.is_empty() && change.layers.is_some());
}

#[test]
fn managed_functions_are_changed_on_request() {
    let snapshot = Snapshot { managed: None, ..function(&[], &[]) };
    let wanted = Wanted { include_managed: true, ..wanted(attach(&[])) };
    assert!(matches!(plan(&snapshot, &wanted, None), Plan::Change(_)));
}

fn layers() -> impl Strategy<Value = Vec<String>> {
    let one = prop_oneof![
        3 => "[a-d]".prop_map(|it| other_layer(&it)),
        1 => (1..15_u32).prop_map(|it| layer("x86_64", it)),
        1 => (1..15_u32).prop_map(|it| layer("arm64", it)),
    ];
    prop::collection::vec(one, 0..=4)
}

fn variables() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![
        "[A-C]",
        Just("KINESIS_TELEMETRY_STREAM".to_owned()),
        Just("KINESIS_TELEMETRY_SAMPLE".to_owned())
    ];
    prop::collection::btree_map(name, "(0.5|1)", 0..4)
}

fn others(layers: &[String]) -> Vec<&String> {
    layers.iter().filter(|it| !it.contains("kinesis-telemetry")).collect()
}

fn goals() -> impl Strategy<Value = Vec<Goal>> {
    let goal = prop_oneof![
        Just(attach(&[])),
        Just(attach(&[("KINESIS_TELEMETRY_SAMPLE", "0.5")])),
        Just(Goal::Upgrade),
        Just(Goal::Detach),
    ];
    prop::collection::vec(goal, 1..5)
}

proptest! {
    #[test]
    fn any_changes_are_rolled_back_exactly(layers in layers(), variables in variables(), goals in goals()) {
        let mut now = function(&layers, &[]);
        now.variables = Ok(variables);
        let (before, mut tracked) = (now.clone(), Tracked::default());
        for goal in goals {
            let change = change(&now, &wanted(goal), None);
            tracked.add(&change, &published(&["x86_64", "arm64"]).layers());
            now = applied(&now, &change);
            prop_assert_eq!(others(&now.layers), others(&before.layers));
        }
        let restore = Wanted { published: None, ..wanted(Goal::Restore) };
        let back = change(&now, &restore, Some(&tracked));
        prop_assert_eq!(applied(&now, &back), before);
    }

    #[test]
    fn attach_and_detach_leave_others_as_they_were(layers in layers(), variables in variables()) {
        let mut before = function(&layers, &[]);
        before.variables = Ok(variables);
        let attached = applied(&before, &change(&before, &wanted(attach(&[])), None));
        let again = change(&attached, &wanted(attach(&[])), None);
        prop_assert!(again.is_empty(), "attach twice: {again:?}");
        let detached = applied(&attached, &change(&attached, &wanted(Goal::Detach), None));
        let rest: Vec<String> = others(&before.layers).into_iter().cloned().collect();
        prop_assert_eq!(detached.layers, rest);
        let rest: Variables = before.variables.unwrap().into_iter().filter(|it| !it.0.starts_with("KINESIS_TELEMETRY_")).collect();
        prop_assert_eq!(detached.variables.unwrap(), rest);
    }

    #[test]
    fn edits_of_others_survive_a_rollback(before in layers(), added in "[x-z]", at in 0..3_usize, goals in goals()) {
        let (mut now, mut tracked) = (function(&before, &[]), Tracked::default());
        for goal in goals {
            let change = change(&now, &wanted(goal), None);
            tracked.add(&change, &published(&["x86_64", "arm64"]).layers());
            now = applied(&now, &change);
        }
        now.layers.insert(at.min(now.layers.len()), other_layer(&added));
        let expected: Vec<String> = others(&now.layers).into_iter().cloned().collect();
        let restore = Wanted { published: None, ..wanted(Goal::Restore) };
        if let Plan::Change(back) = plan(&now, &restore, Some(&tracked)) {
            let back = applied(&now, &back).layers;
            prop_assert_eq!(others(&back), expected.iter().collect::<Vec<_>>());
            let ours = |layers: &[String]| layers.iter().filter(|it| it.contains("kinesis-telemetry")).cloned().collect::<Vec<_>>();
            prop_assert_eq!(ours(&back), ours(&before));
        }
    }
}
