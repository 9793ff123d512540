//! Programs that proofs need and no package manager of ours brings. In CI they are installed, where apt is there and may.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::support::lock::locked;
use crate::support::process;
use crate::support::workspace;

/// A program, and the package of Debian and Ubuntu that holds it.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    package: &'static str,
}

/// Counts instructions.
pub(crate) const VALGRIND: Program = Program { name: "valgrind", package: "valgrind" };
/// Runs programs for arm64 on another processor.
pub(crate) const QEMU_ARM64: Program =
    Program { name: "qemu-aarch64-static", package: "qemu-user-static" };
/// Reads zips.
pub(crate) const UNZIP: Program = Program { name: "unzip", package: "unzip" };
/// Reads programs.
pub(crate) const READELF: Program = Program { name: "readelf", package: "binutils" };

/// Sees to it that they are there; else says in one line what to install.
pub(crate) fn require(programs: &[Program]) -> Result<()> {
    let missing: Vec<&str> =
        programs.iter().filter(|it| !is_there(it.name)).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install {}", missing.join(" "));
    // Nobody's own machine gets packages unasked.
    if !workspace::is_ci() || !is_there("apt-get") {
        bail!("something is missing: {install}");
    }
    let _one_at_a_time = locked(&workspace::target_dir()?.join("apt.lock"))?;
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = if nix::unistd::Uid::effective().is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::run("apt-get", &mut command)
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .any(|folder: std::path::PathBuf| Path::new(&folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::is_there;

    #[test]
    fn a_program_is_looked_for_on_the_path() {
        assert!(is_there("sh"));
        assert!(!is_there("a-program-that-nobody-has"));
    }
}
