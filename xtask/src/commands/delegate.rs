//! `outputs`, `invoke`, `tail`, `redrive`, `doctor`: what is asked of a deployment is done by `kinesis-telemetry`, so that nothing
//! here links an SDK.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use kinesis_telemetry_terminal::note;

use crate::support::progress::noisy_step;
use crate::support::workspace;

/// The program that does it.
pub(crate) const PROGRAM: &str = "kinesis-telemetry";

/// Builds the program, and becomes it: signals and the exit code are its own.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let program = program()?;
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("{} does not start", program.display()))
}

/// Has cargo build the program unless it is fresh, and returns its path. Says beforehand if that takes minutes.
pub(super) fn program() -> Result<PathBuf> {
    if !workspace::target_dir()?.join("debug").join(PROGRAM).is_file() {
        note(
            "The first time cargo builds kinesis-telemetry, which asks AWS. Compiling AWS's SDKs takes minutes; afterwards it takes \
             a second.",
        );
    }
    let mut programs = noisy_step("built kinesis-telemetry", || workspace::build(&[PROGRAM]))?;
    programs.remove(PROGRAM).context("cargo did not build a program kinesis-telemetry")
}
