//! The command line: what may be asked for, and how it is documented.

use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use crate::demo;

pub(crate) enum Command {
    Demo(demo::Options),
    Test {
        /// For the test binaries.
        arguments: Vec<OsString>,
    },
    Ci,
}

/// Reads the process's arguments; prints help or a complaint and ends the process where it must.
pub(crate) fn parse() -> Command {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("demo", demo)) => Command::Demo(demo::Options {
            invocations: value(demo, "invocations"),
            lines: value(demo, "lines"),
            bytes: value(demo, "bytes"),
            format: value(demo, "format"),
            fail: demo.get_flag("fail"),
            json: demo.get_flag("json"),
            keep: demo.get_flag("keep"),
        }),
        Some(("test", test)) => Command::Test {
            arguments: test.get_many("arguments").into_iter().flatten().cloned().collect(),
        },
        Some(("ci", _)) => Command::Ci,
        _ => unreachable!("clap accepts only the commands below, and requires one"),
    }
}

/// The value of an argument that has a default.
fn value<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> T {
    matches.get_one::<T>(id).cloned().expect("it has a default")
}

fn command() -> clap::Command {
    clap::Command::new("xtask")
        .bin_name("cargo xtask")
        .about("The project's commands")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(demo_command())
        .subcommand(
            clap::Command::new("test")
                .about("Run every test there is, with the tools they need installed under target/")
                .after_help(
                    "Tests that need a tool which this machine does not have are skipped by name; \
                     with CI=true that is a failure.",
                )
                .arg(
                    Arg::new("arguments")
                        .value_name("ARGUMENTS")
                        .num_args(0..)
                        .last(true)
                        .value_parser(value_parser!(OsString))
                        .help("For the test binaries: a filter, --nocapture, ..."),
                ),
        )
        .subcommand(
            clap::Command::new("ci").about(
                "Run what must pass before a change is taken: format, clippy, licences, tests",
            ),
        )
}

fn demo_command() -> clap::Command {
    clap::Command::new("demo")
        .about("Run a function with the extension, here, and show its telemetry arrive in a stream")
        .after_help(
            "Needs Node, for a Kinesis on this machine, and no AWS account. Exit code 1 if an event \
             is never acknowledged, missing, doubled, or not as the platform generated it. The Kinesis is \
             for trying out: above a MB or two an invocation it may not keep up.",
        )
        .arg(
            number("invocations", "3", "How often the function is invoked")
                .value_parser(value_parser!(u32)),
        )
        .arg(
            // More would only show at length that Lambda drops what nobody can take so fast.
            number("lines", "10", "How many lines it logs each time, at most 100000")
                .value_parser(value_parser!(u32).range(..=100_000)),
        )
        .arg(
            // Lambda makes several events of a longer line.
            number("bytes", "120", "How long a line is, at most 262144")
                .value_parser(value_parser!(u32).range(..=262_144)),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value("text")
                .value_parser(PossibleValuesParser::new(["text", "json"]))
                .help("The function's log format"),
        )
        .arg(flag("fail", "The function fails each time"))
        .arg(flag("json", "Print one JSON document instead"))
        .arg(flag("keep", "Leave the Kinesis running, and say how to read the stream"))
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("N").default_value(default).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
