//! The commands. One command, one file: its arguments, declared beside what it does. `delegate` runs the program that carries
//! out the commands about a deployment, which `kinesis-telemetry-args` declares.

pub(crate) mod bench;
pub(crate) mod bootstrap;
pub(crate) mod build;
pub(crate) mod cdk;
pub(crate) mod ci;
pub(crate) mod delegate;
pub(crate) mod demo;
pub(crate) mod deploy;
mod deployment;
pub(crate) mod destroy;
pub(crate) mod diff;
pub(crate) mod order;
#[allow(clippy::format_push_string, reason = "these texts are made once a run, and read better so")]
pub(crate) mod package;
pub(crate) mod radar;
pub(crate) mod synth;
pub(crate) mod test;
pub(crate) mod upgrade;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use kinesis_telemetry_args::Request;

use crate::project::stages;

/// The project's commands.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// A command with its arguments, in the order in which help and documents list them.
#[derive(Subcommand)]
pub(crate) enum Command {
    Demo(demo::Options),
    Test(test::Options),
    Bench(bench::Options),
    Ci(ci::Options),
    Build(build::Options),
    Package(package::Options),
    Order(order::Options),
    Deploy(deploy::Options),
    Diff(diff::Options),
    Destroy(destroy::Options),
    Bootstrap(bootstrap::Options),
    Cdk(cdk::Options),
    #[command(flatten)]
    Delegated(Request),
    Synth(synth::Options),
    Upgrade(upgrade::Options),
    Radar(radar::Options),
}

/// Describes the command line, for help, documents and completions.
pub(crate) fn command_line() -> clap::Command {
    let stages: Vec<&str> = stages::names().collect();
    kinesis_telemetry_args::with_stages(CommandLine::command(), &stages)
}

impl Command {
    /// Reads the process's arguments. For `--help` and for arguments that it refuses it prints a text and ends the process.
    pub(crate) fn parse() -> Self {
        let matches = command_line().get_matches();
        CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command
    }

    /// Carries the command out.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        match self {
            Self::Demo(options) => demo::run(options),
            Self::Test(options) => test::run(options),
            Self::Bench(options) => bench::run(options),
            Self::Ci(_) => ci::run(),
            Self::Build(options) => build::run(options),
            Self::Package(options) => package::run(options),
            Self::Order(_) => order::run(),
            Self::Deploy(options) => deploy::run(options),
            Self::Diff(options) => diff::run(options),
            Self::Destroy(options) => destroy::run(options),
            Self::Bootstrap(options) => bootstrap::run(options),
            Self::Cdk(options) => cdk::run(options),
            // The other program reads the arguments again, as they were typed.
            Self::Delegated(_) => delegate::run(std::env::args_os().skip(1)),
            Self::Synth(options) => synth::run(options),
            Self::Upgrade(options) => upgrade::run(options),
            Self::Radar(options) => radar::run(options),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command_line().debug_assert();
    }
}
