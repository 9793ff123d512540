//! `synth`: writes the generated files, or lists those that differ from their description.

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::project::project;
use crate::support::workspace;

/// The exit code of `--check` if a file is stale: 1 means an error.
pub(crate) const STALE: u8 = 4;

/// Write every generated file that differs from its description in xtask/src/project.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing: list the files that differ, and exit with code 4 if there are any.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    synth(workspace::root(), options.check, &mut stdout())
}

/// Writes or checks the files below `root`; prints the messages for people to `out`.
pub(crate) fn synth(root: &Path, check: bool, out: &mut dyn Write) -> Result<ExitCode> {
    let plan = project(&super::command_line()).plan(root)?;
    if check {
        plan.report(out)?;
        return Ok(if plan.is_fresh() { ExitCode::SUCCESS } else { ExitCode::from(STALE) });
    }
    plan.apply()?;
    plan.summary(out)?;
    Ok(ExitCode::SUCCESS)
}
