//! Installs ministack, a third-party AWS emulator, under `target/ministack`, exactly as its lock file states.

pub mod environment;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::tools::python;

use crate::support::workspace;

/// The variable that tells tests where ministack's program is.
pub(crate) const MINISTACK: &str = "MINISTACK";

/// Installs it unless it is installed already, and returns its program. Needs Python.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("ministack");
    let requirements = workspace::root().join("xtask/pins/ministack/requirements.txt");
    python::environment(&dir, &requirements)?;
    Ok(dir.join("bin/ministack"))
}
