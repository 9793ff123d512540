//! `publish`: publishes the layers of a release to the regions of an account.
//!
//! `xtask-publish` publishes, in a process of its own, so that nothing here links an SDK.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::support::workspace;
use crate::tools::build::PUBLISH;

/// The regions in which a release is published, unless the command line names others.
const REGIONS: &str = "xtask/publish/regions.txt";

/// Publish the layers of a release to regions of AWS: privately, then verified by a function, then opened to all.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// The folder of the release, and options of xtask-publish; --help lists them.
    #[arg(
        value_name = "FOLDER|OPTIONS",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// Builds the program, and becomes it: signals and the exit code are its own.
pub(crate) fn run(Options { words }: &Options) -> Result<ExitCode> {
    let mut programs = workspace::build(&[PUBLISH])?;
    let program = programs.remove(PUBLISH).context("cargo did not build the program")?;
    let mut becomes = Command::new(&program);
    let names_regions = |it: &OsString| it.as_encoded_bytes().starts_with(b"--regions");
    if !words.iter().any(names_regions) {
        becomes.arg("--regions-file").arg(workspace::root().join(REGIONS));
    }
    let error = becomes.args(words).exec();
    Err(error).with_context(|| format!("{} does not start", program.display()))
}

#[cfg(test)]
mod tests {
    use super::{REGIONS, workspace};

    #[test]
    fn the_file_of_regions_exists() {
        assert!(workspace::root().join(REGIONS).is_file());
    }
}
