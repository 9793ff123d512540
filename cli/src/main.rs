//! The commands that talk to AWS, in a process of their own, so that `xtask` links no SDK.
//!
//! `outputs`, `invoke`, `tail`, `redrive`, `doctor`, `preflight`: a module each. How a stream is read `kinesis-telemetry-stream` knows.
//! Endpoint, region and credentials come from the standard environment variables and files.
//! Exit codes: 0 done, 1 not as it should be, 2 it could not be found out.

#![allow(clippy::print_stdout, reason = "printing is what a command is for")]

mod deployment;
mod doctor;
mod invoke;
mod outputs;
mod preflight;
mod redrive;
mod signals;
mod tail;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use kinesis_telemetry_args::Request;
use kinesis_telemetry_terminal::note;

/// Look after a deployment.
// xtask knows which stages there are; here the deployment itself says whether it is one.
#[derive(Parser)]
#[command(
    name = "kinesis-telemetry",
    after_help = "Endpoint, region and credentials are taken from where every AWS tool takes them \
                  (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE, ...)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Request(Request),
    /// Print, as JSON, the account and the region that the credentials lead to, and what is deployed there.
    #[command(
        after_help = "cargo xtask asks this before it deploys. Exit code: 0 if all of it was found out, 2 with the reason if not, \
                      within ten seconds."
    )]
    Preflight {
        /// Name of the deployment, if it has one.
        #[arg(long, value_name = "NAME", value_parser = kinesis_telemetry_args::name)]
        name: Option<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(Cli::parse().command).await.unwrap_or_else(|error| {
        note(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

async fn run(command: Command) -> Result<ExitCode> {
    let request = match command {
        Command::Request(request) => request,
        Command::Preflight { name } => return preflight::run(name).await,
    };
    match request {
        Request::Outputs { deployment, json } => outputs::run(&deployment, json).await,
        Request::Invoke { deployment, options } => invoke::run(&deployment, &options).await,
        Request::Tail { deployment, options } => tail::run(&deployment, &options).await,
        Request::Redrive { deployment, quiet, also_to } => {
            redrive::run(&deployment, quiet, &also_to).await
        }
        Request::Doctor { deployment, function, json } => {
            doctor::run(&deployment, function.as_deref(), json).await
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
