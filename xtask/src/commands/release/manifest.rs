//! `manifest.json`: the files of a release, each with its size and its digest. A release is checked against it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use serde::{Deserialize, Serialize};

use super::{Release, layers};
use crate::support::digest::sha256;
use crate::tools::build::CHECKSUMS;

/// The name of the manifest within the folder.
pub(super) const FILE: &str = "manifest.json";

/// Parts of names of files that can differ when they are made again from the same commit, and the reason.
const DIFFER: [(&str, &str); 2] = [("apple-darwin", ON_A_MAC), ("macosx", ON_A_MAC)];
const ON_A_MAC: &str = "Apple's linker signs the program, and it contains paths of the machine";

#[derive(Serialize, Deserialize)]
struct Manifest {
    name: String,
    version: String,
    /// Absent if the checkout had changes that no commit has: such a folder is a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    bytes: u64,
    sha256: String,
    /// The reason why another run makes different bytes from the same commit. Absent if it makes the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<String>,
}

/// Writes the checksums and the manifest of all files that the folder holds.
pub(super) fn write(release: &Release) -> Result<()> {
    let sums =
        files(&release.folder)?.into_iter().map(|it| format!("{}  {}\n", it.sha256, it.name));
    release.write(CHECKSUMS, sums.collect::<String>().as_bytes())?;
    let manifest = Manifest {
        name: EXTENSION_NAME.to_owned(),
        version: release.version.to_owned(),
        commit: release.commit.clone(),
        files: files(&release.folder)?,
    };
    let text = format!("{}\n", serde_json::to_string_pretty(&manifest)?);
    release.write(FILE, text.as_bytes())
}

/// Checks a folder against its manifest, and returns the number of files.
///
/// The error names every file that is missing, that is not in the manifest, or whose bytes differ.
pub(super) fn check(folder: &Path) -> Result<usize> {
    let path = folder.join(FILE);
    let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not the manifest of a release", path.display()))?;
    let found: Vec<File> = files(folder)?.into_iter().filter(|it| it.name != FILE).collect();
    let mut problems = Vec::new();
    for listed in &manifest.files {
        let problem = match found.iter().find(|it| it.name == listed.name) {
            None => format!("{} is missing", listed.name),
            Some(it) if it.sha256 == listed.sha256 && it.bytes == listed.bytes => continue,
            Some(it) => format!(
                "{} was changed: its SHA-256 is {}, and the manifest says {}",
                listed.name, it.sha256, listed.sha256
            ),
        };
        problems.push(problem);
    }
    let listed: BTreeSet<&str> = manifest.files.iter().map(|it| it.name.as_str()).collect();
    let others = found.iter().filter(|it| !listed.contains(it.name.as_str()));
    problems.extend(others.map(|it| format!("{} is not in the manifest", it.name)));
    if problems.is_empty() {
        problems.extend(layers::problems(folder, &manifest.version, manifest.commit.as_deref())?);
    }
    if !problems.is_empty() {
        bail!(
            "{} is not the release {}:\n{}",
            folder.display(),
            manifest.version,
            problems.join("\n")
        );
    }
    Ok(manifest.files.len())
}

/// Fails with the files that differ between two releases of the same commit, except those that are known to differ.
pub(super) fn compare(one: &Path, other: &Path) -> Result<()> {
    // The checksums differ if and only if a file does.
    let is_compared =
        |it: &&File| it.differs.is_none() && ![FILE, CHECKSUMS].contains(&it.name.as_str());
    let [here, there] = [files(one)?, files(other)?];
    let sums = |files: &[File]| -> BTreeSet<(String, String)> {
        files.iter().filter(is_compared).map(|it| (it.name.clone(), it.sha256.clone())).collect()
    };
    let (here, there) = (sums(&here), sums(&there));
    let names: BTreeSet<&str> =
        here.symmetric_difference(&there).map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        bail!(
            "the same commit makes other bytes the second time: {names}; compare {} and {}",
            one.display(),
            other.display()
        );
    }
    Ok(())
}

/// Returns the files that a folder holds, by name.
fn files(folder: &Path) -> Result<Vec<File>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let differs = DIFFER.iter().find(|(part, _)| name.contains(part));
        let differs = differs.map(|(_, reason)| (*reason).to_owned());
        files.push(File { name, bytes: bytes.len() as u64, sha256: sha256(&bytes), differs });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use extension_spec::deployment::Architecture;
    use tempfile::TempDir;

    use super::super::{Release, layers};
    use super::{check, compare, write};
    use crate::tools::build;

    /// Returns a release whose layers are a few bytes each.
    fn release() -> (TempDir, Release) {
        let folder = tempfile::tempdir().unwrap();
        for architecture in Architecture::ALL {
            fs::write(folder.path().join(build::zip(architecture)), architecture.name()).unwrap();
        }
        let path = folder.path().to_owned();
        let release = Release { version: "2.1.0", commit: None, folder: path, made: Vec::new() };
        layers::describe(&release).unwrap();
        write(&release).unwrap();
        (folder, release)
    }

    fn problem(folder: &Path) -> String {
        format!("{:#}", check(folder).unwrap_err())
    }

    #[test]
    fn a_release_is_as_its_manifest_says() {
        let (folder, _) = release();
        assert_eq!(check(folder.path()).unwrap(), 4, "two layers, layers.json and the checksums");
    }

    #[test]
    fn every_file_that_was_tampered_with_is_named() {
        let (folder, release) = release();
        let names = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
        for name in names.filter(|name| *name != *super::FILE) {
            let name = name.to_string_lossy();
            let before = fs::read(folder.path().join(&*name)).unwrap();
            let tampered = [&before[..], b" "].concat();
            release.write(&name, &tampered).unwrap();
            let said = problem(folder.path());
            assert!(said.contains(&format!("\n{name} was changed: its SHA-256 is ")), "{said}");
            fs::remove_file(folder.path().join(&*name)).unwrap();
            let said = problem(folder.path());
            assert!(said.contains(&format!("\n{name} is missing")), "{said}");
            release.write(&name, &before).unwrap();
        }
        release.write("another.zip", b"").unwrap();
        assert!(problem(folder.path()).ends_with("\nanother.zip is not in the manifest"));
    }

    #[test]
    fn a_file_with_other_bytes_the_second_time_is_named() {
        let ((one, _), (other, again)) = (release(), release());
        compare(one.path(), other.path()).unwrap();
        again.write("layers.json", b"{}").unwrap();
        let said = compare(one.path(), other.path()).unwrap_err().to_string();
        assert!(said.contains("the second time: layers.json; compare "), "{said}");
    }

    #[test]
    fn a_folder_without_a_manifest_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        assert!(problem(folder.path()).contains("manifest.json cannot be read"));
        fs::write(folder.path().join(super::FILE), "{}").unwrap();
        assert!(problem(folder.path()).contains("manifest.json is not the manifest of a release"));
    }
}
