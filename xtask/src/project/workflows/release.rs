//! `release`: on a tag, the layer zips of that commit, with what it takes to trust them.
//!
//! One job builds and has no rights; another publishes and runs nothing of ours. No cache is read: whoever can write one
//! would be writing the release.

use extension_spec::deployment::Architecture;
use xtask_synth::Project;

use super::model::{Concurrency, Condition, Job, Map, On, Step, Workflow};
use super::steps;
use crate::project::pins;

/// Where `cargo xtask package` puts everything.
const LAYERS: &str = "target/layers";
const ARTIFACT: &str = "layers";

pub(super) fn add(project: &mut Project) {
    let tags = Map::from([("tags", vec!["v*"])]);
    let workflow = Workflow {
        name: "release",
        on: Map::from([("push", On::Only(tags))]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            group: "${{ github.workflow }}-${{ github.ref }}",
            // Half a release is worse than a late one.
            cancel_in_progress: Condition::Fixed(false),
        }),
        jobs: Map::from([("package", package()), ("publish", publish())]),
    };
    project.yaml(".github/workflows/release.yml", &workflow).facts_from(file!());
}

fn package() -> Job {
    Job {
        name: "Package",
        needs: None,
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 60,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::python(),
            Step::run("Package both layers", "cargo xtask package"),
            Step::uses(
                "Hand them over",
                pins::UPLOAD,
                [("name", ARTIFACT), ("path", LAYERS), ("if-no-files-found", "error")],
            ),
        ],
    }
}

fn publish() -> Job {
    let mut steps = vec![
        Step::uses("Take them", pins::DOWNLOAD, [("name", ARTIFACT), ("path", ARTIFACT)]),
        Step::run("Check the checksums", "cd layers\nsha256sum --check SHA256SUMS\n"),
        Step::uses("Attest where they come from", pins::ATTEST, [("subject-path", "layers/*.zip")]),
    ];
    steps.extend(Architecture::ALL.map(|architecture| {
        let layer = architecture.layer();
        Step::uses(
            "Attest what is in them",
            pins::ATTEST,
            [
                ("subject-path", format!("{ARTIFACT}/{layer}.zip")),
                ("sbom-path", format!("{ARTIFACT}/{layer}.cdx.json")),
            ],
        )
    }));
    let release = "gh release create \"$TAG\" --repo \"$REPOSITORY\" --verify-tag --generate-notes layers/*\n";
    steps.push(Step::run("Publish", release).env([
        ("GH_TOKEN", "${{ github.token }}"),
        ("REPOSITORY", "${{ github.repository }}"),
        ("TAG", "${{ github.ref_name }}"),
    ]));
    Job {
        name: "Publish",
        needs: Some("package"),
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 10,
        permissions: Map::from([
            ("contents", "write", "to make the release"),
            ("id-token", "write", "to sign who builds"),
            ("attestations", "write", "to store what is signed"),
        ]),
        steps,
    }
}
