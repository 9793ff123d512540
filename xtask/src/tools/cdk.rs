//! The CDK app, `infra-cdk`, and the package of constructs that it imports, `cdk`: what npm installs for them, their compiler
//! and the CDK's command-line tool, each as it is pinned.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::deployment::{Architecture, COMPLETENESS_FUNCTION};

#[cfg(test)]
use crate::project::npm::{JSII, OLDEST_CDK};
use crate::support::lock::locked;
use crate::support::process;
use crate::support::workspace;
use crate::tools::npm::{self, Packages};

/// Arguments with which the CDK's tool deploys all stacks of the app.
pub(crate) const DEPLOY: [&str; 6] =
    ["deploy", "--all", "--require-approval", "never", "--progress", "events"];
/// Arguments with which it compares all stacks with the deployed ones. Without the name of a stack it takes all of them.
pub(crate) const DIFF: [&str; 1] = ["diff"];
/// Arguments with which it deletes all stacks.
pub(crate) const DESTROY: [&str; 3] = ["destroy", "--all", "--force"];
/// The argument with which it prepares an account and a region; the next one names these.
pub(crate) const BOOTSTRAP: [&str; 1] = ["bootstrap"];

/// A zip without a file.
const EMPTY_ZIP: [u8; 22] = *b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Returns the folder of the app.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("infra-cdk")
}

/// The name by which apps import the constructs.
pub(crate) const PACKAGE: &str = "kinesis-telemetry-cdk";

/// Returns the folder of the package that holds the constructs.
pub(crate) fn constructs() -> PathBuf {
    workspace::root().join("cdk")
}

/// Returns a path below the `node_modules` of both.
pub(crate) fn installed(path: &str) -> PathBuf {
    workspace::root().join("node_modules").join(path)
}

/// Installs the npm packages of both in the root of the repository, where Node, TypeScript and editors find them.
pub(crate) fn install() -> Result<()> {
    let packages = Packages {
        what: "the packages of cdk and infra-cdk",
        from: workspace::root().to_owned(),
        into: workspace::root().to_owned(),
        log: workspace::target_dir()?.join("npm-cdk.log"),
        parts: &[
            "node_modules/kinesis-telemetry-cdk/package.json",
            "node_modules/typescript/package.json",
            "node_modules/aws-cdk-lib/package.json",
            "node_modules/aws-cdk/bin/cdk",
            "node_modules/cdk-nag/package.json",
            "node_modules/yaml/package.json",
        ],
    };
    packages.install()
}

/// Installs the oldest CDK and the oldest TypeScript that the package of constructs allows, under `target/oldest-cdk`, and returns its `node_modules`.
#[cfg(test)]
pub(crate) fn install_oldest() -> Result<PathBuf> {
    let into = workspace::target_dir()?.join("oldest-cdk");
    let packages = Packages {
        what: "the oldest CDK",
        from: workspace::root().join(OLDEST_CDK),
        log: into.join("npm.log"),
        into,
        parts: &[
            "node_modules/aws-cdk-lib/package.json",
            "node_modules/constructs/package.json",
            "node_modules/typescript/package.json",
        ],
    };
    npm::make(&packages.into)?;
    packages.install()?;
    Ok(packages.into.join("node_modules"))
}

/// Installs jsii and its generator of documents, under `target/jsii`, and returns their `node_modules`.
#[cfg(test)]
pub(crate) fn install_jsii() -> Result<PathBuf> {
    let into = workspace::target_dir()?.join("jsii");
    let packages = Packages {
        what: "jsii",
        from: workspace::root().join(JSII),
        log: into.join("npm.log"),
        into,
        parts: &["node_modules/jsii/bin/jsii", "node_modules/jsii-docgen/bin/jsii-docgen"],
    };
    npm::make(&packages.into)?;
    packages.install()?;
    Ok(packages.into.join("node_modules"))
}

/// Installs and compiles the app, and before it the package that it refers to. A lock separates two commands, because one would
/// write the declarations that the other reads.
pub(crate) fn compile() -> Result<()> {
    install()?;
    let _one_at_a_time = locked(&workspace::target_dir()?.join("tsc-cdk.lock"))?;
    let (exit, said) = process::output("tsc", tsc().arg("--build").current_dir(folder()))?;
    if !exit.success() {
        bail!("the TypeScript of cdk and infra-cdk does not compile:\n{}", said.trim());
    }
    Ok(())
}

/// Returns the TypeScript compiler, of the version that is pinned. [`install`] installs it.
pub(crate) fn tsc() -> Command {
    let mut tsc = Command::new("node");
    tsc.arg(installed("typescript/bin/tsc"));
    tsc
}

/// Returns the pinned version of the CDK's tool, which can read what that version of the library writes.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut cdk = Command::new("node");
    cdk.arg(installed("aws-cdk/bin/cdk")).args(arguments).current_dir(folder());
    // Turns off its notices about newer versions, and its telemetry to AWS.
    cdk.env("CDK_DISABLE_CLI_TELEMETRY", "true").env("NODE_NO_WARNINGS", "1");
    cdk
}

/// Returns a folder with empty zips, for commands that read the app and deploy nothing.
pub(crate) fn stand_ins(target: &Path) -> Result<PathBuf> {
    let folder = target.join("cdk/stand-ins");
    npm::make(&folder)?;
    for zip in zips() {
        let path = folder.join(zip);
        fs::write(&path, EMPTY_ZIP)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(folder)
}

/// Names of the zips that the app deploys.
pub(crate) fn zips() -> impl Iterator<Item = String> {
    Architecture::ALL
        .into_iter()
        .flat_map(|it| [it.layer(), it.test_function()])
        .chain([COMPLETENESS_FUNCTION.to_owned()])
        .map(|name| format!("{name}.zip"))
}
