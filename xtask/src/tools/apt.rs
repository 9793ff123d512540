//! Programs that checks need and that no language's package manager installs. In CI they are installed with apt, if it is
//! available.

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
    /// Other names under which it is found as well.
    others: &'static [&'static str],
    package: &'static str,
}

impl Program {
    const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, others: &[], package }
    }

    /// Returns true if the program is on the PATH, under any of its names.
    pub(crate) fn is_there(self) -> bool {
        is_there(self.name) || self.others.iter().any(|name| is_there(name))
    }
}

/// Counts instructions.
pub(crate) const VALGRIND: Program = Program::new("valgrind", "valgrind");
/// Runs programs for arm64 on another processor.
pub(crate) const QEMU_ARM64: Program = Program::new("qemu-aarch64-static", "qemu-user-static");
/// Reads zips.
pub(crate) const UNZIP: Program = Program::new("unzip", "unzip");
/// Reads programs.
pub(crate) const READELF: Program = Program::new("readelf", "binutils");
/// Shows the report. Ubuntu's package only installs a snap, so Chrome is accepted, too: GitHub's runners have it.
pub(crate) const CHROMIUM: Program = Program {
    name: "chromium",
    others: &["chromium-browser", "google-chrome"],
    package: "chromium",
};

/// Fails unless the programs are installed, or can be installed in CI. The error is the command that installs them.
pub(crate) fn require(programs: &[Program]) -> Result<()> {
    let missing: Vec<&str> =
        programs.iter().filter(|it| !it.is_there()).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install {}", missing.join(" "));
    // On a developer's machine, nothing is installed without being asked for.
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
    use super::{Program, is_there};

    #[test]
    fn a_program_is_looked_for_on_the_path() {
        assert!(is_there("sh"));
        assert!(!is_there("a-program-that-does-not-exist"));
    }

    #[test]
    fn a_program_is_found_under_each_of_its_names() {
        let of = |name, others| Program { name, others, package: "dash" }.is_there();
        assert!(of("a-program-that-does-not-exist", &["sh"]));
        assert!(!of("a-program-that-does-not-exist", &["another-one"]));
    }
}
