//! The commands. Each has a file of its own, with its arguments. `delegate` runs `kinesis-telemetry`.

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
pub(crate) mod publish;
pub(crate) mod radar;
pub(crate) mod release;
pub(crate) mod synth;
pub(crate) mod test;
pub(crate) mod unpublished;
pub(crate) mod upgrade;
pub(crate) mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// The commands that `kinesis-telemetry` runs.
const DELEGATED: [&str; 5] = ["outputs", "invoke", "tail", "redrive", "doctor"];

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
    Release(release::Options),
    Publish(publish::Options),
    Unpublished(unpublished::Options),
    Order(order::Options),
    Deploy(deploy::Options),
    Diff(diff::Options),
    Destroy(destroy::Options),
    Verify(verify::Options),
    Bootstrap(bootstrap::Options),
    Cdk(cdk::Options),
    /// Print what a stage publishes, and snippets that add the extension to a function (kinesis-telemetry outputs).
    Outputs(delegate::Options),
    /// Invoke the test function of a stage, and verify that its telemetry arrives (kinesis-telemetry invoke).
    Invoke(delegate::Options),
    /// Show the events of a stage's stream as they arrive (kinesis-telemetry tail).
    Tail(delegate::Options),
    /// Put the dead letters of a stage back into its stream (kinesis-telemetry redrive).
    Redrive(delegate::Options),
    /// Check everything between the credentials and the stream of a stage (kinesis-telemetry doctor).
    Doctor(delegate::Options),
    Synth(synth::Options),
    Upgrade(upgrade::Options),
    Radar(radar::Options),
}

/// Describes the command line, for help, documents and completions.
pub(crate) fn command_line() -> clap::Command {
    CommandLine::command()
}

impl Command {
    /// Reads the process's arguments. For `--help` and for arguments that it refuses it prints a text and ends the process.
    pub(crate) fn parse() -> Self {
        let typed = delegate::separated(std::env::args_os().collect(), &DELEGATED);
        let matches = command_line().get_matches_from(typed);
        CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command
    }

    /// Returns true if the command works on a checkout. The jobs that publish a release have none.
    pub(crate) fn needs_checkout(&self) -> bool {
        match self {
            Self::Unpublished(_) => false,
            Self::Release(options) => !options.is_check(),
            _ => true,
        }
    }

    /// Runs the command.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        match self {
            Self::Demo(options) => demo::run(options),
            Self::Test(options) => test::run(options),
            Self::Bench(options) => bench::run(options),
            Self::Ci(options) => ci::run(options),
            Self::Build(options) => build::run(options),
            Self::Package(options) => package::run(options),
            Self::Release(options) => release::run(options),
            Self::Publish(options) => publish::run(options),
            Self::Unpublished(options) => unpublished::run(options),
            Self::Order(_) => order::run(),
            Self::Deploy(options) => deploy::run(options),
            Self::Diff(options) => diff::run(options),
            Self::Destroy(options) => destroy::run(options),
            Self::Verify(options) => verify::run(options),
            Self::Bootstrap(options) => bootstrap::run(options),
            Self::Cdk(options) => cdk::run(options),
            Self::Outputs(options) => delegate::run("outputs", options),
            Self::Invoke(options) => delegate::run("invoke", options),
            Self::Tail(options) => delegate::run("tail", options),
            Self::Redrive(options) => delegate::run("redrive", options),
            Self::Doctor(options) => delegate::run("doctor", options),
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
