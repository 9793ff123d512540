//! The `CloudFormation` template for people without the CDK: the file that was reviewed and that the tests deploy.

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;

use super::Release;
use super::cli::document;
use crate::tools::build;

/// Name of the file in the release.
const FILE: &str = "kinesis-telemetry.template.yaml";
/// The file of this checkout.
const REVIEWED: &str = "infra-cdk/test/snapshots/kinesis-telemetry.template.yaml";

/// Puts the template into the folder, unless it deploys the layers of another release.
pub(super) fn write(release: &Release) -> Result<()> {
    let template = document(REVIEWED)?;
    let text = str::from_utf8(&template).with_context(|| format!("{REVIEWED} is not UTF-8"))?;
    check(text, release.version)?;
    release.write(FILE, &template)
}

/// Fails unless the template reads the layers from the folder of this version.
fn check(template: &str, version: &str) -> Result<()> {
    for architecture in Architecture::ALL {
        let key = format!("${{LayerPrefix}}{version}/{}\n", build::zip(architecture));
        if !template.contains(&key) {
            bail!(
                "{REVIEWED} is not about {version}, because it does not name the key {}: run cargo xtask synth, then UPDATE_EXPECT=1 npm test in infra-cdk",
                key.trim_end()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{REVIEWED, check, document};

    #[test]
    fn the_template_reads_the_layers_of_its_own_version_alone() {
        let template = String::from_utf8(document(REVIEWED).unwrap()).unwrap();
        check(&template, env!("CARGO_PKG_VERSION")).unwrap();
        let error = check(&template, "0.0.1").unwrap_err().to_string();
        assert!(error.contains("the key ${LayerPrefix}0.0.1/"), "{error}");
    }
}
