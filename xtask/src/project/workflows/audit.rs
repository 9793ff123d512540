//! `audit`: whether something that we depend on has become known to be broken. It asks databases, which a check of a
//! change must not depend on: an advisory turns up whenever it does.

use xtask_synth::Project;

use super::model::{Concurrency, Condition, Job, Map, On, Step, Workflow};
use super::steps;
use crate::project::{npm, pins};

pub(super) fn add(project: &mut Project) {
    let deny = pins::CARGO_DENY;
    let crates = Job {
        name: "Crates",
        needs: None,
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 30,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            Step::run(
                "Install cargo-deny",
                format!("cargo install --locked {}@{}", deny.name, deny.version),
            ),
            Step::run("Check advisories, licences and sources", "cargo deny check"),
        ],
    };
    let audits: String =
        npm::FOLDERS.iter().flat_map(|folder| ["npm --prefix ", folder, " audit\n"]).collect();
    let packages = Job {
        name: "npm packages",
        needs: None,
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 10,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![steps::checkout(), steps::node(), Step::run("Check advisories", audits)],
    };
    let changes = Map::from([
        ("branches", vec!["main"]),
        ("paths", vec!["Cargo.lock", "deny.toml", "**/package-lock.json"]),
    ]);
    let workflow = Workflow {
        name: "audit",
        on: Map::from([
            // Not on the hour, when everybody's run.
            ("schedule", On::Schedule([Map::from([("cron", "23 5 * * 1")])])),
            ("push", On::Only(changes)),
            ("workflow_dispatch", On::Always),
        ]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            group: "${{ github.workflow }}-${{ github.ref }}",
            cancel_in_progress: Condition::Fixed(true),
        }),
        jobs: Map::from([("crates", crates), ("packages", packages)]),
    };
    project.yaml(".github/workflows/audit.yml", &workflow).facts_from(file!());
}
