//! The command line. `cargo xtask verify` is its only caller.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Compare Lambda with the sandbox.
#[derive(Parser)]
#[command(
    name = "xtask-verify",
    after_help = "Exit code: 0 if nothing differs but what is known, 1 if something differs or is missing, 2 if it could not be found out."
)]
pub(crate) struct Cli {
    /// What cdk deploy --outputs-file wrote about the deployment for verification.
    #[arg(long, value_name = "FILE")]
    pub(crate) outputs: PathBuf,
    /// The extension, for the sandbox.
    #[arg(long, value_name = "PATH")]
    pub(crate) extension: PathBuf,
    /// The test function, for the sandbox.
    #[arg(long, value_name = "PATH")]
    pub(crate) function: PathBuf,
    /// The stage, for the report.
    #[arg(long, value_name = "STAGE")]
    pub(crate) stage: String,
    /// The account, which is removed from the report and the samples.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: String,
    /// Folder for the report and the samples.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Longest time until everything has arrived in the stream.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120")]
    pub(crate) patience: Duration,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
