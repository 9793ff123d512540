//! `nightly`: runs tests that find more the longer they run, and so take too long for the check of a change.

use extension_spec::EXTENSION_NAME;
use xtask_synth::Project;

use super::model::{Job, Map, Step, Workflow};
use super::steps;
use crate::project::pins;

/// The test that plays lives of an environment, and has an independent judge decide what must arrive.
const LIVES: &str = "only_remarkable_invocations_are_delivered_and_in_full";

/// The tests that kill runs of `attach`, `upgrade`, `detach` and `rollback`, and change many functions.
const FLEET: &str = "fleet::tests";

/// The test that installs the package of constructs with every pair of CDK and TypeScript.
const PACKAGE: &str = "the_package_installs_with_every_pair_of_cdk_and_typescript_from_a_registry";

/// Makes a release, with the CLI for every architecture, in two checkouts at different paths. The manifests list every digest.
const TWO_RELEASES: &str = "git clone --quiet . ../another-checkout\n\
    cargo xtask release --into ../one\n\
    (cd ../another-checkout && cargo xtask release --into ../two)\n\
    diff ../one/manifest.json ../two/manifest.json\n";

pub(super) fn add(project: &mut Project) {
    let hostile = job(
        "Hostile records",
        vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            Step::run(
                "Let every consumer read hostile records for an hour",
                "cargo xtask test -- hostile_records",
            )
            .env([("HOSTILE_SECONDS", "3600")]),
        ],
    );
    let lives = job(
        "Selection of invocations",
        vec![
            steps::checkout(),
            steps::rust(),
            Step::run(
                "Play 100,000 lives and judge what arrives",
                format!(
                    "cargo test --release --package {EXTENSION_NAME} --lib -- --nocapture {LIVES}"
                ),
            )
            .env([("SELECTION_LIVES", "100000")]),
        ],
    );
    let fleet = job(
        "Changes of many functions",
        vec![
            steps::checkout(),
            steps::rust(),
            Step::run(
                "Kill 1,000 runs, and change 10,000 functions",
                format!("cargo test --release --package kinesis-telemetry --bin kinesis-telemetry -- --nocapture {FLEET}"),
            )
            .env([("FLEET_SEEDS", "1000"), ("FLEET_FUNCTIONS", "10000")]),
        ],
    );
    let package = job(
        "Versions of the CDK",
        vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            Step::run(
                "Use the package of constructs with each CDK and TypeScript",
                format!("cargo xtask test -- {PACKAGE}"),
            )
            .env([("PACKAGE_MATRIX", "registry")]),
        ],
    );
    let release = job(
        "Release, twice",
        vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            Step::run("Make the whole release in two checkouts, and compare", TWO_RELEASES),
        ],
    );
    let mut workflow = Workflow::scheduled("nightly", "17 3 * * *", "hostile", hostile);
    workflow.jobs.0.push(("selection", lives));
    workflow.jobs.0.push(("fleet", fleet));
    workflow.jobs.0.push(("package", package));
    workflow.jobs.0.push(("release", release));
    project
        .yaml(".github/workflows/nightly.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN);
}

/// A job that may take two hours.
fn job(name: &'static str, steps: Vec<Step>) -> Job {
    Job {
        name,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 120,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps,
        ..Job::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{FLEET, LIVES, PACKAGE};

    #[test]
    fn the_test_that_plays_lives_exists() {
        let tests = include_str!("../../../../extension/src/control/run/tests/storm/selection.rs");
        assert!(tests.contains(&format!("fn {LIVES}(")));
        assert!(tests.contains("\"SELECTION_LIVES\""));
    }

    #[test]
    fn the_test_that_installs_the_package_exists() {
        let tests = include_str!("../../commands/release/npm/tests.rs");
        assert!(tests.contains(&format!("fn {PACKAGE}(")) && tests.contains("\"PACKAGE_MATRIX\""));
    }

    #[test]
    fn the_tests_that_change_functions_exist() {
        assert!(include_str!("../../../../cli/src/fleet.rs").contains("\nmod tests;"), "{FLEET}");
        let crash = include_str!("../../../../cli/src/fleet/tests/crash.rs");
        let many = include_str!("../../../../cli/src/fleet/tests/many.rs");
        assert!(crash.contains("\"FLEET_SEEDS\"") && many.contains("\"FLEET_FUNCTIONS\""));
    }
}
