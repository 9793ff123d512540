//! `layer-versions.json`: the ARN of each layer version, by region and architecture, with the digests that prove what it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::release::{Layer, Release};
use crate::summary::Row;

#[derive(Serialize)]
struct Document<'a> {
    version: &'a str,
    commit: &'a str,
    /// The layers, by architecture, as Lambda names it.
    layers: BTreeMap<&'static str, Described>,
    /// ARNs by region and architecture.
    regions: BTreeMap<&'a str, BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    file: String,
    /// The digest of the file in the release.
    sha256: String,
    /// The digest of the layer version's content. It differs from `sha256` if the layer was signed.
    code_sha256: String,
    /// The signing profile that a code-signing configuration has to allow, if the layer was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_profile_version_arn: Option<String>,
}

/// Writes the document.
pub(crate) fn write(
    path: &Path,
    release: &Release,
    published: &[Layer],
    rows: &[Row],
) -> Result<()> {
    let layers = release.layers.iter().zip(published).enumerate();
    let layers = layers.map(|(index, (built, published))| {
        let version = rows.first().and_then(|it| it.versions().into_iter().nth(index));
        let described = Described {
            file: built.file.clone(),
            sha256: built.digest.hex(),
            code_sha256: published.digest.of_code(),
            signing_profile_version_arn: version.and_then(|it| it.signer),
        };
        (built.architecture.name(), described)
    });
    let arns = |row: &Row| {
        let names = release.layers.iter().map(|it| it.architecture.name());
        names.zip(row.versions().into_iter().map(|it| it.arn)).collect()
    };
    let document = Document {
        version: &release.version,
        commit: &release.commit,
        layers: layers.collect(),
        regions: rows.iter().map(|row| (row.region.as_str(), arns(row))).collect(),
    };
    let text = serde_json::to_string_pretty(&document).context("the ARNs make no JSON")? + "\n";
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
