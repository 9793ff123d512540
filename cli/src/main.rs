//! `kinesis-telemetry`, the operator's command-line tool: shows, checks and repairs the telemetry of Lambda functions.
//!
//! Each command is a module. `session` finds credentials, region and stream; `kinesis-telemetry-stream` reads the stream.
//! Exit codes: 0 success, 1 the command found a problem, 2 the command could not complete.

mod age;
mod completeness;
mod deployment;
mod doctor;
mod fleet;
mod functions;
mod generate;
mod invoke;
mod outputs;
mod own_lines;
mod preflight;
mod redrive;
mod report;
mod session;
mod signals;
mod tail;
mod top;
mod wrapped;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use kinesis_telemetry_args::{Command, CommandLine};
use kinesis_telemetry_terminal::note;
use tokio::runtime::Builder;

use crate::session::Session;

fn main() -> ExitCode {
    let CommandLine { command, global } = CommandLine::parse();
    let runtime = Builder::new_current_thread().enable_all().build();
    let done = runtime.context("the async runtime cannot start").and_then(|runtime| {
        let done = runtime.block_on(run(command, &Session::new(global)));
        // A thread may still be reading a file or resolving a host name; the process does not wait for it.
        runtime.shutdown_background();
        done
    });
    done.unwrap_or_else(|error| {
        note(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

async fn run(command: Command, session: &Session) -> Result<ExitCode> {
    let takes_regions = matches!(
        command,
        Command::Attach(_) | Command::Upgrade(_) | Command::Detach(_) | Command::Rollback(_)
    );
    if !takes_regions {
        session.one_region()?;
    }
    match command {
        Command::Tail(options) => tail::run(&options, session).await,
        Command::Report(options) => report::run(&options, session).await,
        Command::Top(options) => top::run(&options, session).await,
        Command::Completeness(options) => completeness::run(&options, session).await,
        Command::Doctor(options) => doctor::run(&options, session).await,
        Command::Functions(options) => functions::run(&options, session).await,
        Command::Attach(options) => fleet::attach(&options, session).await,
        Command::Upgrade(options) => fleet::upgrade(&options, session).await,
        Command::Detach(options) => fleet::detach(&options, session).await,
        Command::Rollback(options) => fleet::rollback(&options, session).await,
        Command::Outputs(options) => outputs::run(&options, session).await,
        Command::Invoke(options) => invoke::run(&options, session).await,
        Command::Redrive(options) => redrive::run(&options, session).await,
        Command::Preflight { name } => preflight::run(name.as_deref(), session).await,
        Command::Completions { shell } => generate::completions(&shell),
        Command::Man { folder } => generate::man(folder.as_deref()),
    }
}
