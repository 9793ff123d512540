//! Measures what an extension costs a function on this machine, for `cargo xtask bench` and the gates of `cargo xtask ci`.
//!
//! [`startup`] and [`throughput`] use a [`fake_lambda`] that answers at once; [`busy`] uses the sandbox. Programs
//! are measured by turns, so that other load on the machine affects all of them.

#![allow(clippy::print_stdout, reason = "printing is what a command is for")]
#![allow(clippy::cast_precision_loss, reason = "what is counted here is far from 2^52")]

mod busy;
mod cli;
mod count;
mod events;
mod fake_lambda;
mod record;
mod report;
mod startup;
mod statistics;
mod subject;
mod svg;
mod table;
mod throughput;
mod watched;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser as _;
use extension_sandbox::Program;
use kinesis_telemetry_terminal::{StatusLine, note};

use cli::{Cli, Command, Options};
use fake_lambda::Kinesis;
use report::{Measured, Report};
use subject::Subject;

/// Quick invocations, of which most should cause no request.
const QUICK: usize = 1_000;
/// Lives in which many events are delivered, of each program.
const FLOODS: usize = 5;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Measure(options) => measure(&options),
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

fn measure(options: &Options) -> Result<()> {
    let mut subjects: Vec<Subject> = Vec::new();
    for program in &options.programs {
        let mut subject = Subject::new(program.clone(), &options.settings);
        if subjects.iter().any(|other| other.label == subject.label) {
            subject.label = program.display().to_string();
        }
        subjects.push(subject);
    }
    let kinesis = Kinesis::start()?;
    let mut measured: Vec<Measured> =
        subjects.iter().map(|it| Measured::new(&it.label, &it.program)).collect::<Result<_>>()?;
    let progress = StatusLine::default();
    for round in 1..=options.rounds {
        progress.set(&format!("{round} of {} starts", options.rounds));
        for (subject, measured) in subjects.iter().zip(&mut measured) {
            let start = startup::measure(subject, &kinesis);
            measured.starts.push(start.with_context(|| subject.label.clone())?);
        }
    }
    for round in 1..=FLOODS {
        progress.set(&format!("{round} of {FLOODS} floods"));
        for (subject, measured) in subjects.iter().zip(&mut measured) {
            let flood = throughput::measure(subject, &kinesis);
            measured.floods.extend(flood.with_context(|| subject.label.clone())?);
        }
    }
    progress.set(&format!("{} invocations with each", options.invocations));
    // The first is ours, in each of its ways; the others are as they are.
    let [ours, others @ ..] = subjects.as_slice() else { anyhow::bail!("nothing to measure") };
    let ways = ["adaptive", "start", "end"].map(|way| ours.with("FLUSH", way));
    let all = [ways.as_slice(), others].concat();
    let function = Program::File(options.function.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let busy = runtime.block_on(busy::measure(&all, &function, options.invocations))?;
    progress.set(&format!("{QUICK} quick invocations"));
    let quick = runtime.block_on(busy::quick(&ways[0], &function, QUICK))?;
    progress.clear();
    let report = Report::new(options.rounds, &measured, &busy, &quick)?;
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
