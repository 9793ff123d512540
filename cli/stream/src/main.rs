//! `verify` checks that a stream holds every event that the platform generated; `read` prints a stream.
//!
//! Endpoint, region and credentials come from the standard environment variables and files.
//! Exit codes: 0 success, 1 the stream is not complete, 2 the command could not complete.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use kinesis_telemetry_stream::{print_stream, verify};
use kinesis_telemetry_terminal::note;

use crate::cli::{Cli, Command};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Verify(options) => verify(&options).await,
        Command::Read { stream } => print_stream(&stream).await.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        note(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}
