//! Start, loop and configuration: the only module that knows all others.

mod config;
mod run;
mod start;

use std::io::Write as _;
use std::process::ExitCode;

use extension_spec::EXTENSION_NAME;

pub use config::Environment;

use crate::base::{VERSION, log};

/// Runs the extension as a process, from reading the environment variables to the exit code.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--version") {
        // Lambda starts the program without arguments. A closed stdout is no reason to fail.
        _ = writeln!(std::io::stdout(), "{EXTENSION_NAME} {VERSION}");
        return ExitCode::SUCCESS;
    }
    let early = start::begin();
    // `vars` would panic at a variable that is not Unicode, and the function shares this environment.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::read(variables);
    // One thread: the extension shares a slice of a CPU with the function.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let end = runtime.block_on(start::start(environment, early));
            // Does not wait, because a name lookup may hang for longer than Lambda lets the process live.
            runtime.shutdown_background();
            ExitCode::from(end as u8)
        }
        Err(error) => {
            log::error(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}
