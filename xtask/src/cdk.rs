//! The CDK app: `infra-cdk`.

use anyhow::Result;

use crate::npm::Packages;
use crate::workspace;

/// Installs its packages where TypeScript and editors look for them: beside it.
pub(crate) fn install() -> Result<()> {
    let folder = workspace::root().join("infra-cdk");
    let packages = Packages {
        what: "the packages of infra-cdk",
        from: folder.clone(),
        into: folder,
        log: workspace::target_dir()?.join("npm-infra-cdk.log"),
        parts: &["node_modules/typescript/package.json", "node_modules/aws-cdk-lib/package.json"],
    };
    packages.install()
}
