//! Environments that Lambda initialises before the function is invoked.

use kinesis_telemetry_control_plane::publishing::Canary;

use super::harness::{REGIONS, World, test};

/// Returns the number of calls of an operation.
fn count(world: &World, operation: &str) -> usize {
    world.account.state().calls.iter().filter(|it| **it == operation).count()
}

/// Makes Lambda initialise environments of a region before the invocation.
fn initialise(world: &World, environments: usize) {
    world.account.state().regions.get_mut(REGIONS[1]).unwrap().proactive = environments;
}

#[test]
fn an_environment_initialised_early_is_replaced_by_a_new_one() {
    test(async || {
        for environments in 0..=3 {
            let world = World::new();
            initialise(&world, environments);
            assert!(world.run("").await.unwrap().is_done());
            world.is_published(&environments.to_string());
            assert_eq!(count(&world, "UpdateFunctionConfiguration"), environments);
            assert_eq!(count(&world, "Invoke"), 2 * REGIONS.len() + environments);
        }
    });
}

#[test]
fn a_function_that_a_killed_run_has_left_is_replaced() {
    test(async || {
        let world = World::new();
        let left = Canary {
            description: crate::canary::DESCRIPTION.to_owned(),
            layer: "of an earlier release".to_owned(),
            looks: 2,
            is_warm: true,
            ..Canary::default()
        };
        let name = "kinesis-telemetry-extension-canary-x86_64".to_owned();
        world.account.state().regions.get_mut(REGIONS[0]).unwrap().functions.insert(name, left);
        assert!(world.run("").await.unwrap().is_done());
        world.is_published("");
        assert_eq!(count(&world, "DeleteFunction"), 2 * REGIONS.len() + 1);
        assert_eq!(count(&world, "UpdateFunctionConfiguration"), 0);
    });
}

#[test]
fn a_layer_that_no_log_names_stays_private() {
    test(async || {
        let world = World::new();
        initialise(&world, usize::MAX);
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("the logs of 4 invocations do not name the extension"), "{text}");
        assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
        initialise(&world, 0);
        assert!(world.run("").await.unwrap().is_done());
        world.is_published("");
    });
}

#[test]
fn a_layer_that_breaks_after_an_early_initialisation_stays_private() {
    test(async || {
        let world = World::new();
        initialise(&world, 1);
        world.account.state().regions.get_mut(REGIONS[1]).unwrap().is_broken = true;
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("the extension is not ready"), "{text}");
        assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
    });
}
