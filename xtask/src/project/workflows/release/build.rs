//! Jobs that build and test. They have no rights.

use super::super::model::{Job, Map, Permissions, Step, Strategy};
use super::super::steps;
use super::{LINUX, PROGRAMS, RELEASE, hand_over, sha256, take};
use crate::tools::build::{CHECKSUMS, LAYERS, PUBLISH};

/// This file, as the compiler names it.
pub(super) const DECLARED_IN: &str = file!();

/// Folders outside of the checkout, which must be as the commit has it.
const ELSEWHERE: &str = "${{ runner.temp }}";

/// Fails if the two builds of the layers differ.
const COMPARE: &str = "\
if ! diff \"$ELSEWHERE/layers/$CHECKSUMS\" \"$ELSEWHERE/again/$CHECKSUMS\"; then
  echo \"::error::two builds of the layers differ: nothing is released\"
  exit 1
fi
(cd \"$ELSEWHERE/layers\" && sha256sum --check --strict \"$CHECKSUMS\")
";

/// Makes the release out of what other jobs have made.
const MAKE: &str = "\
cargo xtask release --tag \"$TAG\" --made \"$ELSEWHERE/layers\" --made \"$ELSEWHERE/macos\" --into \"$ELSEWHERE/release\"
cargo xtask release --check \"$ELSEWHERE/release\"
cargo xtask release --notes > \"$ELSEWHERE/notes.md\"
";

/// Hands the digest of these files over, concatenated in the order of their names. An artifact can be replaced by any job of a run;
/// an output of a job cannot.
fn digest(files: &str) -> Step {
    let digest = format!("echo \"digest={}\" >> \"$GITHUB_OUTPUT\"\n", sha256(files));
    Step::run("Hand over its digest", digest).id("digest")
}

/// Hands the digest of the release over. The release lies outside of the checkout.
fn digest_elsewhere() -> Step {
    digest(&format!("\"$ELSEWHERE/release/manifest.json\" \"$ELSEWHERE/release/{CHECKSUMS}\""))
        .env([("ELSEWHERE", ELSEWHERE)])
}

fn outputs() -> Map<&'static str> {
    Map::from([("digest", "${{ steps.digest.outputs.digest }}")])
}

fn reads() -> Permissions {
    Map::from([("contents", "read", "to check out")])
}

/// Builds the layers with a compiler and nothing else: Rust, and Zig out of its Python package. Hands `files` over.
fn builds_layers(name: &'static str, artifact: &'static str, files: String) -> Job {
    Job {
        name,
        outputs: outputs(),
        runs_on: LINUX,
        timeout_minutes: 60,
        permissions: reads(),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::python(),
            Step::run("Build the layers", "cargo xtask package"),
            digest(&format!("target/{LAYERS}/{CHECKSUMS}")),
            hand_over(artifact, files),
        ],
        ..Job::default()
    }
}

pub(super) fn layers() -> Job {
    builds_layers("Layers", "layers", format!("target/{LAYERS}"))
}

pub(super) fn again() -> Job {
    builds_layers("Layers, on a second machine", "again", format!("target/{LAYERS}/{CHECKSUMS}"))
}

pub(super) fn programs() -> Job {
    let build = format!(
        "cargo build --locked --release --package xtask --package {PUBLISH}\nmkdir programs\ncp target/release/xtask target/release/{PUBLISH} xtask/publish/regions.txt programs\n"
    );
    Job {
        name: "Programs that publish",
        outputs: outputs(),
        runs_on: LINUX,
        timeout_minutes: 60,
        permissions: reads(),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            Step::run("Build them", build),
            digest("programs/*"),
            hand_over(PROGRAMS, PROGRAMS),
        ],
        ..Job::default()
    }
}

pub(super) fn macos() -> Job {
    let row = Map(vec![("runner", "macos-15".to_owned()), ("name", "macOS arm64".to_owned())]);
    Job {
        name: "CLI for ${{ matrix.name }}",
        strategy: Some(Strategy { fail_fast: false, matrix: Map::from([("include", vec![row])]) }),
        runs_on: "${{ matrix.runner }}",
        timeout_minutes: 60,
        permissions: reads(),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::python(),
            Step::run("Build it", "cargo xtask release --cli --into target/macos"),
            hand_over("cli-${{ matrix.runner }}", "target/macos"),
        ],
        ..Job::default()
    }
}

pub(super) fn test() -> Job {
    Job {
        name: "Test",
        runs_on: LINUX,
        timeout_minutes: 90,
        permissions: reads(),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            steps::own_roots(),
            Step::run("Check everything", "cargo xtask ci"),
        ],
        ..Job::default()
    }
}

pub(super) fn release() -> Job {
    let environment = [("ELSEWHERE", ELSEWHERE), ("CHECKSUMS", CHECKSUMS)];
    let folder = |name: &str| format!("{ELSEWHERE}/{name}");
    Job {
        name: "Release",
        outputs: outputs(),
        needs: &["layers", "again", "macos"],
        runs_on: LINUX,
        timeout_minutes: 60,
        permissions: reads(),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            take("layers", "${{ runner.temp }}/layers"),
            take("again", "${{ runner.temp }}/again"),
            take("cli-macos-15", "${{ runner.temp }}/macos"),
            Step::run("Compare both builds of the layers", COMPARE).env(environment),
            Step::run("Make the release", MAKE)
                .env([("ELSEWHERE", ELSEWHERE), ("TAG", "${{ github.ref_name }}")]),
            digest_elsewhere(),
            hand_over(RELEASE, folder("release")),
            hand_over("notes", folder("notes.md")),
        ],
        ..Job::default()
    }
}
