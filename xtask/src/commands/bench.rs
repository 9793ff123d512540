//! `bench`: measures the overhead of the extension on this machine, compared with minimal extensions.
//!
//! `xtask-bench` measures, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::support::process;
use crate::support::workspace;
use crate::tools::build::{self, BENCH, TEST_FUNCTION};

/// The extension that only registers and waits. Its package also has the floor.
const CONTROL: &str = "control-extension";
/// The extension that subscribes and acknowledges in addition.
const FLOOR: &str = "floor-extension";

/// Measure the overhead of the extension, compared with minimal extensions.
#[derive(Args)]
#[command(
    after_help = "Prints the tables of docs/performance.md: medians, measured by turns, and ratios to the floor, which is an \
                  extension that subscribes, acknowledges telemetry and delivers nothing. Measures the extension that ships. Runs \
                  on Linux, for about ten minutes, and as long again for every two others. An extension that hangs, fails or \
                  delivers elsewhere has the numbers that can be had, and a note."
)]
pub(crate) struct Options {
    /// Another extension, with a name and version for the tables; can be repeated.
    #[arg(long, value_name = "[NAME=]PATH")]
    against: Vec<String>,
    /// A variable for all extensions, such as a setting; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Number of starts of each extension.
    #[arg(long, value_name = "N", default_value = "40")]
    rounds: usize,
    /// Number of invocations in each environment of an extension.
    #[arg(long, value_name = "N", default_value = "200")]
    invocations: usize,
    /// The longest time that one step of an extension may take.
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    step_timeout: u64,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Also draw the results into an SVG file.
    #[arg(long, value_name = "PATH")]
    svg: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let architecture = build::own_architecture().context(
        "the extension that ships runs on Linux only: measure it on a machine with Linux",
    )?;
    let [extension, control, floor, function] = [
        (EXTENSION_NAME, EXTENSION_NAME),
        (CONTROL, CONTROL),
        (CONTROL, FLOOR),
        (TEST_FUNCTION, TEST_FUNCTION),
    ]
    .map(|(package, name)| program(package, name, architecture));
    let bench = workspace::build_quick(&[BENCH])?;
    let bench = bench.get(BENCH).context("cargo did not build the program that measures")?;
    let mut command = Command::new(bench);
    command.arg("measure").arg("--extension").arg(extension?).arg("--function").arg(function?);
    command.arg("--floor").arg(floor?).arg("--control").arg(control?);
    for named in &options.against {
        command.args(["--against", named]);
    }
    for assignment in &options.env {
        command.args(["--env", assignment]);
    }
    command.args(["--rounds", &options.rounds.to_string()]);
    command.args(["--invocations", &options.invocations.to_string()]);
    command.args(["--step-timeout", &options.step_timeout.to_string()]);
    if options.json {
        command.arg("--json");
    }
    if let Some(svg) = &options.svg {
        command.arg("--svg").arg(absolute(svg)?);
    }
    process::run(BENCH, &mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds a package as the extension that ships is built; returns its program.
fn program(package: &str, name: &str, architecture: Architecture) -> Result<PathBuf> {
    let program = build::programs_of(package, name, &[architecture])?.remove(architecture.name());
    program.with_context(|| format!("{name} was not built"))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is not a path", path.display()))
}
