//! The project's commands, `cargo xtask`.
//!
//! Rooms, from the top: `commands`, one a file; `checks`, the rules that `ci` and tests enforce; `project`, this repository as
//! a value; `tools`, what must be installed and how; `support`, which everything uses. Imports only go down.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

mod checks;
mod commands;
mod project;
mod support;
mod tools;

pub use tools::ministack::environment as ministack_environment;

use std::process::ExitCode;

use anyhow::Result;

use crate::commands::Command;
use crate::support::process::{self, Interrupted};
use crate::support::root;
use crate::tools::link;

/// The exit code that shells report for a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Runs the command that the process's arguments ask for, or links for rustc.
pub fn main() -> ExitCode {
    let done = if link::is_called() { link::link() } else { run(&Command::parse()) };
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
            // It may quote what another program or a service has said.
            eprintln!("error: {}", kinesis_telemetry_terminal::lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    if command.needs_checkout() {
        root::find_root()?;
    }
    process::end_children_when_interrupted()?;
    command.run()
}
