//! `ci`: what must pass before a change is taken, on every kind of machine that people develop on.

use xtask_synth::Project;

use super::model::{Concurrency, Condition, Job, Map, On, Step, Strategy, Workflow};
use super::steps;
use crate::project::pins;

/// Runners of GitHub, and what they are.
const MACHINES: [(&str, &str); 3] = [
    ("Linux x86_64", "ubuntu-24.04"),
    ("Linux arm64", "ubuntu-24.04-arm"),
    ("macOS arm64", "macos-15"),
];

pub(super) fn add(project: &mut Project) {
    let machines = MACHINES.map(|(name, runner)| Map::from([("name", name), ("runner", runner)]));
    let check = Job {
        name: "${{ matrix.name }}",
        needs: None,
        strategy: Some(Strategy {
            // What fails on one machine only is the more interesting case.
            fail_fast: false,
            matrix: Map::from([("include", machines.into())]),
        }),
        runs_on: "${{ matrix.runner }}",
        timeout_minutes: 60,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            cache(),
            Step::run("Check everything", "cargo xtask ci"),
        ],
    };
    let main = Map::from([("branches", vec!["main"])]);
    let workflow = Workflow {
        name: "ci",
        on: Map::from([("push", On::Only(main)), ("pull_request", On::Always)]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            group: "${{ github.workflow }}-${{ github.ref }}",
            // On main every commit gets its answer.
            cancel_in_progress: Condition::Expression("${{ github.ref != 'refs/heads/main' }}"),
        }),
        jobs: Map::from([("check", check)]),
    };
    project.yaml(".github/workflows/ci.yml", &workflow).facts_from(file!());
}

/// What cargo has downloaded; what it has built is larger than what building it again costs.
fn cache() -> Step {
    Step::uses(
        "Keep what cargo downloads",
        pins::CACHE,
        [
            ("path", "~/.cargo/registry\n~/.cargo/git/db\n"),
            ("key", "cargo-${{ runner.os }}-${{ runner.arch }}-${{ hashFiles('Cargo.lock') }}"),
            ("restore-keys", "cargo-${{ runner.os }}-${{ runner.arch }}-\n"),
        ],
    )
}
