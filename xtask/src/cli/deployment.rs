//! The commands that have to do with AWS, and what is asked of them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use extension_spec::deployment::{self, Architecture};

use super::{flag, value};
use crate::project::stages;

/// One deployment of everything.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) stage: String,
    /// Of a further deployment in its account and region.
    pub(crate) name: Option<String>,
    /// The folder with what is deployed. Otherwise that is built.
    pub(crate) zips: Option<PathBuf>,
    pub(crate) organization: Option<String>,
    /// Of the test function.
    pub(crate) architecture: Option<String>,
}

/// What is done with it.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Deploy,
    Diff,
    Destroy { yes: bool },
    Bootstrap,
    Cdk { arguments: Vec<OsString> },
}

/// What `matches` ask for, if they are of one of these commands.
pub(super) fn read(command: &str, matches: &ArgMatches) -> Option<(Deployment, Verb)> {
    let verb = match command {
        "deploy" => Verb::Deploy,
        "diff" => Verb::Diff,
        "destroy" => Verb::Destroy { yes: matches.get_flag("yes") },
        "bootstrap" => Verb::Bootstrap,
        "cdk" => Verb::Cdk {
            arguments: matches.get_many("arguments").into_iter().flatten().cloned().collect(),
        },
        _ => return None,
    };
    let deployment = Deployment {
        stage: value(matches, "stage"),
        name: optional(matches, "name"),
        zips: optional(matches, "zips"),
        organization: optional(matches, "organization"),
        architecture: optional(matches, "test-arch"),
    };
    Some((deployment, verb))
}

/// The value of an argument that some of the commands have.
fn optional<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> Option<T> {
    matches.try_get_one::<T>(id).ok().flatten().cloned()
}

pub(super) fn commands() -> [Command; 5] {
    [
        command(
            "deploy",
            "Deploy a stage to AWS: stream, layers, policy, alarms, and the test function",
        )
        .after_help(
            "Needs Node, AWS credentials, a region and the CDK's bootstrap stack there (cargo xtask bootstrap), all of which is \
             checked first. Without --zips it packages what it deploys, for which Python is needed as well.",
        )
        .arg(name())
        .args(what()),
        command("diff", "Say what deploying a stage would change, and change nothing").arg(name()).args(what()),
        command("destroy", "Delete a stage from AWS, after asking, and say what is left")
            .arg(name())
            .arg(flag("yes", "Do not ask")),
        command(
            "bootstrap",
            "Prepare an account and a region for the CDK, once for all that it deploys there",
        ),
        command("cdk", "Run any other command of the CDK on a stage: list, drift, rollback, ...")
            .arg(name())
            .args(what())
            .arg(
                Arg::new("arguments")
                    .value_name("ARGUMENTS")
                    .num_args(1..)
                    .last(true)
                    .required(true)
                    .value_parser(value_parser!(OsString))
                    .help("Command and options of the CDK"),
            ),
    ]
}

fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).arg(
        Arg::new("stage")
            .value_name("STAGE")
            .required(true)
            .value_parser(PossibleValuesParser::new(stages::names()))
            .help("Settings under which all of it is deployed (docs/reference.md)"),
    )
}

fn name() -> Arg {
    Arg::new("name")
        .long("name")
        .value_name("NAME")
        .value_parser(named)
        .help("Name of a further deployment in the same account and region")
}

fn named(name: &str) -> Result<String, String> {
    if deployment::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("set {}", deployment::NAME.1))
    }
}

/// What is deployed.
fn what() -> [Arg; 3] {
    [
        Arg::new("zips")
            .long("zips")
            .value_name("FOLDER")
            .value_parser(value_parser!(PathBuf))
            .help("Folder with the zips of cargo xtask package, or of a release; nothing is built then"),
        Arg::new("organization")
            .long("organization")
            .value_name("ID")
            .help("Organisation (o-...) whose accounts may use the layers"),
        Arg::new("test-arch")
            .long("test-arch")
            .value_name("ARCHITECTURE")
            .default_value(Architecture::X86_64.name())
            .value_parser(PossibleValuesParser::new(Architecture::ALL.map(Architecture::name)))
            .help("Architecture of the test function; layers are deployed for both"),
    ]
}
