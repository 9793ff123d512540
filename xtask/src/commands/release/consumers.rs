//! The consumers as packages: a wheel and a source distribution for `PyPI`, a tarball for npm, and a crate.
//!
//! Each package manager packs its own format. The sources are copied first. The copy gets the licence and links that work outside
//! of the repository, and has no files that tests left behind. Archives of npm and Python are compressed again, because they use
//! the machine's zlib, and versions of zlib compress differently.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::Release;
use crate::commands::package::archive::{self, Entry};
use crate::project::consumers::{MODULE, NODE_EXAMPLE, NODE_MODULE, PACKAGE, PYTHON_EXAMPLES};
use crate::project::{links, python};
use crate::support::lock::locked;
use crate::support::process;
use crate::support::workspace;
use crate::tools::{cdk, python as environments, wheel};

/// Calls the build backend as `pip` does (PEP 517): a wheel and a source distribution of the folder.
const BUILD: &str = "import sys; from flit_core import buildapi; \\
    buildapi.build_wheel(sys.argv[1]); buildapi.build_sdist(sys.argv[1])";
/// 1980, the oldest time that a wheel can state, in seconds since 1970. With the times of files, every package would differ.
const SOURCE_DATE_EPOCH: &str = "315532800";

/// Packs all consumers.
pub(super) fn write(release: &Release) -> Result<()> {
    let sources = workspace::target_dir()?.join("release-sources");
    let _one_at_a_time = locked(&sources.with_extension("lock"))?;
    let packed = sources.join("packed");
    let unwritable = || format!("{} cannot be written", packed.display());
    if packed.exists() {
        fs::remove_dir_all(&packed).with_context(unwritable)?;
    }
    fs::create_dir_all(&packed).with_context(unwritable)?;
    for_python(release.version, &packed)?;
    for_node(release.version, &packed)?;
    for entry in fs::read_dir(&packed).with_context(unwritable)? {
        let path = entry.with_context(unwritable)?.path();
        let bytes = fs::read(&path).with_context(unwritable)?;
        let is_wheel = path.extension().is_some_and(|it| it == "whl");
        let bytes = if is_wheel { zipped_again(&bytes) } else { compressed_again(&bytes) };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        release.write(&name, &bytes.with_context(|| format!("{name} cannot be compressed"))?)?;
    }
    for_rust(release)
}

fn for_python(version: &str, folder: &Path) -> Result<()> {
    let source = "consumers/python";
    let mut files = vec!["pyproject.toml", MODULE];
    files.extend(PYTHON_EXAMPLES);
    let copy = copied(source, &files, version)?;
    let backend = workspace::target_dir()?.join("flit");
    environments::environment(
        &backend,
        &workspace::root().join(python::FLIT).join("requirements.txt"),
    )?;
    let mut build = Command::new(backend.join("bin/python3"));
    build.args(["-c", BUILD]).arg(folder).current_dir(copy);
    process::run("flit", build.env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH))
}

fn for_node(version: &str, folder: &Path) -> Result<()> {
    let source = "consumers/node";
    let script = format!("{NODE_MODULE}.mjs");
    let copy = copied(source, &["package.json", NODE_EXAMPLE, NODE_MODULE, &script], version)?;
    cdk::install()?;
    let mut tsc = cdk::tsc();
    tsc.args(["--project", source, "--outDir"]).arg(&copy).current_dir(workspace::root());
    process::run("tsc", &mut tsc)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(folder);
    // It names on stdout what it has packed.
    let (exit, said) = process::output("npm pack", npm.current_dir(copy))?;
    if !exit.success() {
        bail!("npm cannot pack {source} ({exit}): {}", said.trim());
    }
    Ok(())
}

fn for_rust(release: &Release) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["package", "--quiet", "--locked", "--package", PACKAGE]);
    // A release may be rehearsed with changes. `the_crate_of_the_consumer_reads_records` builds what is packed.
    process::run("cargo package", cargo.args(["--allow-dirty", "--no-verify"]))?;
    let name = format!("{PACKAGE}-{}.crate", release.version);
    let path = workspace::target_dir()?.join("package").join(&name);
    let krate = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    release.write(&name, &krate)
}

/// Returns a wheel with the same files.
fn zipped_again(wheel: &[u8]) -> Result<Vec<u8>> {
    let paths = wheel::paths(wheel)?;
    let files = paths.into_iter().map(|path| Ok((wheel::unpacked(wheel, &path)?, path)));
    let files: Vec<(Vec<u8>, String)> = files.collect::<Result<_>>()?;
    let entries: Vec<Entry<'_>> =
        files.iter().map(|(bytes, path)| Entry::text(path, bytes)).collect();
    archive::zip(&entries)
}

/// Returns a `.tar.gz` with the same archive.
fn compressed_again(archive: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    std::io::copy(&mut GzDecoder::new(archive), &mut writer)?;
    Ok(writer.finish()?)
}

/// Copies files, and folders without their own folders, to a new folder, with the licence and the README.
fn copied(source: &str, files: &[&str], version: &str) -> Result<PathBuf> {
    let from = workspace::root().join(source);
    let into = workspace::target_dir()?.join("release-sources").join(source);
    let done = || -> std::io::Result<()> {
        if into.exists() {
            fs::remove_dir_all(&into)?;
        }
        fs::create_dir_all(&into)?;
        for file in files {
            copy(&from.join(file), &into.join(file))?;
        }
        copy(&workspace::root().join("LICENSE"), &into.join("LICENSE"))?;
        let readme = fs::read_to_string(from.join("README.md"))?;
        fs::write(into.join("README.md"), links::absolute(&readme, source, version))
    };
    done().with_context(|| format!("{source} cannot be copied to {}", into.display()))?;
    Ok(into)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
