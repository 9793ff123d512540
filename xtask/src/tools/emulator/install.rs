//! Puts kinesis-local under `target/`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::support::workspace;
use crate::tools::npm::{self, Packages};

const LOOPBACK: &str = include_str!("../../../pins/emulator/loopback.cjs");
/// The files without which the emulator does not start.
const PARTS: [&str; 2] =
    ["node_modules/kinesis-local/main.js", "node_modules/kinesis-local/server.json"];

/// Installs into `target/emulator`, unless it is installed already, and returns that folder.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let packages = Packages {
        what: "the emulator",
        from: workspace::root().join("xtask/pins/emulator"),
        into: target.join("emulator"),
        log: target.join("npm.log"),
        parts: &PARTS,
    };
    packages.install()?;
    npm::put(&packages.into.join("loopback.cjs"), LOOPBACK)?;
    Ok(packages.into)
}
