//! Jobs that publish. Each has the permissions for one destination, and first checks what is already there.

use extension_spec::deployment::Architecture;

use super::super::model::{Job, Map, Permissions, Step};
use super::super::steps;
use super::{ENVIRONMENT, LINUX, PROGRAMS, RELEASE, VERSIONS, hand_over, take};
use crate::project::pins;
use crate::tools::build::{self, CHECKSUMS, PUBLISH};

/// This file, as the compiler names it.
pub(super) const DECLARED_IN: &str = file!();

/// The crate of the consumers.
const CRATE: &str = "kinesis-telemetry-consumer";
/// The region of the login. Layers go to all regions of a list.
const LOGIN_REGION: &str = "us-east-1";

const HAS_ROLE: &str = "${{ vars.AWS_PUBLISH_ROLE != '' }}";
const HAS_NO_ROLE: &str = "${{ vars.AWS_PUBLISH_ROLE == '' }}";

/// Publishes the layers, with options for the variables that are set.
const LAYERS: &str = "\
set -- release --canary-role \"$CANARY_ROLE\" --into layer-versions.json
if [ -n \"$REGIONS\" ]; then
  set -- \"$@\" --regions \"$REGIONS\"
else
  set -- \"$@\" --regions-file programs/regions.txt
fi
if [ -n \"$SIGNING_PROFILE\" ]; then
  set -- \"$@\" --signing-profile \"$SIGNING_PROFILE\" --signing-bucket \"$SIGNING_BUCKET\"
fi
if [ -n \"$ORGANIZATION\" ]; then
  set -- \"$@\" --organization \"$ORGANIZATION\"
fi
chmod +x \"programs/$PROGRAM\"
\"programs/$PROGRAM\" \"$@\"
";

/// Puts the packages that a registry does not have into a folder.
const UNPUBLISHED: &str = "\
chmod +x programs/xtask
programs/xtask unpublished \"$REGISTRY\" release --into unpublished
";

const NPM: &str = "\
for package in unpublished/*.tgz; do
  [ -e \"$package\" ] || continue
  npm publish \"./$package\" --access public --ignore-scripts
done
";

const CARGO: &str = "\
cargo package --locked --no-verify --package \"$CRATE\"
for package in unpublished/*.crate; do
  cmp \"$package\" \"target/package/${package##*/}\"
done
cargo publish --locked --no-verify --package \"$CRATE\"
";

/// Makes the release as a draft, and publishes it when it has all files. One that is published is not touched.
const GITHUB: &str = "\
if [ \"$(gh release view \"$TAG\" --json isDraft --jq .isDraft 2> /dev/null)\" = false ]; then
  echo \"::notice::the release $TAG is published already\"
  exit 0
fi
gh release view \"$TAG\" > /dev/null 2>&1 || gh release create \"$TAG\" --draft --verify-tag --title \"$TAG\" --notes-file notes/notes.md
gh release upload \"$TAG\" --clobber release/*
if [ -e versions/layer-versions.json ]; then
  gh release upload \"$TAG\" --clobber versions/layer-versions.json
fi
gh release edit \"$TAG\" --draft=false
";

fn signs_in() -> Permissions {
    Map::from([("id-token", "write", "to sign in without a secret")])
}

/// A job with rights, after others.
fn job(
    name: &'static str,
    needs: &'static [&'static str],
    permissions: Permissions,
    steps: Vec<Step>,
) -> Job {
    Job {
        name,
        needs,
        environment: Some(ENVIRONMENT),
        runs_on: LINUX,
        timeout_minutes: 30,
        permissions,
        steps,
        ..Job::default()
    }
}

pub(super) fn attest() -> Job {
    let check = format!("cd {RELEASE}\nsha256sum --check --strict {CHECKSUMS}\n");
    let mut steps = vec![
        take(RELEASE, RELEASE),
        Step::run("Check the checksums", check),
        Step::uses(
            "Attest where all files come from",
            pins::ATTEST,
            [("subject-path", format!("{RELEASE}/*"))],
        ),
    ];
    steps.extend(Architecture::ALL.map(|architecture| {
        Step::uses(
            format!("Attest what is in the layer for {}", architecture.name()),
            pins::ATTEST,
            [
                ("subject-path", format!("{RELEASE}/{}", build::zip(architecture))),
                ("sbom-path", format!("{RELEASE}/{}", build::sbom(architecture))),
            ],
        )
    }));
    let permissions = Map::from([
        ("id-token", "write", "to sign who builds"),
        ("attestations", "write", "to store what is signed"),
    ]);
    job("Attest", &["release", "test"], permissions, steps)
}

pub(super) fn regions() -> Job {
    let notice = "echo \"::notice::the variable AWS_PUBLISH_ROLE is not set, so no layers are published to AWS (docs/releasing.md)\"";
    let steps = vec![
        Step::run("Say that no layers are published", notice).only_if(HAS_NO_ROLE),
        take(RELEASE, RELEASE).only_if(HAS_ROLE),
        take(PROGRAMS, PROGRAMS).only_if(HAS_ROLE),
        Step::uses(
            "Sign in to AWS",
            pins::AWS_CREDENTIALS,
            [("role-to-assume", "${{ vars.AWS_PUBLISH_ROLE }}"), ("aws-region", LOGIN_REGION)],
        )
        .only_if(HAS_ROLE),
        Step::run("Publish the layers", LAYERS).only_if(HAS_ROLE).env([
            ("PROGRAM", PUBLISH),
            ("CANARY_ROLE", "${{ vars.AWS_CANARY_ROLE }}"),
            ("REGIONS", "${{ vars.AWS_REGIONS }}"),
            ("SIGNING_PROFILE", "${{ vars.AWS_SIGNING_PROFILE }}"),
            ("SIGNING_BUCKET", "${{ vars.AWS_SIGNING_BUCKET }}"),
            ("ORGANIZATION", "${{ vars.AWS_ORGANIZATION }}"),
        ]),
        hand_over(VERSIONS, "layer-versions.json").only_if(HAS_ROLE),
    ];
    job("Layers to AWS", &["attest", "programs"], signs_in(), steps)
}

/// What the jobs of all registries begin with.
fn unpublished(registry: &'static str) -> Vec<Step> {
    vec![
        take(RELEASE, RELEASE),
        take(PROGRAMS, PROGRAMS),
        Step::run("See what the registry does not have", UNPUBLISHED).env([("REGISTRY", registry)]),
    ]
}

pub(super) fn npm() -> Job {
    let mut steps = unpublished("npm");
    steps.push(steps::node_of(pins::PUBLISHING_NODE));
    steps.push(Step::run("Publish", NPM));
    job("Packages to npm", &["regions"], signs_in(), steps)
}

pub(super) fn pypi() -> Job {
    let mut steps = unpublished("pypi");
    let publish = Step::uses("Publish", pins::PYPI_PUBLISH, [("packages-dir", "unpublished")]);
    steps.push(publish.only_if("${{ hashFiles('unpublished/*') != '' }}"));
    job("Packages to PyPI", &["regions"], signs_in(), steps)
}

pub(super) fn crates() -> Job {
    let is_due = "${{ hashFiles('unpublished/*') != '' }}";
    let mut steps = vec![steps::checkout(), steps::rust()];
    steps.extend(unpublished("crates"));
    let auth = Step::uses("Sign in", pins::CRATES_IO_AUTH, [("url", "https://crates.io")]);
    steps.push(auth.id("auth").only_if(is_due));
    steps.push(
        Step::run("Publish", CARGO)
            .only_if(is_due)
            .env([("CARGO_REGISTRY_TOKEN", "${{ steps.auth.outputs.token }}"), ("CRATE", CRATE)]),
    );
    let permissions = Map::from([
        ("contents", "read", "to check out"),
        ("id-token", "write", "to sign in without a secret"),
    ]);
    job("Crate", &["regions"], permissions, steps)
}

pub(super) fn github() -> Job {
    let steps = vec![
        take(RELEASE, RELEASE),
        take("notes", "notes"),
        take(VERSIONS, "versions").only_if(HAS_ROLE),
        Step::run("Publish", GITHUB).env([
            ("GH_TOKEN", "${{ github.token }}"),
            ("GH_REPO", "${{ github.repository }}"),
            ("TAG", "${{ github.ref_name }}"),
        ]),
    ];
    let permissions = Map::from([("contents", "write", "to make the release")]);
    job("Release on GitHub", &["npm", "pypi", "crate"], permissions, steps)
}
