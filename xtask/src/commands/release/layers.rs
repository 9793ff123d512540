//! The layers of a release, and `layers.json`, by which anyone can prove which build a layer version holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_spec::deployment::Architecture;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Release;
use crate::commands::package;
use crate::support::digest::hex;
use crate::support::workspace;
use crate::tools::build::{self, LAYERS};

/// The name of the file within the folder.
const FILE: &str = "layers.json";

/// The content of `layers.json`.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Description {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The layers, by architecture, as Lambda names it.
    layers: BTreeMap<String, Layer>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Layer {
    file: String,
    bytes: u64,
    /// The digest of the zip in hexadecimal digits, as `sha256sum` prints it.
    sha256: String,
    /// The digest as `GetLayerVersion` returns it (Lambda API reference, `LayerVersionContentOutput`).
    code_sha256: String,
}

/// Builds the layers with their documents, or copies those that were built elsewhere.
pub(super) fn write(release: &Release) -> Result<()> {
    let names = || {
        let of_layers =
            Architecture::ALL.into_iter().flat_map(|it| [build::zip(it), build::sbom(it)]);
        of_layers.chain([build::completeness_zip()])
    };
    let mut missing = Vec::new();
    for name in names() {
        if !release.take(&name)? {
            missing.push(name);
        }
    }
    if missing.len() < names().count() && !missing.is_empty() {
        // All layers must come from one build.
        bail!(
            "the layers that were made elsewhere are not complete: {} is missing",
            missing.join(", ")
        );
    }
    if !missing.is_empty() {
        package::package(&Architecture::ALL)?;
        let folder = workspace::target_dir()?.join(LAYERS);
        for name in missing {
            let path = folder.join(&name);
            let bytes =
                fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            release.write(&name, &bytes)?;
        }
    }
    describe(release)
}

/// Writes `layers.json` about the layers in the folder.
pub(super) fn describe(release: &Release) -> Result<()> {
    let layers = Description {
        version: release.version.to_owned(),
        commit: release.commit.clone(),
        layers: described(&release.folder)?,
    };
    release.write(FILE, format!("{}\n", serde_json::to_string_pretty(&layers)?).as_bytes())
}

/// Returns how `layers.json` differs from the layers in its folder, and from the version and commit of the manifest.
pub(super) fn problems(folder: &Path, version: &str, commit: Option<&str>) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let said: Description = serde_json::from_slice(&text)
        .with_context(|| format!("{} does not describe layers", path.display()))?;
    let found = described(folder)?;
    let differs = |it: &&Architecture| said.layers.get(it.name()) != found.get(it.name());
    let problems = Architecture::ALL.iter().filter(differs).map(|it| {
        format!("{FILE} describes another layer for {} than {}", it.name(), build::zip(*it))
    });
    let mut problems: Vec<String> = problems.collect();
    if (said.version.as_str(), said.commit.as_deref()) != (version, commit) {
        problems.push(format!("{FILE} names another version or commit than the manifest"));
    }
    Ok(problems)
}

fn described(folder: &Path) -> Result<BTreeMap<String, Layer>> {
    let layer = |architecture: Architecture| {
        let file = build::zip(architecture);
        let path = folder.join(&file);
        let zip = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let digest = Sha256::digest(&zip);
        let (sha256, code_sha256) = (hex(&digest), STANDARD.encode(digest));
        let layer = Layer { file, bytes: zip.len() as u64, sha256, code_sha256 };
        Ok((architecture.name().to_owned(), layer))
    };
    Architecture::ALL.into_iter().map(layer).collect()
}

#[cfg(test)]
mod tests {
    use super::{Architecture, FILE, Release, build, describe, fs, problems};

    #[test]
    fn a_layer_has_its_digest_in_both_notations() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let release = Release { version: "2.1.0", commit: None, folder: path, made: Vec::new() };
        for architecture in Architecture::ALL {
            release.write(&build::zip(architecture), b"abc").unwrap();
        }
        describe(&release).unwrap();
        let layers: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.path().join(FILE)).unwrap()).unwrap();
        let layer = &layers["layers"]["arm64"];
        // FIPS 180-2, appendix B.1, and the same by `openssl dgst -sha256 -binary | base64`.
        assert_eq!(
            layer["sha256"],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(layer["codeSha256"], "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(problems(folder.path(), "2.1.0", None).unwrap(), [""; 0]);
        assert_eq!(problems(folder.path(), "2.1.0", Some("another")).unwrap().len(), 1);
        release.write(&build::zip(Architecture::Arm64), b"abd").unwrap();
        assert_eq!(problems(folder.path(), "2.1.0", None).unwrap().len(), 1);
    }
}
