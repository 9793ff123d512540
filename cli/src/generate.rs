//! `completions` and `man`: generated from the declaration of the command line.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr as _;

use anyhow::{Context, Result, anyhow};
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use kinesis_telemetry_args::CommandLine;
use kinesis_telemetry_stream::stdout;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: &str) -> Result<ExitCode> {
    let shell = Shell::from_str(shell).map_err(|why| anyhow!(why))?;
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    stdout::try_write(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of the program, or writes those of all commands into a folder.
pub(crate) fn man(folder: Option<&Path>) -> Result<ExitCode> {
    let command = CommandLine::command();
    if let Some(folder) = folder {
        let unwritable = || format!("the manual pages cannot be written to {}", folder.display());
        fs::create_dir_all(folder).with_context(unwritable)?;
        clap_mangen::generate_to(command, folder).with_context(unwritable)?;
    } else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).context("the manual page cannot be generated")?;
        stdout::try_write(&page)?;
    }
    Ok(ExitCode::SUCCESS)
}
