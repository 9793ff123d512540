//! Code signing: layers that Lambda would reject or report a warning for.

use kinesis_telemetry_control_plane::{CodeSigning, Function, layer, signing_profile};

use super::harness::{World, test};
use crate::fleet::reason::{Reason, Why};
use crate::fleet::result::{Item, Outcome};

const PUT: &str = "UpdateFunctionConfiguration";

/// Returns an account with the function `f`, whose configuration allows the profile `trusted`.
fn world(is_enforced: bool, signer: Option<&str>) -> World {
    let world = World::new(vec![Function::new("f").code_signing("config")]);
    configure(&world, "config", is_enforced);
    if let Some(signer) = signer {
        sign(&world, 12, signer);
    }
    world
}

fn configure(world: &World, name: &str, is_enforced: bool) {
    let config = CodeSigning { is_enforced, allowed: vec![signing_profile("trusted")] };
    world.plane.state().code_signing.insert(name.to_owned(), config);
}

fn sign(world: &World, version: u32, profile: &str) {
    world.plane.state().signers.insert(layer("x86_64", version), signing_profile(profile));
}

/// Returns the reason why a command does not change the only function. Checks that the run has the same result, without a write.
async fn refused(world: &World, command: &str) -> Why {
    let before = world.plane.picture();
    let writes = world.plane.state().calls.get(PUT).copied();
    let planned = world.plan(command).await.remove(0);
    let done = world.run(command).await.items.remove(0);
    assert_eq!((planned.outcome, done.outcome), (Outcome::Skipped, Outcome::Skipped));
    assert_eq!(world.plane.picture(), before);
    assert_eq!(world.plane.state().calls.get(PUT).copied(), writes);
    world.plane.check(8);
    planned.why.unwrap()
}

async fn changed(world: &World, command: &str) -> Item {
    let done = world.run(command).await.items.remove(0);
    assert_eq!((done.outcome, &done.why), (Outcome::Changed, &None), "{command}");
    world.plane.check(8);
    done
}

#[test]
fn an_unsigned_layer_is_refused_before_anything_is_written() {
    test(async || {
        let why = refused(&world(true, None), "attach --all").await;
        assert_eq!(why.reason, Reason::CodeSigning);
        assert!(why.detail.contains(":12 is not signed; publish a layer signed by"), "{why}");
        assert!(why.detail.contains(":code-signing-config:config allows"), "{why}");
    });
}

#[test]
fn a_layer_of_another_profile_is_refused_with_its_name() {
    test(async || {
        let why = refused(&world(true, Some("other")), "attach --all").await;
        assert_eq!(why.reason, Reason::CodeSigning);
        let signed = format!("is signed by {}; allow this", signing_profile("other"));
        assert!(why.detail.contains(&signed), "{why}");
    });
}

#[test]
fn a_layer_of_an_allowed_profile_is_attached() {
    test(async || {
        let world = world(true, Some("trusted"));
        assert!(changed(&world, "attach --all").await.warnings.is_empty());
        assert_eq!(world.plane.function("f").layers, [layer("x86_64", 12)]);
        changed(&world, "rollback").await;
    });
}

#[test]
fn a_policy_that_warns_is_a_note_of_the_plan() {
    test(async || {
        let world = world(false, None);
        let planned = world.plan("attach --all").await.remove(0);
        assert!(planned.warnings[0].contains(":12 is not signed"), "{planned:?}");
        assert!(!planned.needs_a_person());
        changed(&world, "attach --all").await;
    });
}

#[test]
fn an_unsigned_layer_is_removed_but_not_restored() {
    test(async || {
        for command in ["upgrade --all", "detach --all"] {
            let world = World::new(vec![
                Function::new("f").code_signing("config").layers(&[layer("x86_64", 9)]),
            ]);
            configure(&world, "config", true);
            sign(&world, 12, "trusted");
            changed(&world, command).await;
            let asked = world.plane.state().calls.contains_key("ListCodeSigningConfigs");
            assert_eq!(
                asked,
                command == "upgrade --all",
                "only commands that add a layer read signatures"
            );
            let why = refused(&world, "rollback").await;
            assert_eq!(why.reason, Reason::CodeSigning);
            assert!(why.detail.contains(":9 is not signed"), "{why}");
            configure(&world, "config", false);
            changed(&world, "rollback").await;
            assert_eq!(world.plane.function("f").layers, [layer("x86_64", 9)]);
        }
    });
}

#[test]
fn the_refusals_of_lambda_are_explained() {
    test(async || {
        for expected in [
            "a layer is not signed",
            "a layer was changed after it was signed",
            "the configuration was deleted: assign another one",
        ] {
            let world = world(false, None);
            let before = world.plane.picture().0;
            let others = || match expected {
                "a layer is not signed" => configure(&world, "config", true),
                "a layer was changed after it was signed" => {
                    world.plane.state().altered.push(layer("x86_64", 12));
                }
                _ => world.plane.state().code_signing.clear(),
            };
            let done = world.run_between("attach --all", others).await.items.remove(0);
            let why = done.why.unwrap();
            assert_eq!((done.outcome, why.reason), (Outcome::Failed, Reason::CodeSigning));
            assert!(why.detail.starts_with(expected) && why.detail.contains("Exception"), "{why}");
            assert_eq!(world.plane.picture().0, before);
        }
    });
}

#[test]
fn without_a_list_each_function_is_asked_once() {
    test(async || {
        let mut functions: Vec<_> =
            (0..30).map(|n| Function::new(&format!("f{n:02}")).code_signing("config")).collect();
        functions.push(Function::new("free"));
        let world = World::new(functions);
        configure(&world, "config", true);
        sign(&world, 12, "trusted");
        for operation in ["ListCodeSigningConfigs", "ListFunctionsByCodeSigningConfig"] {
            world.plane.state().denied = vec![operation];
            let done = world.run("attach --all").await;
            assert!(done.items.iter().all(|it| it.outcome == Outcome::Changed), "{done:#?}");
            let calls = std::mem::take(&mut world.plane.state().calls);
            assert_eq!(calls["GetFunctionCodeSigningConfig"], 31, "{calls:?}");
            let shared = (calls["GetCodeSigningConfig"], calls["GetLayerVersionByArn"]);
            assert_eq!(shared, (1, 1));
            world.run("rollback").await;
            world.plane.check(8);
        }
    });
}

#[test]
fn without_permissions_lambda_refuses_the_layer() {
    test(async || {
        for operation in ["GetFunctionCodeSigningConfig", "GetCodeSigningConfig"] {
            let world = world(true, None);
            world.plane.state().denied = vec!["ListCodeSigningConfigs", operation];
            assert_eq!(world.plan("attach --all").await[0].outcome, Outcome::Planned);
            let done = world.run("attach --all").await.items.remove(0);
            let why = done.why.unwrap();
            assert_eq!((done.outcome, why.reason), (Outcome::Failed, Reason::CodeSigning));
        }
        let world = world(true, Some("trusted"));
        world.plane.state().denied = vec!["GetLayerVersionByArn"];
        let why = refused(&world, "attach --all").await;
        assert!(why.reason == Reason::Denied && why.detail.starts_with("lambda:GetLayerVersion"));
    });
}

#[test]
fn deleted_functions_do_not_turn_off_the_check_of_signatures() {
    test(async || {
        let deleted = Function::new("deleted").arn().into();
        let mut functions = vec![Function::new("a").with("FunctionArn", deleted)];
        functions.extend((0..30).map(|n| Function::new(&format!("f{n}"))));
        functions[10].code_signing = Some("config".to_owned());
        let world = World::new(functions);
        configure(&world, "config", true);
        world.plane.state().denied = vec!["ListCodeSigningConfigs"];
        let last = world.plan("attach --all").await.pop().unwrap();
        assert_eq!((last.name.as_str(), last.why.unwrap().reason), ("f9", Reason::CodeSigning));
    });
}

#[test]
fn random_accounts_see_no_write_that_lambda_refuses() {
    test(async || {
        for seed in 0..24 {
            let mut random = fastrand::Rng::with_seed(seed);
            let configs = ["none", "warns", "enforces", "empty"];
            let mut function = |n: usize| {
                let mut function = Function::new(&format!("f{n}"));
                if random.bool() {
                    function = function.layers(&[layer("x86_64", random.u32(7..10))]);
                }
                let config = random.choice(configs).unwrap();
                if config != "none" {
                    function = function.code_signing(config);
                }
                function
            };
            let world = World::new((0..12).map(&mut function).collect());
            configure(&world, "warns", false);
            configure(&world, "enforces", true);
            let empty = CodeSigning { is_enforced: true, allowed: Vec::new() };
            world.plane.state().code_signing.insert("empty".to_owned(), empty);
            for version in 7..=12 {
                if let Some(profile) =
                    random.choice([None, Some("trusted"), Some("other")]).unwrap()
                {
                    sign(&world, version, profile);
                }
            }
            if random.bool() {
                world.plane.state().denied = vec!["ListFunctionsByCodeSigningConfig"];
            }
            let is_trusted = world.plane.state().signers.get(&layer("x86_64", 12)).cloned()
                == Some(signing_profile("trusted"));
            let done = world.run("attach --all").await;
            for item in &done.items {
                let config = world.plane.function(&item.name).code_signing;
                let is_refused = match config.as_deref() {
                    Some("enforces") => !is_trusted,
                    Some("empty") => true,
                    _ => false,
                };
                let reason = item.why.as_ref().map(|it| it.reason);
                assert_eq!(reason, is_refused.then_some(Reason::CodeSigning), "{seed}: {item:?}");
            }
            for command in ["upgrade --match [1-5]", "detach --match [3-9]", "rollback"] {
                _ = world.try_run(command).await;
            }
            world.plane.check(8);
        }
    });
}
