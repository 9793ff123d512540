//! The commands that talk to AWS, in a process of their own, so that `xtask` links no SDK.
//!
//! `outputs`, `invoke`, `tail`, `redrive`, `doctor`: a module each. How a stream is read `kinesis-telemetry-stream` knows.
//! Endpoint, region and credentials come from the standard environment variables and files.
//! Exit codes: 0 done, 1 not as it should be, 2 it could not be found out.

#![allow(clippy::print_stdout, reason = "printing is what a command is for")]

mod deployment;
mod doctor;
mod invoke;
mod outputs;
mod redrive;
mod signals;
mod tail;

use std::process::ExitCode;

use anyhow::{Context, Result};
use kinesis_telemetry_args::{Deployment, Request};
use kinesis_telemetry_stream::{aws, client, render, report, say, stream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        say::note(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

async fn run() -> Result<ExitCode> {
    let matches = command().get_matches();
    let asked = matches
        .subcommand()
        .and_then(|(name, matches)| kinesis_telemetry_args::read(name, matches));
    let (deployment, request) = asked.context("clap let a command through that there is not")?;
    of(&deployment, request).await
}

fn command() -> clap::Command {
    clap::Command::new("kinesis-telemetry")
        .about("Look after a deployment")
        .after_help(
            "Endpoint, region and credentials are taken from where every AWS tool takes them \
             (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE, ...).",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        // Which stages there are is xtask's to know; here the deployment itself says whether it is one.
        .subcommands(kinesis_telemetry_args::commands(&[]))
}

async fn of(deployment: &Deployment, request: Request) -> Result<ExitCode> {
    match request {
        Request::Outputs { json } => outputs::run(deployment, json).await,
        Request::Invoke(options) => invoke::run(deployment, &options).await,
        Request::Tail(options) => tail::run(deployment, &options).await,
        Request::Redrive { quiet } => redrive::run(deployment, quiet).await,
        Request::Doctor { function, json } => {
            doctor::run(deployment, function.as_deref(), json).await
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
