//! `kinesis-telemetry-cdk`, the package of constructs with the layers inside, as `npm install` takes it.
//!
//! It is packed here and not by npm, so that its bytes do not depend on Node's zlib.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use extension_spec::deployment::Architecture;
use serde_json::Value;

use super::archive::Archive;
use super::cli::document;
use super::{Release, VERSION};
use crate::project::links;
use crate::tools::build;
use crate::tools::cdk;

/// The time of every packed file, 1985-10-26T08:15:00Z, as npm has it (package `pacote`).
const TIME: u64 = 499_162_500;

/// Makes the package, or takes one that was made elsewhere. The layers are in the release already.
pub(super) fn write(release: &Release) -> Result<()> {
    let name = format!("{}-{}.tgz", cdk::PACKAGE, release.version);
    if release.take(&name)? {
        return Ok(());
    }
    cdk::compile()?;
    let zip = |name: String| -> Result<(String, Vec<u8>)> {
        let path = release.folder.join(&name);
        let bytes =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok((name, bytes))
    };
    let zips: Result<_> = Architecture::ALL
        .map(build::zip)
        .into_iter()
        .chain([build::completeness_zip()])
        .map(zip)
        .collect();
    release.write(&name, &tarball(&zips?)?)
}

/// Packs what was compiled, with these zips.
fn tarball(zips: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut package = Archive::new("package", TIME);
    package.add("package.json", 0o644, &description()?)?;
    for (name, file) in [("README.md", "cdk/README.md"), ("API.md", "cdk/API.md")] {
        package.add(name, 0o644, &linked(file)?)?;
    }
    package.add("LICENSE", 0o644, &document("LICENSE")?)?;
    for (name, bytes) in compiled()? {
        package.add(&format!("build/lib/{name}"), 0o644, &bytes)?;
    }
    for (name, bytes) in zips {
        package.add(&format!("layers/{name}"), 0o644, bytes)?;
    }
    package.finish()
}

/// Returns a document whose links lead to the repository.
fn linked(file: &str) -> Result<Vec<u8>> {
    let text = String::from_utf8(document(file)?)?;
    Ok(links::absolute(&text, "cdk", VERSION).into_bytes())
}

/// Returns `package.json` without what only the checkout needs.
fn description() -> Result<Vec<u8>> {
    let mut package: BTreeMap<String, Value> =
        serde_json::from_slice(&document("cdk/package.json")?)?;
    package.retain(|name, _| !["//", "scripts", "devDependencies"].contains(&name.as_str()));
    Ok(format!("{}\n", serde_json::to_string_pretty(&package)?).into_bytes())
}

/// Returns the modules and their declarations, by name. What an earlier version has left is not among them.
fn compiled() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for source in fs::read_dir(cdk::constructs().join("lib"))? {
        let source = source?.file_name();
        let name = Path::new(&source).with_extension("");
        for extension in ["js", "d.ts"] {
            let file = format!("{}.{extension}", name.display());
            let bytes = document(&format!("cdk/build/lib/{file}"))?;
            files.insert(file, bytes);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
