//! The commands that talk to AWS, in a process of their own, so that `xtask` links no SDK.
//!
//! `verify` proves that a stream holds what the platform generated, `read` prints a stream; the others are about a
//! deployment: `outputs`, `invoke`, `tail`, `redrive`, `doctor`, a module each.
//! Endpoint, region and credentials come from the standard environment variables and files.
//! Exit codes: 0 done, 1 not as it should be, 2 it could not be found out.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

mod aws;
mod cli;
mod client;
mod compare;
mod decode;
mod deployment;
mod doctor;
mod gather;
mod invoke;
mod journal;
mod outputs;
mod redrive;
mod render;
mod report;
mod say;
mod signals;
mod stream;
mod tail;
mod unpack;
mod verify;

use std::process::ExitCode;

use xtask_aws_cli::{Deployment, Request};

use crate::cli::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match cli::parse() {
        Command::Verify(options) => verify::run(&options).await,
        Command::Read { stream } => stream::print(&stream).await.map(|()| ExitCode::SUCCESS),
        Command::Of(deployment, request) => of(&deployment, request).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

async fn of(deployment: &Deployment, request: Request) -> anyhow::Result<ExitCode> {
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
