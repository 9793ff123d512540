//! Finds the checkout that a run works on. It does not depend on the build, so a checkout may be copied or moved.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Finds the root, or fails with a message for the user. A command that has called this once may use [`root`].
pub(crate) fn find_root() -> Result<&'static Path> {
    if let Some(root) = ROOT.get() {
        return Ok(root);
    }
    let folder = std::env::current_dir().context("the current folder cannot be read")?;
    let root = find(std::env::var_os("CARGO_MANIFEST_DIR").as_deref(), &folder)?;
    Ok(ROOT.get_or_init(|| root))
}

/// Returns the folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    find_root().unwrap_or_else(|error| panic!("{error:#}"))
}

/// Looks at the package that cargo runs, if cargo runs this process, and then upwards from the current folder.
fn find(package: Option<&OsStr>, folder: &Path) -> Result<PathBuf> {
    let of_cargo = package.map(Path::new).and_then(Path::parent);
    let root = of_cargo.into_iter().chain(folder.ancestors()).find(|it| is_root(it));
    root.map(Path::to_owned).with_context(|| {
        format!(
            "{} is not within a checkout of this project (a Cargo.toml with [workspace] and the member \"xtask\"): \
             change into one, and run cargo xtask there",
            folder.display()
        )
    })
}

fn is_root(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let holds = |wanted: &str| manifest.lines().any(|line| line.trim() == wanted);
    holds("[workspace]") && holds("\"xtask\",") && folder.join("xtask/Cargo.toml").is_file()
}
