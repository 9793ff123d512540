//! An account with many functions.

use std::time::{Duration, Instant};

use kinesis_telemetry_control_plane::{ControlPlane, Function, other_layer};

use super::harness::{World, test};
use crate::fleet::result::Outcome;

/// Number of functions in an ordinary test run; the workflow `nightly` uses more.
const FUNCTIONS: usize = 1_000;
const ROLES: usize = 100;

#[test]
fn thousands_of_functions_take_few_calls() {
    let count = std::env::var("FLEET_FUNCTIONS").map_or(FUNCTIONS, |it| it.parse().unwrap());
    let function = |n: usize| {
        let function = Function::new(&format!("f{n:05}")).role(&format!("role-{}", n % ROLES));
        let layers: Vec<_> = (0..n % 4).map(|it| other_layer(&format!("l{it}"))).collect();
        function.layers(&layers).variable("TABLE", &"x".repeat(500))
    };
    test(async || {
        let world = World::of(ControlPlane::new((0..count).map(function).collect()));
        let (began, real) = (tokio::time::Instant::now(), Instant::now());
        let done = world.run("attach --all").await;
        assert!(done.items.iter().all(|it| it.outcome == Outcome::Changed));
        let seconds = began.elapsed().as_secs();
        println!(
            "{count} functions: {seconds} s of AWS's time, {:?} of this machine's",
            real.elapsed()
        );
        let calls = world.plane.state().calls.clone();
        println!("{calls:?}");
        assert!(calls["ListFunctions"] <= count.div_ceil(50) + 1, "{calls:?}");
        assert_eq!(calls["UpdateFunctionConfiguration"], count, "{calls:?}");
        assert_eq!(calls["ListCodeSigningConfigs"], 1, "there is no configuration");
        assert!(!calls.contains_key("GetFunctionCodeSigningConfig"), "{calls:?}");
        // One call for the plan, one before the write, and one after it.
        assert!(calls["GetFunction"] <= 3 * count, "{calls:?}");
        let roles = (calls["AttachRolePolicy"], calls["ListAttachedRolePolicies"]);
        // One call for the plan, and one before the policy is attached.
        assert_eq!(roles, (ROLES, 2 * ROLES));
        // Eight changes a second, and fifty reads a second.
        let least = Duration::from_secs(u64::try_from(count).unwrap() / 8);
        assert!(began.elapsed() < least * 2 + Duration::from_mins(1), "{seconds} s");
        world.plane.check(8);
    });
}
