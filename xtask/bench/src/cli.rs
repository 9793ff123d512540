//! The command line. `cargo xtask bench` and `cargo xtask ci` call it; people call those.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// What an extension costs a function, measured on this machine
#[derive(Parser)]
#[command(name = "xtask-bench")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure extensions by turns, and print how they compare
    Measure(Options),
    /// Count the instructions and the memory of a start, and print them as JSON
    Count {
        /// The extension
        #[arg(long, value_name = "PATH")]
        program: PathBuf,
    },
    /// Print the functions of a program in the order in which a life first runs them
    Record {
        /// The extension, with its symbols
        #[arg(long, value_name = "PATH")]
        program: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct Options {
    /// An extension: this project's first, then the control, then any others
    #[arg(long = "program", value_name = "PATH", required = true)]
    pub(crate) programs: Vec<PathBuf>,
    /// The function
    #[arg(long, value_name = "PATH")]
    pub(crate) function: PathBuf,
    /// A variable for all extensions; may be given several times
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) settings: Vec<(String, String)>,
    /// How often each extension is started
    #[arg(long, value_name = "N")]
    pub(crate) rounds: usize,
    /// How often a busy function is invoked with each extension
    #[arg(long, value_name = "N")]
    pub(crate) invocations: usize,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
