//! `release`: on a tag, the layer zips of that commit, with what it takes to trust them.
//!
//! One job builds and has no rights; another publishes and runs nothing of ours. No cache is read: whoever can write one
//! would be writing the release.

use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::{self, Architecture};
use xtask_synth::Project;

use super::model::{Concurrency, Job, Map, On, Step, Workflow};
use super::steps;
use crate::project::pins;
use crate::tools::build::{self, CHECKSUMS, LAYERS};

/// `path+file:///…#NAME@VERSION` is what cargo says.
const VERSION: &str = "\
id=$(cargo pkgid --package \"$EXTENSION\")
if [ \"$TAG\" != \"v${id##*[@#]}\" ]; then
  echo \"the tag $TAG does not name the version in Cargo.toml ($id)\" >&2
  exit 1
fi
";

pub(super) fn add(project: &mut Project) {
    let tags = Map::from([("tags", vec!["v*"])]);
    let workflow = Workflow {
        name: "release",
        on: Map::from([("push", On::Only(tags))]),
        permissions: Map::default(),
        concurrency: Some(Concurrency {
            group: "${{ github.workflow }}-${{ github.ref }}",
            // Half a release is worse than a late one.
            cancel_in_progress: false,
        }),
        jobs: Map::from([("package", package()), ("publish", publish())]),
    };
    project
        .yaml(".github/workflows/release.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN)
        .facts_from(deployment::DECLARED_IN);
}

fn package() -> Job {
    Job {
        name: "Package",
        needs: None,
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 90,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            Step::run("Check that the tag names the version", VERSION)
                .env([("TAG", "${{ github.ref_name }}"), ("EXTENSION", EXTENSION_NAME)]),
            steps::rust(),
            steps::node(),
            steps::python(),
            steps::own_roots(),
            // It packages, too: what is released has passed, on the machine that it is released from.
            Step::run("Check and package everything", "cargo xtask ci"),
            Step::uses(
                "Hand them over",
                pins::UPLOAD,
                [
                    ("name", LAYERS.to_owned()),
                    // Not the test function.
                    (
                        "path",
                        format!(
                            "target/{LAYERS}/{EXTENSION_NAME}-*\ntarget/{LAYERS}/{CHECKSUMS}\n"
                        ),
                    ),
                    ("if-no-files-found", "error".to_owned()),
                ],
            ),
        ],
    }
}

fn publish() -> Job {
    let mut steps = vec![
        Step::uses("Take them", pins::DOWNLOAD, [("name", LAYERS), ("path", LAYERS)]),
        Step::run("Check the checksums", format!("cd {LAYERS}\nsha256sum --check {CHECKSUMS}\n")),
        Step::uses(
            "Attest where they come from",
            pins::ATTEST,
            [("subject-path", format!("{LAYERS}/*.zip"))],
        ),
    ];
    steps.extend(Architecture::ALL.map(|architecture| {
        Step::uses(
            format!("Attest what is in the layer for {}", architecture.name()),
            pins::ATTEST,
            [
                ("subject-path", format!("{LAYERS}/{}", build::zip(architecture))),
                ("sbom-path", format!("{LAYERS}/{}", build::sbom(architecture))),
            ],
        )
    }));
    let release = format!(
        "gh release create \"$TAG\" --repo \"$REPOSITORY\" --verify-tag --generate-notes {LAYERS}/*\n"
    );
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
