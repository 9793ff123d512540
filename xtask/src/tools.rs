//! The tools that must be on the machine in addition to Rust, and what to do if they are missing.

pub(crate) mod apt;
mod auditable;
pub(crate) mod build;
pub(crate) mod cdk;
pub(crate) mod consumers;
pub(crate) mod emulator;
pub(crate) mod graph;
pub(crate) mod link;
pub(crate) mod linters;
pub(crate) mod ministack;
pub(crate) mod npm;
pub(crate) mod python;
pub(crate) mod rie;
pub(crate) mod wheel;

use std::path::Path;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::support::shell::{self, shell};

/// This file, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

/// The oldest Node that the CDK and kinesis-local run on.
pub(crate) const NODE_MAJOR: u32 = 20;

/// The oldest Python 3 that the linters of generated files run on.
pub(crate) const PYTHON_MINOR: u32 = 11;

/// A program that some of the work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Node,
    Python,
    /// Makes the mount namespace in which AWS's emulator runs. On Linux alone: elsewhere nothing asks for it.
    Unshare,
    /// Shows the report.
    Chromium,
}

impl Tool {
    pub(crate) const ALL: [Self; 4] = [Self::Node, Self::Python, Self::Unshare, Self::Chromium];

    /// The word by which a test's reason for being ignored asks for it: `needs Node: ...`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Python => "Python",
            Self::Unshare => "unshare",
            Self::Chromium => "Chromium",
        }
    }

    /// Says in one line what is missing, and the remedy.
    pub(crate) fn require(self) -> Result<()> {
        match self {
            Self::Node => {
                let remedy = format!("install Node {NODE_MAJOR} or newer, which brings npm");
                let Some(version) = version("node") else {
                    bail!("node is not on the PATH: {remedy}");
                };
                if major(&version).is_none_or(|major| major < NODE_MAJOR) {
                    bail!("node is too old ({version}): {remedy}");
                }
                if self::version("npm").is_none() {
                    bail!("npm is not on the PATH: {remedy}");
                }
            }
            Self::Python => {
                let remedy = format!("install Python 3.{PYTHON_MINOR} or newer");
                let Some(version) = version("python3") else {
                    bail!("python3 is not on the PATH: {remedy}");
                };
                if minor(&version).is_none_or(|minor| minor < PYTHON_MINOR) {
                    bail!("python3 is too old ({version}): {remedy}");
                }
            }
            Self::Unshare => {
                if cfg!(target_os = "linux") && unshare().is_none() {
                    bail!(
                        "neither {} makes a mount namespace: run as root, or allow sudo without a password",
                        WAYS_TO_UNSHARE.join(" nor ")
                    );
                }
            }
            Self::Chromium => {
                if let Err(why) = apt::require(&[apt::CHROMIUM]) {
                    bail!("neither Chromium nor Chrome is on the PATH: {why}");
                }
            }
        }
        Ok(())
    }
}

/// Returns the words that run a program in a root file system of its own, in which `program` is its path.
pub(crate) fn in_root(root: &Path, program: &str) -> Vec<String> {
    let root = root.to_string_lossy();
    if nix::unistd::Uid::effective().is_root() {
        return vec!["chroot".to_owned(), root.into_owned(), program.to_owned()];
    }
    let unshare = ["unshare", "--map-root-user", &format!("--root={root}"), program];
    unshare.map(str::to_owned).into()
}

/// The variable that tells tests how to make the mount namespace in which AWS's emulator runs.
pub(crate) const UNSHARE: &str = "UNSHARE";
/// The commands that make a mount namespace, the plainest first.
const WAYS_TO_UNSHARE: [&str; 2] = ["unshare", "sudo -n unshare"];

/// The way that works on this machine, if there is one: a program and its arguments, a space between them.
pub(crate) fn unshare() -> Option<&'static str> {
    WAYS_TO_UNSHARE.into_iter().find(|way| {
        let mut words = way.split(' ');
        let program = words.next().unwrap_or_default();
        shell()
            .and_then(|shell| shell::output(cmd!(shell, "{program} {words...} --mount true")))
            .is_ok_and(|output| output.status.success())
    })
}

/// Returns what `program --version` prints, if the program exists and works.
fn version(program: &str) -> Option<String> {
    let shell = shell().ok()?;
    let output = shell::output(cmd!(shell, "{program} --version")).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// `v20.20.2` is 20.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `Python 3.11.7` is 11.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("Python 3.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{major, minor, version};

    #[test]
    fn the_minor_version_of_python_is_a_number() {
        assert_eq!(minor("Python 3.11.7"), Some(11));
        assert_eq!(minor("Python 3.14.0rc1"), Some(14));
        assert_eq!(minor("Python 2.7.18"), None);
    }

    #[test]
    fn the_major_version_is_a_number() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major("nonsense"), None);
    }

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version("a-program-that-does-not-exist"), None);
    }
}
