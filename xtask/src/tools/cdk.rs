//! The CDK app, `infra-cdk`: its packages, its compiler and its command-line tool, each as it is pinned.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;

use crate::support::process;
use crate::support::workspace;
use crate::tools::npm::{self, Packages};

/// A zip without a file.
const EMPTY_ZIP: [u8; 22] = *b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Where the app is.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("infra-cdk")
}

/// Installs its packages where TypeScript and editors look for them: beside it.
pub(crate) fn install() -> Result<()> {
    let packages = Packages {
        what: "the packages of infra-cdk",
        from: folder(),
        into: folder(),
        log: workspace::target_dir()?.join("npm-infra-cdk.log"),
        parts: &[
            "node_modules/typescript/package.json",
            "node_modules/aws-cdk-lib/package.json",
            "node_modules/aws-cdk/bin/cdk",
            "node_modules/cdk-nag/package.json",
        ],
    };
    packages.install()
}

/// Installs it and has it compiled.
pub(crate) fn compile() -> Result<()> {
    install()?;
    let mut tsc = Command::new("node");
    tsc.arg(folder().join("node_modules/typescript/bin/tsc")).current_dir(folder());
    let (exit, said) = process::output("tsc", &mut tsc)?;
    if !exit.success() {
        bail!("the TypeScript of infra-cdk does not compile:\n{}", said.trim());
    }
    Ok(())
}

/// The CDK's tool, of the version that is pinned: it knows what the library of that version writes.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut cdk = Command::new("node");
    cdk.arg(folder().join("node_modules/aws-cdk/bin/cdk")).args(arguments).current_dir(folder());
    // What it has to say about newer versions, and to AWS about itself.
    cdk.env("CDK_DISABLE_CLI_TELEMETRY", "true").env("NODE_NO_WARNINGS", "1");
    cdk
}

/// A folder with zips that hold nothing, where the app has to be read and nothing is deployed.
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
        .map(|name| format!("{name}.zip"))
}
