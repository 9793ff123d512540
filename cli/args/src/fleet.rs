//! The commands that work on many functions, and their options.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum, value_parser};
use extension_spec::{ENV_PREFIX, load};

use crate::snippets::Snippet;
use crate::target::Deployment;

/// List the functions that have the extension's layer, with version, settings and the tool that manages them.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  kinesis-telemetry functions
  kinesis-telemetry functions --format csv > functions.csv
  kinesis-telemetry functions --json | jq -r '.[] | select(.behind > 0).name'")]
pub struct Functions {
    /// The deployment whose layer the functions have.
    #[command(flatten)]
    pub deployment: Deployment,
    /// How to print the list.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "json")]
    pub format: TableFormat,
    /// Same as --format json.
    #[arg(long)]
    pub json: bool,
}

/// How a table is printed.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// Add the extension to existing functions: layer, variables and the policy of their roles.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(
    group(ArgGroup::new("selector").args(["functions", "pattern", "tags", "all", "emit"]).required(true).multiple(true)),
    after_help = "\
attach first prints a plan: the changes of each function, and the reason for each function that is not changed. Other layers \
keep their order, and other variables stay. The journal records what rollback restores. Run the same command again to continue \
an interrupted run. Exit code: 0 if every function has the extension, 1 if some do not, 2 if nothing could be done.

Examples:
  kinesis-telemetry attach --match '^shop-' --dry-run
  kinesis-telemetry attach --tag team=payments --exclude 'payments-.*-test' --set SAMPLE=0.05
  kinesis-telemetry attach --function orders --function invoices --yes
  kinesis-telemetry attach --emit terraform"
)]
pub struct Attach {
    /// The deployment whose layer the functions get.
    #[command(flatten)]
    pub deployment: Deployment,
    /// The functions.
    #[command(flatten)]
    pub selection: Selection,
    /// Set this variable of the extension, with or without the prefix of its name; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// Change functions that CloudFormation or SAM manages, too; their next deployment may undo it.
    #[arg(long)]
    pub include_managed: bool,
    /// Instead print the snippet for this tool, for functions that it manages.
    #[arg(long, value_name = "TOOL", value_parser = tool(), conflicts_with_all = ["functions", "pattern", "tags", "all"])]
    pub emit: Option<Snippet>,
    /// How the command runs.
    #[command(flatten)]
    pub run: Run,
}

/// Replace the extension's layer by the published version, in place.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(
    group(ArgGroup::new("selector").args(["functions", "pattern", "tags", "all"]).required(true).multiple(true)),
    after_help = "\
upgrade changes only the layer; variables and policies stay. Functions without the layer are not changed. Exit code: 0 if every \
function with the layer has the published version, 1 if some do not, 2 if nothing could be done.

Examples:
  kinesis-telemetry upgrade --all --dry-run
  kinesis-telemetry upgrade --function orders --yes"
)]
pub struct Upgrade {
    /// The deployment whose layer is upgraded.
    #[command(flatten)]
    pub deployment: Deployment,
    /// The functions.
    #[command(flatten)]
    pub selection: Selection,
    /// Change functions that CloudFormation or SAM manages, too; their next deployment may undo it.
    #[arg(long)]
    pub include_managed: bool,
    /// How the command runs.
    #[command(flatten)]
    pub run: Run,
}

/// Remove the extension from functions: its layer, its variables, and the policy if no other function of the role needs it.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(
    group(ArgGroup::new("selector").args(["functions", "pattern", "tags", "all"]).required(true).multiple(true)),
    after_help = "\
detach removes the deployment's layers and all variables of the extension. To restore what functions had before attach, use \
rollback. Exit code: 0 if no selected function has the extension, 1 if some do, 2 if nothing could be done.

Examples:
  kinesis-telemetry detach --match '^shop-' --dry-run
  kinesis-telemetry detach --function orders --yes"
)]
pub struct Detach {
    /// The deployment whose layer is removed.
    #[command(flatten)]
    pub deployment: Deployment,
    /// The functions.
    #[command(flatten)]
    pub selection: Selection,
    /// Change functions that CloudFormation or SAM manages, too; their next deployment may undo it.
    #[arg(long)]
    pub include_managed: bool,
    /// How the command runs.
    #[command(flatten)]
    pub run: Run,
}

/// Restore the layers, variables and policies that a journal records.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(after_help = "\
rollback restores the state of functions before the first change in the journal that was not rolled back. Later changes by \
others stay, and rollback lists them. It can be repeated. Exit code: 0 if everything is restored, 1 if something is not, 2 if \
nothing could be done.

Examples:
  kinesis-telemetry rollback --dry-run
  kinesis-telemetry rollback --journal changes.jsonl --function orders --yes")]
pub struct Rollback {
    /// The deployment that the functions were attached to.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Restore only this function; can be repeated.
    #[arg(long = "function", value_name = "NAME", value_parser = function)]
    pub functions: Vec<String>,
    /// How the command runs.
    #[command(flatten)]
    pub run: Run,
}

/// Functions of an account and region. A function is selected if it has one of the names, or meets all other conditions.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct Selection {
    /// Select this function; can be repeated.
    #[arg(long = "function", value_name = "NAME", value_parser = function)]
    pub functions: Vec<String>,
    /// Select functions whose names match this regular expression.
    #[arg(long = "match", value_name = "REGEX")]
    pub pattern: Option<String>,
    /// Select functions with this tag; can be repeated, and a function must have all of them.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
    /// Select all functions.
    #[arg(long)]
    pub all: bool,
    /// Exclude this function, or functions whose names match this regular expression; can be repeated.
    #[arg(long, value_name = "NAME|REGEX")]
    pub exclude: Vec<String>,
}

/// How a command that changes functions runs.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(skip)]
#[allow(clippy::struct_excessive_bools, reason = "each is a separate option")]
pub struct Run {
    /// Print the plan, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Apply the plan without asking.
    #[arg(long)]
    pub yes: bool,
    /// Publish a version of changed functions whose callers use published versions; aliases are listed, not moved.
    #[arg(long)]
    pub publish: bool,
    /// Requests per second to Lambda's control plane, at most 15, which is the limit of an account and region for all tools.
    #[arg(long, value_name = "N", default_value = "8", value_parser = value_parser!(u32).range(1..=15))]
    pub rate: u32,
    /// File that records what rollback restores; defaults to one per account and deployment in ~/.local/state/kinesis-telemetry.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Default for Run {
    fn default() -> Self {
        let (dry_run, yes, publish, json) = (false, false, false, false);
        Self { dry_run, yes, publish, rate: 8, journal: None, json }
    }
}

/// Refuses text that cannot be the name of a function.
fn function(name: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.len() <= 140 && name.chars().all(is_good) {
        Ok(name.to_owned())
    } else {
        Err("set the name of a function: letters, digits, \"-\" or \"_\"".to_owned())
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("set KEY=VALUE".to_owned()),
    }
}

/// Parses a setting, and returns the full name of its variable. Refuses unknown variables and invalid values.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text).map_err(|_| "set NAME=VALUE".to_owned())?;
    let name = match name.strip_prefix(ENV_PREFIX) {
        Some(_) => name,
        None => format!("{ENV_PREFIX}{name}"),
    };
    match load([(&name, &value)]).problems.first() {
        Some(problem) => Err(problem.to_string()),
        None => Ok((name, value)),
    }
}

fn tool() -> impl TypedValueParser<Value = Snippet> {
    let words = PossibleValuesParser::new(["cdk", "cdk-python", "sam", "terraform"]);
    words.map(|word| {
        <Snippet as ValueEnum>::from_str(&word, false).expect("every tool has a snippet")
    })
}
