//! The project's commands. One command, one file: `demo`, `test`, `bench`, `ci`, `build`, `package`, `deploy`, `synth`,
//! `upgrade`; `ask` has those that another program does.
//!
//! `demo` drives the `emulator` (a Kinesis) and the sandbox (a Lambda); `test` and `ci` are made of
//! `section`s. All of them start children through `process`, which ends them in the end.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

mod checks;
mod cli;
mod commands;
mod project;
mod support;
mod tools;

pub use tools::ministack::environment as ministack_environment;

use std::process::ExitCode;

use crate::cli::Command;
use crate::commands::{bench, ci, delegate, demo, deploy, package, synth, test, upgrade};
use crate::support::process::{self, Interrupted};
use crate::support::workspace;
use crate::tools::build;

/// What shells report of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Runs the command that the process's arguments ask for.
pub fn main() -> ExitCode {
    let command = cli::parse();
    let done = process::end_children_when_interrupted().and_then(|()| match command {
        Command::Demo(options) => demo::run(&options),
        Command::FullDemo(options) => demo::full::run(&options),
        Command::Test { arguments } => test::run(&arguments),
        Command::Bench(options) => bench::run(&options),
        Command::Ci => ci::run(),
        Command::Build { architectures } => build::run(&architectures),
        Command::Package { architectures, verify } => {
            package::run(&architectures).and_then(|code| {
                if verify {
                    package::verify_bytes(&architectures)?;
                }
                Ok(code)
            })
        }
        Command::Ask { arguments } => delegate::run(&arguments),
        Command::OnAws(deployment, verb) => deploy::run(&deployment, &verb),
        Command::Synth { check } => synth::run(workspace::root(), check, &mut std::io::stdout()),
        Command::Upgrade { write } => upgrade::run(write),
        Command::Lock => upgrade::lock(),
    });
    match done {
        Ok(code) => code,
        // By then much else may have failed, because its process was ended.
        Err(_) if process::check().is_err() => {
            if !process::is_within() {
                eprintln!("{Interrupted}");
            }
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
