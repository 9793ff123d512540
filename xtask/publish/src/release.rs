//! The folder of a release: reads the description of its layers, and checks the layers against it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// A release.
pub(crate) struct Release {
    /// The version, without `v`.
    pub(crate) version: String,
    /// The commit from which it was made.
    pub(crate) commit: String,
    /// A layer for each architecture, in the order of [`Architecture::ALL`].
    pub(crate) layers: Vec<Layer>,
}

/// A layer as it is published.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) architecture: Architecture,
    /// The name of the zip within the folder.
    pub(crate) file: String,
    pub(crate) zip: Vec<u8>,
    pub(crate) digest: Digest,
    /// The signing profile whose signature is in the zip, if it is signed.
    pub(crate) profile: Option<String>,
}

/// The SHA-256 of a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

/// The part of `manifest.json` about layers.
#[derive(Deserialize)]
struct Manifest {
    version: String,
    commit: Option<String>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    sha256: String,
}

/// `layers.json`, as far as it is repeated here.
#[derive(Deserialize)]
struct Descriptions {
    version: String,
    commit: Option<String>,
    layers: BTreeMap<String, Described>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    code_sha256: String,
}

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the digest as `sha256sum` prints it.
    pub(crate) fn hex(self) -> String {
        self.0.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Returns the digest as Lambda states it for code (Lambda API reference, `CodeSha256`).
    pub(crate) fn of_code(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl Release {
    /// Reads a folder. Fails if it states no commit, if its documents are about different releases, or if a layer is not
    /// the file that the manifest lists.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let manifest: Manifest = json(folder, "manifest.json")?;
        let described: Descriptions = json(folder, "layers.json")?;
        let place = folder.display();
        let Manifest { version, commit, files } = manifest;
        let Some(commit) = commit else {
            bail!(
                "{place} was made from a checkout with changes that no commit has: make the release again from a commit"
            );
        };
        if described.version != version || described.commit.as_ref() != Some(&commit) {
            bail!(
                "{place}: layers.json is about v{} ({}), and manifest.json about v{version} ({commit}): make the release again",
                described.version,
                described.commit.as_deref().unwrap_or("no commit")
            );
        }
        let layers = Architecture::ALL.map(|architecture| {
            let file = format!("{}.zip", architecture.layer());
            let zip = read(folder, &file)?;
            let digest = Digest::of(&zip);
            let listed = files.iter().find(|it| it.name == file);
            let listed = listed.with_context(|| format!("{place}: manifest.json lists no {file}"))?;
            let code = described.layers.get(architecture.name()).map(|it| it.code_sha256.as_str());
            if listed.sha256 != digest.hex() || code != Some(&digest.of_code()) {
                bail!(
                    "{place}/{file} was changed: its SHA-256 is {}, and the manifest says {}; nothing was published, make the \
                     release again",
                    digest.hex(),
                    listed.sha256
                );
            }
            Ok(Layer { architecture, file, zip, digest, profile: None })
        });
        let layers = layers.into_iter().collect::<Result<_>>()?;
        Ok(Self { version, commit, layers })
    }

    /// Returns what the descriptions of all its layer versions begin with.
    pub(crate) fn name(&self) -> String {
        format!("{EXTENSION_NAME} v{} ", self.version)
    }

    /// Returns the description of its layer versions.
    pub(crate) fn description(&self) -> String {
        format!("{}({})", self.name(), self.commit)
    }
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    fs::read(&path).with_context(|| {
        format!("{} cannot be read: name a folder of cargo xtask release", path.display())
    })
}

fn json<T: for<'a> Deserialize<'a>>(folder: &Path, name: &str) -> Result<T> {
    serde_json::from_slice(&read(folder, name)?)
        .with_context(|| format!("{}/{name} is not of a release", folder.display()))
}
