//! The command line: what may be asked for, and how it is documented.

mod deployment;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use extension_spec::deployment::Architecture;

use crate::commands::bench;

use crate::commands::demo;

use crate::project::stages;
pub(crate) use deployment::{Deployment, Verb};

/// Every architecture.
const ALL: &str = "all";

pub(crate) enum Command {
    Demo(demo::Options),
    /// `demo --full`: the whole story, from deploying to destroying.
    FullDemo(demo::full::Options),
    Test {
        /// For the test binaries.
        arguments: Vec<OsString>,
    },
    Bench(bench::Options),
    Ci,
    Build {
        architectures: Vec<Architecture>,
    },
    Package {
        architectures: Vec<Architecture>,
        verify: bool,
    },
    Synth {
        check: bool,
    },
    Upgrade {
        write: bool,
    },
    /// What has to do with AWS.
    OnAws(Deployment, Verb),
    /// What is asked of a deployment, as it was typed: another program reads it again.
    Ask {
        arguments: Vec<OsString>,
    },
    /// A part of `upgrade`.
    Lock,
}

/// The files that declare the commands, as the compiler names them.
pub(crate) const DECLARED_IN: [&str; 2] = [file!(), kinesis_telemetry_args::DECLARED_IN];

/// Reads the process's arguments; prints help or a complaint and ends the process where it must.
pub(crate) fn parse() -> Command {
    read(std::env::args_os())
}

/// The same for these, the program's name first.
pub(crate) fn read(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Command {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let matches = command().get_matches_from(arguments.clone());
    match matches.subcommand() {
        Some(("demo", demo)) if demo.get_flag("full") => Command::FullDemo(demo::full::Options {
            invocations: value(demo, "invocations"),
            lines: value(demo, "lines"),
            bytes: value(demo, "bytes"),
        }),
        Some(("demo", demo)) => Command::Demo(demo::Options {
            invocations: value(demo, "invocations"),
            lines: value(demo, "lines"),
            bytes: value(demo, "bytes"),
            format: value(demo, "format"),
            mode: mode(demo),
            fail: demo.get_flag("fail"),
            json: demo.get_flag("json"),
            keep: demo.get_flag("keep"),
            layer: demo.get_one::<String>("layer").and_then(|name| layer(name)),
        }),
        Some(("bench", bench)) => Command::Bench(bench::Options {
            against: bench.get_many("against").into_iter().flatten().cloned().collect(),
            env: bench.get_many("env").into_iter().flatten().cloned().collect(),
            rounds: value(bench, "rounds"),
            invocations: value(bench, "invocations"),
            json: bench.get_flag("json"),
            svg: bench.get_one("svg").cloned(),
        }),
        Some(("test", test)) => Command::Test {
            arguments: test.get_many("arguments").into_iter().flatten().cloned().collect(),
        },
        Some(("ci", _)) => Command::Ci,
        Some(("build", build)) => Command::Build { architectures: architectures(build) },
        Some(("package", package)) => Command::Package {
            architectures: architectures(package),
            verify: package.get_flag("verify"),
        },
        Some(("synth", synth)) => Command::Synth { check: synth.get_flag("check") },
        Some(("upgrade", upgrade)) if upgrade.get_flag("lock") => Command::Lock,
        Some(("upgrade", upgrade)) => Command::Upgrade { write: upgrade.get_flag("write") },
        Some((name, matches)) if let Some((deployment, verb)) = deployment::read(name, matches) => {
            Command::OnAws(deployment, verb)
        }
        Some((name, matches)) if kinesis_telemetry_args::read(name, matches).is_some() => {
            Command::Ask { arguments: arguments.into_iter().skip(1).collect() }
        }
        _ => unreachable!("clap accepts only the commands below, and requires one"),
    }
}

/// How Lambda is to run the function.
fn mode(matches: &ArgMatches) -> demo::Mode {
    let name: String = value(matches, "mode");
    let mode = demo::Mode::ALL.into_iter().find(|mode| mode.name() == name);
    mode.expect("clap insists on one of them")
}

/// Those that were asked for.
fn architectures(matches: &ArgMatches) -> Vec<Architecture> {
    let name: String = value(matches, "arch");
    let is_meant = |it: &Architecture| name == ALL || name == it.name();
    Architecture::ALL.into_iter().filter(is_meant).collect()
}

/// The value of an argument that has a default.
fn value<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> T {
    matches.get_one::<T>(id).cloned().expect("it has a default")
}

pub(crate) fn command() -> clap::Command {
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
        .subcommand(bench_command())
        .subcommand(
            clap::Command::new("ci")
                .about(
                    "Run what must pass before a change is taken: format, clippy, licences, tests, layers, budgets",
                )
                .after_help(
                    "With CI=true it installs what the proofs of the layers need (valgrind, an emulator of arm64), where \
                     apt-get is there and may; otherwise it says what to install.",
                ),
        )
        .subcommand(
            clap::Command::new("build")
                .about("Build the extension as it ships, and the test function: static programs for each architecture")
                .after_help("Needs Python, for the C compiler, which is installed under target/.")
                .arg(architecture()),
        )
        .subcommand(
            clap::Command::new("package")
                .about(
                    "Build, and make the zips of layers and test function: target/layers/*.zip, with checksums and SBOMs",
                )
                .after_help(
                    "The same source gives the same bytes, wherever and whenever it is packaged.",
                )
                .arg(architecture())
                .arg(flag(
                    "verify",
                    "Package once more, in another folder and time zone, and hold the bytes against each other",
                )),
        )
        .subcommands(deployment::commands())
        .subcommands(kinesis_telemetry_args::commands(&stages::names().collect::<Vec<_>>()))
        .subcommand(
            clap::Command::new("synth")
                .about("Write every generated file that is not as xtask/src/project describes it")
                .arg(flag(
                    "check",
                    "Write nothing: say what is not as described, and end with 4 if anything is",
                )),
        )
        .subcommand(
            clap::Command::new("upgrade")
                .about(
                    "Say which pinned npm packages, Python packages, actions and tools are behind",
                )
                .after_help("The crates are cargo's and Dependabot's business.")
                .arg(flag(
                    "write",
                    "Pin the newer versions, and have generated files and lock files follow",
                ))
                .arg(
                    flag("lock", "Only have lock files follow what is pinned by now")
                        .conflicts_with("write"),
                ),
        )
}

fn demo_command() -> clap::Command {
    clap::Command::new("demo")
        .about("Run a function with the extension, here, and show its telemetry arrive in a stream")
        .after_help(
            "Needs Node, for a Kinesis on this machine, and no AWS account. Ctrl-C ends all of it. Exit code 1 if an event \
             is never acknowledged, missing, duplicated, or not as the platform generated it. The Kinesis is \
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
            number("bytes", "120", "How many bytes a line has, at most 262144")
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
        .arg(
            Arg::new("mode")
                .long("mode")
                .value_name("MODE")
                .default_value(demo::Mode::default().name())
                .value_parser(PossibleValuesParser::new(demo::Mode::ALL.map(demo::Mode::name)))
                .help("Kind of environment in which Lambda runs the function; managed instances take two invocations at a time"),
        )
        .arg(flag("fail", "Have the function fail each time"))
        .arg(flag("json", "Print one JSON document instead of the timeline"))
        .arg(flag("keep", "Leave the Kinesis running, and say how to read the stream and how to end it"))
        .arg(
            Arg::new("layer")
                .long("layer")
                .value_name("WHERE")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(demo::Layer::ALL[0].0)
                .value_parser(PossibleValuesParser::new(demo::Layer::ALL.map(|(name, _)| name)))
                .help(
                    "Run the extension as the layer ships it, which takes minutes to build: here, for arm64 under an \
                     emulator where need be, or alone in an empty root file system",
                ),
        )
        .arg(
            flag(
                "full",
                "Instead deploy a stage to an AWS on this machine, invoke, tail, redrive, destroy: needs Python as well, takes minutes, \
                 and of the other options --invocations, --lines and --bytes",
            )
                .conflicts_with_all(["format", "mode", "fail", "json", "keep", "layer"]),
        )
}

fn bench_command() -> clap::Command {
    clap::Command::new("bench")
        .about("Measure what the extension costs a function, beside one that does nothing")
        .after_help(
            "Prints medians and ratios; what is compared is measured by turns. Runs on Linux, and takes some minutes. \
             The extension is what ships; the one that does nothing registers and calls next.",
        )
        .arg(
            path("against", "Another extension to measure beside them, once or several times")
                .action(ArgAction::Append),
        )
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("A variable for all of them, such as a setting"),
        )
        .arg(
            number("rounds", "40", "How often each is started")
                .value_parser(value_parser!(usize)),
        )
        .arg(
            number("invocations", "300", "How often a busy function is invoked with each")
                .value_parser(value_parser!(usize)),
        )
        .arg(flag("json", "Print one JSON document instead"))
        .arg(path("svg", "Write a picture, too"))
}

fn path(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("PATH").value_parser(value_parser!(PathBuf)).help(help)
}

/// By its name, which clap has checked.
fn layer(name: &str) -> Option<demo::Layer> {
    demo::Layer::ALL.into_iter().find(|(it, _)| *it == name).map(|(_, layer)| layer)
}

fn architecture() -> Arg {
    let names = Architecture::ALL.map(Architecture::name).into_iter().chain([ALL]);
    Arg::new("arch")
        .long("arch")
        .value_name("ARCHITECTURE")
        .default_value(ALL)
        .value_parser(PossibleValuesParser::new(names))
        .help("For which functions")
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
