//! Runs that are killed at any moment, continued and undone.

use std::fs::OpenOptions;
use std::io::Write as _;

use kinesis_telemetry_control_plane::{
    CodeSigning, ControlPlane, Faults, Function, layer, signing_profile,
};

use super::flows::shop;
use super::harness::{Kill, World, test};

/// Number of killed runs in an ordinary test; the workflow `nightly` kills a thousand.
const SEEDS: u64 = 100;

/// The commands that are killed, each with the commands before it.
const RUNS: [(&[&str], &str); 5] = [
    (&[], "attach --all --set SAMPLE=0.5 --publish"),
    (&[], "upgrade --all"),
    (&[], "detach --all"),
    (&["attach --all"], "detach --all"),
    (&["detach --all"], "attach --all"),
];

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("FLEET_SEEDS") {
        Ok(seeds) => 0..seeds.parse().unwrap(),
        Err(_) => 0..SEEDS,
    }
}

/// Returns a different number for each seed and place.
fn draw(seed: u64, place: u64, below: usize) -> usize {
    let mixed = (seed * 31 + place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 33).unwrap() % below.max(1)
}

fn functions() -> Vec<Function> {
    let mut functions = shop();
    functions[0] = functions[0].clone().alias("live", "1");
    functions.push(Function::new("signed").code_signing("enforced"));
    functions.push(Function::new("strict").arm64().code_signing("enforced"));
    functions
}

/// One of the published layers is signed, the other one is not.
fn account() -> ControlPlane {
    let plane = ControlPlane::new(functions());
    {
        let mut state = plane.state();
        let (profile, enforced) = (signing_profile("layers"), "enforced".to_owned());
        let allowed = vec![profile.clone()];
        state.code_signing.insert(enforced, CodeSigning { is_enforced: true, allowed });
        state.signers.insert(layer("x86_64", 12), profile);
    }
    plane
}

async fn prepared(before: &[&str]) -> World {
    let world = World::of(account());
    for command in before {
        world.run(command).await;
    }
    world
}

/// Adds the beginning of a line, as a crash leaves it.
fn tear(world: &World) {
    let mut file = OpenOptions::new().append(true).create(true).open(world.journal()).unwrap();
    file.write_all(b"{\"entry\":\"change\",\"id\":").unwrap();
}

async fn killed(world: &World, command: &str, seed: u64, place: u64, calls: usize) {
    let call = draw(seed, place, calls + 1);
    let kill = Kill { call, is_done: draw(seed, place + 1, 2) == 0 };
    world.run_until(command, Some(kill)).await;
    if draw(seed, place + 2, 3) == 0 {
        tear(world);
    }
}

#[test]
fn killed_runs_are_continued_and_undone() {
    test(async || {
        for (index, (before, command)) in RUNS.into_iter().enumerate() {
            let world = prepared(before).await;
            let beginning = World::of(account()).plane.picture();
            let calls = world.run_until(command, None).await;
            let end = world.plane.picture();
            assert_ne!(beginning, end);
            assert!(end.0["strict"].0.is_empty(), "an unsigned layer is never attached");
            for seed in seeds().skip(index).step_by(RUNS.len()) {
                let world = prepared(before).await;
                if seed % 3 == 0 {
                    world.plane.state().seed = seed;
                    world.plane.state().faults = Faults { before: 0.05, after: 0.1, edits: 0.0 };
                }
                killed(&world, command, seed, 0, calls).await;
                if seed % 2 == 0 {
                    killed(&world, command, seed, 10, calls).await;
                    world.run(command).await;
                    assert_eq!(world.plane.picture(), end, "{command}, seed {seed}");
                }
                killed(&world, "rollback", seed, 20, calls).await;
                _ = world.try_run("rollback").await;
                assert_eq!(world.plane.picture(), beginning, "{command}, seed {seed}");
                world.plane.check(8);
            }
        }
    });
}
