//! Measures the overhead of an extension on this machine, for `cargo xtask bench` and the budgets of `cargo xtask ci`.
//!
//! [`startup`] and [`load`] use a [`fake_lambda`] that answers at once; [`busy`] uses the sandbox. If an extension fails, the
//! report has a note on it, and the others are measured nevertheless.

#![allow(clippy::print_stdout, reason = "printing is what a command is for")]
#![allow(clippy::cast_precision_loss, reason = "what is counted here is far from 2^52")]

mod busy;
mod cli;
mod count;
mod empty_tmp;
mod events;
mod fake_lambda;
mod load;
mod measure;
mod page_cache;
mod process;
mod record;
mod report;
mod startup;
mod statistics;
mod subject;
mod svg;
mod table;
mod valgrind;
mod watched;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser as _;
use kinesis_telemetry_terminal::note;

use cli::{Cli, Command, Options};
use report::Report;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Measure(options) => run(&options),
        Command::Count { program } => count::run(&program),
        Command::Record { program } => record::run(&program),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let report = Report::new(options.rounds, &measure::measure(options)?)?;
    if let Some(path) = &options.svg {
        std::fs::write(path, svg::draw(&report))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::draw(&report));
    }
    Ok(())
}
