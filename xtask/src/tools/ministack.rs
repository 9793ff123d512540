//! ministack, an AWS on this machine that is not ours, under `target/ministack`: exactly what its lock file says.

pub mod environment;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::tools::python;

use crate::support::workspace;

/// The variable that tells tests where ministack's program is.
pub(crate) const MINISTACK: &str = "MINISTACK";

/// Installs it unless it is there already, and gives its program. Needs Python.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("ministack");
    let requirements = workspace::root().join("xtask/pins/ministack/requirements.txt");
    python::environment(&dir, &requirements)?;
    Ok(dir.join("bin/ministack"))
}
