//! Jobs that publish. Each has the permissions for one destination, and first checks what is already there.

use extension_spec::deployment::Architecture;

use super::super::model::{Job, Map, Permissions, Step};
use super::super::steps;
use super::{ENVIRONMENT, LINUX, PROGRAMS, RELEASE, VERSIONS, hand_over, sha256, take};
use crate::project::{consumers, pins};
use crate::tools::build::{self, CHECKSUMS, PUBLISH};
use crate::tools::cdk;

/// This file, as the compiler names it.
pub(super) const DECLARED_IN: &str = file!();

/// The jobs before those of the registries.
const REGISTRIES: &[&str] = &["regions", "release", "programs"];
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
  if [ -e versions/layer-versions.json ] && ! gh release view \"$TAG\" --json assets --jq '.assets[].name' | grep -q layer-versions; then
    gh release upload \"$TAG\" versions/layer-versions.json
  fi
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

/// Takes the release, and fails if it is another one than the job `release` has made.
fn take_release() -> [Step; 2] {
    let check = format!(
        "test \"{}\" = \"$DIGEST\"\n\
         cd {RELEASE}\nsha256sum --check --strict {CHECKSUMS}\n",
        sha256(&format!("{RELEASE}/manifest.json {RELEASE}/{CHECKSUMS}"))
    );
    let check = Step::run("Check the release", check);
    [take(RELEASE, RELEASE), check.env([("DIGEST", "${{ needs.release.outputs.digest }}")])]
}

/// Takes our own programs, and fails if they are others than the job `programs` has built.
fn take_programs() -> [Step; 2] {
    let check = format!("test \"{}\" = \"$DIGEST\"\n", sha256("programs/*"));
    let check = Step::run("Check the programs", check);
    [take(PROGRAMS, PROGRAMS), check.env([("DIGEST", "${{ needs.programs.outputs.digest }}")])]
}

/// Fails unless the layers of the release, and those within the npm package, are the ones that both machines have built.
fn check_layers() -> Step {
    let check = format!(
        "test \"$LAYERS\" = \"$AGAIN\"\n\
         test \"$(sha256sum layers/{CHECKSUMS} | cut -d ' ' -f 1)\" = \"$LAYERS\"\n\
         (cd {RELEASE} && sha256sum --check --strict ../layers/{CHECKSUMS})\n\
         mkdir package\n\
         tar -xzf {RELEASE}/{}-*.tgz -C package --strip-components 2 package/layers\n\
         (cd package && sha256sum --check --strict --ignore-missing ../layers/{CHECKSUMS} && test \"$(ls | wc -l)\" = 3)\n",
        cdk::PACKAGE
    );
    Step::run("Check the layers", check).env([
        ("LAYERS", "${{ needs.layers.outputs.digest }}"),
        ("AGAIN", "${{ needs.again.outputs.digest }}"),
    ])
}

pub(super) fn attest() -> Job {
    let mut steps: Vec<Step> = take_release().into();
    steps.extend([
        take("layers", "layers"),
        check_layers(),
        Step::uses(
            "Attest where all files come from",
            pins::ATTEST,
            [("subject-path", format!("{RELEASE}/*"))],
        ),
    ]);
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
    job("Attest", &["release", "test", "layers", "again"], permissions, steps)
}

pub(super) fn regions() -> Job {
    let notice = "echo \"::notice::the variable AWS_PUBLISH_ROLE is not set, so no layers are published to AWS (docs/releasing.md)\"";
    let mut steps =
        vec![Step::run("Say that no layers are published", notice).only_if(HAS_NO_ROLE)];
    steps.extend(take_release().into_iter().chain(take_programs()).map(|it| it.only_if(HAS_ROLE)));
    steps.extend([
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
        Step::uses(
            "Attest which versions they are",
            pins::ATTEST,
            [("subject-path", "layer-versions.json")],
        )
        .only_if(HAS_ROLE),
        hand_over(VERSIONS, "layer-versions.json").only_if(HAS_ROLE),
    ]);
    let permissions = Map::from([
        ("id-token", "write", "to sign in without a secret, and to sign who publishes"),
        ("attestations", "write", "to store what is signed"),
    ]);
    job("Layers to AWS", &["attest", "programs", "release"], permissions, steps)
}

/// What the jobs of all registries begin with.
fn unpublished(registry: &'static str) -> Vec<Step> {
    let look = Step::run("See what the registry does not have", UNPUBLISHED);
    let look = look.env([("REGISTRY", registry)]);
    take_release().into_iter().chain(take_programs()).chain([look]).collect()
}

pub(super) fn npm() -> Job {
    let mut steps = unpublished("npm");
    steps.push(steps::node_of(pins::PUBLISHING_NODE));
    steps.push(Step::run("Publish", NPM));
    job("Packages to npm", REGISTRIES, signs_in(), steps)
}

pub(super) fn pypi() -> Job {
    let mut steps = unpublished("pypi");
    let publish = Step::uses("Publish", pins::PYPI_PUBLISH, [("packages-dir", "unpublished")]);
    steps.push(publish.only_if("${{ hashFiles('unpublished/*') != '' }}"));
    job("Packages to PyPI", REGISTRIES, signs_in(), steps)
}

pub(super) fn crates() -> Job {
    let is_due = "${{ hashFiles('unpublished/*') != '' }}";
    let mut steps = vec![steps::checkout(), steps::rust()];
    steps.extend(unpublished("crates"));
    let auth = Step::uses("Sign in", pins::CRATES_IO_AUTH, [("url", "https://crates.io")]);
    steps.push(auth.id("auth").only_if(is_due));
    steps.push(Step::run("Publish", CARGO).only_if(is_due).env([
        ("CARGO_REGISTRY_TOKEN", "${{ steps.auth.outputs.token }}"),
        ("CRATE", consumers::PACKAGE),
    ]));
    let permissions = Map::from([
        ("contents", "read", "to check out"),
        ("id-token", "write", "to sign in without a secret"),
    ]);
    job("Crate", REGISTRIES, permissions, steps)
}

pub(super) fn github() -> Job {
    let mut steps: Vec<Step> = take_release().into();
    steps.extend([
        take("notes", "notes"),
        take(VERSIONS, "versions").only_if(HAS_ROLE),
        Step::run("Publish", GITHUB).env([
            ("GH_TOKEN", "${{ github.token }}"),
            ("GH_REPO", "${{ github.repository }}"),
            ("TAG", "${{ github.ref_name }}"),
        ]),
    ]);
    let permissions = Map::from([("contents", "write", "to make the release")]);
    job("Release on GitHub", &["npm", "pypi", "crate", "release"], permissions, steps)
}
