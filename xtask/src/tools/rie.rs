//! AWS's own Runtime Interface Emulator, under `target/rie`: one program from a Python package, of which nothing else is
//! installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use extension_spec::deployment::Architecture;

use crate::support::lock::locked;
use crate::support::workspace;
use crate::tools::{npm, python, wheel};

/// The variable that tells tests where the emulator is.
pub(crate) const RIE: &str = "RIE";
/// The beginning of the names of tests of the whole process that need a packaged layer in the emulator.
pub(crate) const OF_LAYER: &str = "rie::layer::";

/// Holds the requirements that were unpacked; written last.
const STAMP: &str = "unpacked.txt";

/// Unpacks the emulator for this architecture, unless it is unpacked already, and returns its program. Needs Python.
pub(crate) fn install(architecture: Architecture, target: &Path) -> Result<PathBuf> {
    let dir = target.join("rie");
    let name = format!("aws-lambda-rie-{}", architecture.name());
    let program = dir.join(&name);
    let requirements = workspace::root().join("xtask/pins/rie/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("{} cannot be read", requirements.display()))?;
    let _one_at_a_time = locked(&dir.with_extension("lock"))?;
    let stamp = dir.join(STAMP);
    if program.is_file() && npm::holds(&stamp, &wanted) {
        return Ok(program);
    }
    let package = python::wheel(&dir.join("wheel"), &requirements)?;
    let bytes = wheel::unpacked(&package, &format!("samcli/local/rapid/{name}"))
        .context("AWS's emulator cannot be unpacked")?;
    put(&program, &bytes).with_context(|| format!("{} cannot be written", program.display()))?;
    npm::put(&stamp, &wanted)?;
    Ok(program)
}

/// Writes a program under another name first, because a running program cannot be overwritten.
fn put(program: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = program.with_extension("new");
    fs::write(&new, bytes)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    fs::rename(new, program)
}
