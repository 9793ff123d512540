//! The command line. `cargo xtask bench` and `cargo xtask ci` call it; people call those.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures the overhead of extensions on this machine
#[derive(Parser)]
#[command(name = "xtask-bench")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure extensions in turn, and print how they compare
    Measure(Options),
    /// Count the instructions and the memory of a start, and print them as JSON
    Count {
        /// The extension
        #[arg(long, value_name = "PATH")]
        program: PathBuf,
    },
    /// Print the functions of a program in the order in which they first run
    Record {
        /// The extension, with its symbols
        #[arg(long, value_name = "PATH")]
        program: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct Options {
    /// This project's extension
    #[arg(long, value_name = "PATH")]
    pub(crate) extension: PathBuf,
    /// The extension that subscribes and acknowledges, against which the others are measured
    #[arg(long, value_name = "PATH")]
    pub(crate) floor: PathBuf,
    /// The extension that only registers and calls `next`
    #[arg(long, value_name = "PATH")]
    pub(crate) control: PathBuf,
    /// Another extension, with a name for the tables; can be repeated
    #[arg(long, value_name = "[NAME=]PATH", value_parser = named_program)]
    pub(crate) against: Vec<(String, PathBuf)>,
    /// The function
    #[arg(long, value_name = "PATH")]
    pub(crate) function: PathBuf,
    /// A variable for all extensions; can be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) settings: Vec<(String, String)>,
    /// Number of starts of each extension
    #[arg(long, value_name = "N", default_value = "40")]
    pub(crate) rounds: usize,
    /// Number of invocations in each environment of an extension
    #[arg(long, value_name = "N", default_value = "200")]
    pub(crate) invocations: usize,
    /// The longest time that one step of an extension may take
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub(crate) step_timeout: u64,
    /// Print the results as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also draw the results into an SVG file
    #[arg(long, value_name = "PATH")]
    pub(crate) svg: Option<PathBuf>,
}

fn assignment(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `NAME=PATH`, or a path whose last component is the name.
#[expect(clippy::unnecessary_wraps, reason = "a parser of arguments may fail")]
fn named_program(text: &str) -> Result<(String, PathBuf), &'static str> {
    if let Some((name, path)) = text.split_once('=') {
        return Ok((name.to_owned(), path.into()));
    }
    let path = PathBuf::from(text);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, path))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{Cli, named_program};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_program_without_a_name_is_called_as_its_file() {
        let named = |text| named_program(text).unwrap();
        assert_eq!(named("peer 7.0=/opt/peer"), ("peer 7.0".to_owned(), "/opt/peer".into()));
        assert_eq!(named("/opt/peer"), ("peer".to_owned(), "/opt/peer".into()));
    }
}
