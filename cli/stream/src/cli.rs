//! The command line.

use clap::{Parser, Subcommand};
use kinesis_telemetry_stream::Verify;

/// Read a telemetry stream, and verify that it is complete
#[derive(Parser)]
#[command(
    name = "kinesis-telemetry-stream",
    after_help = "Endpoint, region and credentials are taken from where every AWS tool takes them \
                  (AWS_ENDPOINT_URL_KINESIS, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE, ...)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compare a stream with the sandbox's journal of what the platform generated
    #[command(after_help = "Exit code: 0 complete, 1 not complete, 2 the check could not be made.")]
    Verify(Verify),
    /// Print every event of a stream, one per line
    Read {
        /// The Kinesis data stream
        #[arg(long, value_name = "NAME_OR_ARN")]
        stream: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
