//! The layers of a deployment, and those that a function has. Pure.

use anyhow::{Context, Result, bail};
use aws_sdk_lambda::types::FunctionConfiguration;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_terminal::plain;

use crate::deployment::Values;

/// A version of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LayerVersion {
    /// ARN of the layer, without the version.
    layer: String,
    version: i64,
}

/// The layer versions that a deployment publishes, by architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published(Vec<(Architecture, LayerVersion)>);

/// A layer of the deployment that a function has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// The architecture of the layer.
    pub(crate) architecture: Architecture,
    pub(crate) version: i64,
    /// Number of versions behind the published one; negative if the published one is older.
    pub(crate) behind: i64,
    /// ARN of the layer version.
    pub(crate) arn: String,
}

impl LayerVersion {
    /// Parses `arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION`.
    fn parse(arn: &str) -> Option<Self> {
        let (layer, version) = arn.rsplit_once(':')?;
        let is_layer = layer.starts_with("arn:") && layer.split(':').nth(5) == Some("layer");
        let version = version.parse().ok().filter(|_| is_layer)?;
        Some(Self { layer: layer.to_owned(), version })
    }
}

impl Published {
    /// Returns the layers that a deployment publishes. Fails if it publishes none.
    pub(crate) fn of(values: &Values) -> Result<Self> {
        let mut versions = Vec::new();
        for architecture in Architecture::ALL {
            let key = match architecture {
                Architecture::X86_64 => "layerArnX86_64",
                Architecture::Arm64 => "layerArnArm64",
            };
            let Some(arn) = values.0.get(key) else { continue };
            let version = LayerVersion::parse(arn).with_context(|| {
                format!(
                    "the deployment publishes \"{}\" as its {} layer, which is not the ARN of a layer version: deploy it again",
                    plain(arn),
                    architecture.name()
                )
            })?;
            versions.push((architecture, version));
        }
        if versions.is_empty() {
            bail!("the deployment publishes no layer: deploy it again");
        }
        Ok(Self(versions))
    }

    /// Returns the layers of the deployment that a function has, in their order.
    pub(crate) fn attached(&self, function: &FunctionConfiguration) -> Vec<Attached> {
        self.among(function.layers().iter().filter_map(|it| it.arn()))
    }

    /// Returns the layers of the deployment among these ARNs of layer versions, in their order.
    pub(crate) fn among<'a>(&self, arns: impl Iterator<Item = &'a str>) -> Vec<Attached> {
        let attached = |arn: &str| {
            let LayerVersion { layer, version } = LayerVersion::parse(arn)?;
            let (architecture, published) = self.0.iter().find(|(_, it)| it.layer == layer)?;
            Some(Attached {
                architecture: *architecture,
                version,
                behind: published.version - version,
                arn: arn.to_owned(),
            })
        };
        arns.filter_map(attached).collect()
    }
}

impl Published {
    /// Returns the ARN of the layer version for functions of an architecture, as Lambda names it.
    pub(crate) fn layer_for(&self, architecture: &str) -> Option<String> {
        let (_, it) = self.0.iter().find(|(it, _)| it.name() == architecture)?;
        Some(format!("{}:{}", it.layer, it.version))
    }

    /// Returns the ARNs of the layers, without versions.
    pub(crate) fn layers(&self) -> Vec<String> {
        self.0.iter().map(|(_, it)| it.layer.clone()).collect()
    }

    /// Returns true for a version of one of the deployment's layers.
    pub(crate) fn is_own(&self, arn: &str) -> bool {
        layer_of(arn).is_some_and(|layer| self.0.iter().any(|(_, it)| it.layer == layer))
    }

    /// Returns true for a layer that contains the extension but belongs to another deployment, account or region.
    pub(crate) fn is_copy(&self, arn: &str) -> bool {
        let name = |layer: &str| layer.rsplit(':').next().unwrap_or_default().to_owned();
        let Some(layer) = layer_of(arn).filter(|_| !self.is_own(arn)) else { return false };
        let layer = name(layer);
        let is_known = |it: &Architecture| {
            // Named deployments add their name.
            layer.strip_prefix(&it.layer()).is_some_and(|it| it.is_empty() || it.starts_with('-'))
        };
        Architecture::ALL.iter().any(is_known)
            || self.0.iter().any(|(_, it)| name(&it.layer) == layer)
    }
}

/// Returns the ARN of a layer without the version.
pub(crate) fn layer_of(arn: &str) -> Option<&str> {
    LayerVersion::parse(arn)?;
    arn.rsplit_once(':').map(|(layer, _)| layer)
}

impl std::fmt::Display for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (architecture, version)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} version {}", architecture.name(), version.version)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, version: &str) -> String {
        format!("arn:aws:lambda:eu-central-1:111122223333:layer:{name}:{version}")
    }

    fn published() -> Published {
        let values = [("layerArnX86_64", layer("x86", "5")), ("layerArnArm64", layer("arm", "3"))];
        Published::of(&Values(values.into_iter().collect())).unwrap()
    }

    #[test]
    fn layers_are_recognised_by_their_arn_without_version() {
        let arns = [
            layer("x86", "2"),
            layer("x86-other", "2"),
            layer("arm", "4"),
            layer("x86", "latest"),
            layer("x86", "2").replace("1111", "4444"),
            "x86:2".to_owned(),
        ];
        let found = published().among(arns.iter().map(String::as_str));
        let found: Vec<_> = found.iter().map(|it| (it.version, it.behind)).collect();
        assert_eq!(found, [(2, 3), (4, -1)]);
    }

    #[test]
    fn a_published_value_that_is_no_layer_is_an_error() {
        for value in ["", "arn:aws:lambda", "a:1", "arn:aws:lambda:r:1:function:f:1"] {
            let values = Values([("layerArnX86_64", value.to_owned())].into_iter().collect());
            assert!(Published::of(&values).is_err(), "{value}");
        }
        assert!(Published::of(&Values::default()).is_err());
    }
}
