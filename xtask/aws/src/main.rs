//! The commands that talk to AWS, in a process of their own, so that `xtask` links no SDK.
//!
//! `verify` proves that a stream holds what the platform generated, `read` prints a stream.
//! Endpoint, region and credentials come from the standard environment variables and files.
//! Exit codes: 0 done, 1 the stream is not complete, 2 anything else.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

mod cli;
mod client;
mod compare;
mod journal;
mod render;
mod report;
mod stream;
mod unpack;
mod verify;

use std::process::ExitCode;

use crate::cli::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match cli::parse() {
        Command::Verify(options) => verify::run(&options).await,
        Command::Read { stream } => stream::print(&stream).await.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
