//! Python packages, exactly those that a lock file names: as environments, or one as a file.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::support::lock::locked;
use crate::support::process;
use crate::support::shell::{self, shell};
use crate::tools::npm;

/// Holds the requirements that were installed; written last.
const STAMP: &str = "installed.txt";

/// A Python environment with these packages, each known by its hash.
pub(crate) fn environment(dir: &Path, requirements: &Path) -> Result<()> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("{} cannot be read", requirements.display()))?;
    let _one_at_a_time = locked(&dir.with_extension("lock"))?;
    let stamp = dir.join(STAMP);
    // An environment does not work if the Python that created it was removed.
    let (shell, python) = (shell()?, dir.join("bin/python3"));
    let alive = shell::output(cmd!(shell, "{python} --version"));
    let alive = alive.is_ok_and(|output| output.status.success());
    if alive && npm::holds(&stamp, &wanted) {
        return Ok(());
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(dir);
    quietly("a Python environment", &mut venv, "install Python's venv (Debian: python3-venv)")?;
    let mut pip = Command::new(dir.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
        .arg(requirements);
    quietly("the Python packages", &mut pip, "check the network or pip's proxy settings")?;
    npm::put(&stamp, &wanted)
}

/// Returns the one package that the requirements name, as it is published.
pub(crate) fn wheel(dir: &Path, requirements: &Path) -> Result<Vec<u8>> {
    download(dir, &["--require-hashes".as_ref(), "--requirement".as_ref(), requirements.as_ref()])
}

/// Returns the newest version of a package, as it is published. Its hash is not known beforehand, so callers read it and
/// never run it.
pub(crate) fn newest_wheel(dir: &Path, package: &str) -> Result<Vec<u8>> {
    download(dir, &[package.as_ref()])
}

/// Downloads one package to an empty folder, reads it, and removes the folder.
fn download(dir: &Path, which: &[&OsStr]) -> Result<Vec<u8>> {
    let _ = fs::remove_dir_all(dir);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--only-binary", ":all:", "--dest"])
        .arg(dir)
        .args(which);
    quietly("a Python package", &mut pip, "check the network, or install pip for this Python")?;
    let files = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let files = files.with_context(|| format!("{} cannot be read", dir.display()))?;
    let [wheel] = files.as_slice() else {
        bail!("pip has downloaded {} files where one was asked for", files.len());
    };
    let bytes = fs::read(wheel.path())
        .with_context(|| format!("{} cannot be read", wheel.path().display()))?;
    fs::remove_dir_all(dir).with_context(|| format!("{} cannot be removed", dir.display()))?;
    Ok(bytes)
}

fn quietly(what: &str, command: &mut Command, remedy: &str) -> Result<()> {
    let (exit, said) = process::output(what, command)?;
    if !exit.success() {
        bail!("{what} could not be installed: {remedy} ({})", said.trim());
    }
    Ok(())
}
