//! `audit`: checks dependencies against databases of advisories. A check of a change must not depend on these, because advisories
//! appear at any time.

use xtask_synth::Project;

use super::model::{Concurrency, Job, Map, On, Step, Workflow};
use super::steps;
use crate::project::{npm, pins};

pub(super) fn add(project: &mut Project) {
    let deny = pins::CARGO_DENY;
    let crates = Job {
        name: "Crates",
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
        ..Job::default()
    };
    // Only the CDK can fix the packages that it bundles, so only advisories of level high and above fail.
    let audit = |folder: &str| format!("npm --prefix {folder} audit --audit-level=high");
    let audits = npm::FOLDERS
        .iter()
        // Advisories on old versions of the CDK are for the apps that use one.
        .filter(|it| **it != npm::OLDEST_CDK)
        .map(|it| Step::run(format!("Check {it}/package-lock.json"), audit(it)).anyway());
    let packages = Job {
        name: "npm packages",
        runs_on: "ubuntu-24.04",
        timeout_minutes: 10,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: [steps::checkout(), steps::node()].into_iter().chain(audits).collect(),
        ..Job::default()
    };
    let changes = Map::from([
        ("branches", vec!["main"]),
        ("paths", vec!["Cargo.lock", "deny.toml", "**/package-lock.json"]),
    ]);
    let workflow = Workflow {
        name: "audit",
        on: Map::from([
            // Not on the hour, when most scheduled workflows start.
            ("schedule", On::Schedule([Map::from([("cron", "23 5 * * 1")])])),
            ("push", On::Only(changes)),
            ("workflow_dispatch", On::Always),
        ]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            group: "${{ github.workflow }}-${{ github.ref }}",
            cancel_in_progress: true,
        }),
        jobs: Map::from([("crates", crates), ("packages", packages)]),
    };
    project
        .yaml(".github/workflows/audit.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN);
}
