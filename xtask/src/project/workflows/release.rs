//! `release`: on a tag, publishes everything that is used without this repository, with the proofs of its origin.
//!
//! Jobs that build have no rights, and jobs that have rights run nothing but programs that a job without npm has built, and each
//! registry's own client. No cache is read: a job that can write to a cache could change the release. Every step can be repeated:
//! docs/releasing.md.

mod build;
mod publish;

use xtask_synth::Project;

use super::model::{Concurrency, Map, On, Step, Workflow};
use crate::project::pins;

/// The folder of the release, and the name of the artifact that hands it over.
const RELEASE: &str = "release";
/// The artifact with our own programs for jobs that have rights.
const PROGRAMS: &str = "programs";
/// The artifact with the ARNs of all layer versions.
const VERSIONS: &str = "layer-versions";
/// The environment of jobs that have rights. Its reviewers approve a release.
const ENVIRONMENT: &str = "release";
const LINUX: &str = "ubuntu-24.04";

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
        jobs: Map::from([
            ("layers", build::layers()),
            ("again", build::again()),
            ("programs", build::programs()),
            ("macos", build::macos()),
            ("test", build::test()),
            ("release", build::release()),
            ("attest", publish::attest()),
            ("regions", publish::regions()),
            ("npm", publish::npm()),
            ("pypi", publish::pypi()),
            ("crate", publish::crates()),
            ("github", publish::github()),
        ]),
    };
    project
        .yaml(".github/workflows/release.yml", &workflow)
        .facts_from(file!())
        .facts_from(build::DECLARED_IN)
        .facts_from(publish::DECLARED_IN)
        .facts_from(pins::DECLARED_IN);
}

/// Hands a folder or file over to later jobs. A repeated run replaces what the one before has handed over.
fn hand_over(name: impl Into<String>, path: impl Into<String>) -> Step {
    let with = [
        ("name", name.into()),
        ("path", path.into()),
        ("if-no-files-found", "error".to_owned()),
        ("overwrite", "true".to_owned()),
    ];
    Step::uses("Hand over", pins::UPLOAD, with)
}

/// Takes what an earlier job has handed over, into a folder.
fn take(name: &'static str, folder: &'static str) -> Step {
    Step::uses(format!("Take {name}"), pins::DOWNLOAD, [("name", name), ("path", folder)])
}

/// Shell that prints the SHA-256 digest of these files, concatenated in the order of their names.
fn sha256(files: &str) -> String {
    format!("$(cat {files} | sha256sum | cut -d ' ' -f 1)")
}
