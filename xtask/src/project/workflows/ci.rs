//! `ci`: runs the checks that a change must pass, on every kind of machine that developers use.

use xtask_synth::Project;

use super::model::{Concurrency, Job, Map, On, Step, Strategy, Workflow};
use super::steps;
use crate::project::pins;
use crate::tools::{self, NODE_MAJOR, PYTHON_MINOR};

/// A runner of GitHub's, and what runs there.
struct Machine {
    name: &'static str,
    runner: &'static str,
    rust: &'static str,
    node: String,
    python: String,
    command: &'static str,
}

/// Every kind of machine with the pinned tools, and one with the oldest that README.md promises.
fn machines() -> Vec<Machine> {
    let pinned = |name, runner| Machine {
        name,
        runner,
        rust: pins::RUST.version,
        node: pins::NODE.to_owned(),
        python: pins::PYTHON.to_owned(),
        command: "ci",
    };
    let oldest = Machine {
        rust: env!("CARGO_PKG_RUST_VERSION"),
        node: NODE_MAJOR.to_string(),
        python: format!("3.{PYTHON_MINOR}"),
        // Lints are those of the pinned Rust.
        command: "test",
        ..pinned("Linux x86_64, oldest tools", "ubuntu-24.04")
    };
    vec![
        pinned("Linux x86_64", "ubuntu-24.04"),
        pinned("Linux arm64", "ubuntu-24.04-arm"),
        pinned("macOS arm64", "macos-15"),
        oldest,
    ]
}

pub(super) fn add(project: &mut Project) {
    let row = |machine: Machine| {
        let Machine { name, runner, rust, node, python, command } = machine;
        let fixed = [("name", name), ("runner", runner), ("rust", rust), ("command", command)];
        let fixed = fixed.map(|(key, value)| (key, value.to_owned()));
        Map(fixed.into_iter().chain([("node", node), ("python", python)]).collect())
    };
    let machines = machines().into_iter().map(row).collect();
    let check = Job {
        name: "${{ matrix.name }}",
        strategy: Some(Strategy {
            // A failure on only one machine must not cancel the others, because it is informative.
            fail_fast: false,
            matrix: Map::from([("include", machines)]),
        }),
        runs_on: "${{ matrix.runner }}",
        timeout_minutes: 60,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust_of("${{ matrix.rust }}"),
            steps::node_of("${{ matrix.node }}"),
            steps::python_of("${{ matrix.python }}"),
            cache(),
            steps::own_roots(),
            Step::run("Check everything", "cargo xtask \"$COMMAND\"")
                .env([("COMMAND", "${{ matrix.command }}")]),
        ],
        ..Job::default()
    };
    let main = Map::from([("branches", vec!["main"])]);
    let workflow = Workflow {
        name: "ci",
        on: Map::from([("push", On::Only(main)), ("pull_request", On::Always)]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            // A pull request's new commit ends the check of its old one; on main every commit gets its answer.
            group: "${{ github.workflow }}-${{ github.event.pull_request.number || github.sha }}",
            cancel_in_progress: true,
        }),
        jobs: Map::from([("check", check)]),
    };
    project
        .yaml(".github/workflows/ci.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN)
        .facts_from(tools::DECLARED_IN)
        .facts_from("Cargo.toml");
}

/// Caches cargo's downloads. Its builds are larger than a new build is long.
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
