//! `bench`: what the extension costs a function, measured on this machine beside what does nothing.
//!
//! The measuring is `xtask-bench`'s, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::support::process;
use crate::support::workspace;
use crate::tools::build::{self, BENCH, TEST_FUNCTION};

/// The extension that only registers and waits.
const CONTROL: &str = "control-extension";

/// Measure what the extension costs a function, beside one that does nothing.
#[derive(Args)]
#[command(
    after_help = "Prints medians and ratios; what is compared is measured by turns. Runs on Linux, and takes some minutes. \
                  The extension is what ships; the one that does nothing registers and calls next."
)]
pub(crate) struct Options {
    /// Another extension to measure beside them, once or several times.
    #[arg(long, value_name = "PATH")]
    against: Vec<PathBuf>,
    /// A variable for all of them, such as a setting.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// How often each is started.
    #[arg(long, value_name = "N", default_value = "40")]
    rounds: usize,
    /// How often a busy function is invoked with each.
    #[arg(long, value_name = "N", default_value = "300")]
    invocations: usize,
    /// Print one JSON document instead.
    #[arg(long)]
    json: bool,
    /// Write a picture, too.
    #[arg(long, value_name = "PATH")]
    svg: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let architecture = build::own_architecture()
        .context("what ships runs on Linux only: measure it on a machine with Linux")?;
    let [ours, control, function] =
        [EXTENSION_NAME, CONTROL, TEST_FUNCTION].map(|package| program(package, architecture));
    let bench = workspace::build_quick(&[BENCH])?;
    let bench = bench.get(BENCH).context("cargo did not build the program that measures")?;
    let mut command = Command::new(bench);
    command.arg("measure").arg("--function").arg(function?);
    for program in [ours?, control?].iter().chain(&options.against) {
        command.arg("--program").arg(absolute(program)?);
    }
    for assignment in &options.env {
        command.args(["--env", assignment]);
    }
    command.args(["--rounds", &options.rounds.to_string()]);
    command.args(["--invocations", &options.invocations.to_string()]);
    if options.json {
        command.arg("--json");
    }
    if let Some(svg) = &options.svg {
        command.arg("--svg").arg(absolute(svg)?);
    }
    process::run(BENCH, &mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// What ships, or is made as what ships is.
fn program(package: &str, architecture: Architecture) -> Result<PathBuf> {
    let program = build::programs(package, &[architecture])?.remove(architecture.name());
    program.with_context(|| format!("{package} was not built"))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
}
