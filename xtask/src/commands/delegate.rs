//! `outputs`, `invoke`, `tail`, `redrive`, `doctor`: what is asked of a deployment is done by `xtask-aws`, so that nothing
//! here links an SDK.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::progress::noisy_step;
use crate::workspace;

/// The program that does it.
pub(crate) const PROGRAM: &str = "xtask-aws";

/// Builds the program, and becomes it: signals and the exit code are its own.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let mut programs = noisy_step("built xtask-aws", || workspace::build(&[PROGRAM]))?;
    let program = programs.remove(PROGRAM).context("cargo did not build a program xtask-aws")?;
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("{} does not start", program.display()))
}
