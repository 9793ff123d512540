//! The command line: what may be asked for, and how it is documented.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, value_parser};
use kinesis_telemetry_stream::verify::{Terms, Verify};

pub(crate) enum Command {
    Verify(Verify),
    Read { stream: String },
}

/// Reads the process's arguments; prints help or a complaint and ends the process where it must.
pub(crate) fn parse() -> Command {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("verify", verify)) => Command::Verify(Verify {
            stream: required(verify, "stream"),
            journal: required(verify, "journal"),
            terms: Terms {
                show: required(verify, "show"),
                allow_unacknowledged: verify.get_flag("allow-unacknowledged"),
            },
            json: verify.get_flag("json"),
            report: verify.get_one("report").cloned(),
            wait: Duration::from_secs(required(verify, "wait")),
            width: required(verify, "width"),
        }),
        Some(("read", read)) => Command::Read { stream: required(read, "stream") },
        _ => unreachable!("clap accepts only the commands below, and requires one"),
    }
}

/// The value of an argument that is required or has a default, which clap has checked by now.
fn required<T: Clone + Send + Sync + 'static>(matches: &clap::ArgMatches, id: &str) -> T {
    matches.get_one::<T>(id).cloned().expect("clap refuses a command line without it")
}

fn command() -> clap::Command {
    let stream = || {
        Arg::new("stream")
            .long("stream")
            .value_name("NAME_OR_ARN")
            .required(true)
            .help("The Kinesis data stream")
    };
    clap::Command::new("kinesis-telemetry-stream")
        .about("Read a telemetry stream, and prove that it is complete")
        .after_help(
            "Endpoint, region and credentials are taken from where every AWS tool takes them \
             (AWS_ENDPOINT_URL_KINESIS, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE, ...).",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("verify")
                .about("Compare a stream with the sandbox's journal of what the platform generated")
                .after_help("Exit code: 0 complete, 1 not complete, 2 it could not be found out.")
                .arg(stream())
                .args(verify_arguments()),
        )
        .subcommand(
            clap::Command::new("read")
                .about("Print every event that a stream holds, one a line")
                .arg(stream()),
        )
}

fn verify_arguments() -> [Arg; 7] {
    [
        Arg::new("journal")
            .long("journal")
            .value_name("FILE")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("The journal that the sandbox wrote"),
        Arg::new("allow-unacknowledged")
            .long("allow-unacknowledged")
            .action(ArgAction::SetTrue)
            .help("Overlook events that never reached the extension, as in a run with faults"),
        Arg::new("show")
            .long("show")
            .value_name("N")
            .default_value("0")
            .value_parser(value_parser!(usize))
            .help("Show so many events as they arrived"),
        Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the report as JSON"),
        Arg::new("report")
            .long("report")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Also write the report to a file, as JSON"),
        Arg::new("wait")
            .long("wait")
            .value_name("SECONDS")
            .default_value("10")
            .value_parser(value_parser!(u64))
            .help("Read again until the stream is complete or this time is over"),
        Arg::new("width")
            .long("width")
            .value_name("COLUMNS")
            .default_value("100")
            .value_parser(value_parser!(usize))
            .help("The longest line to print"),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
