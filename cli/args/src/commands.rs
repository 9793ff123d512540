//! The commands and their options.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum, value_parser};
use extension_spec::LogLevel;

use crate::since::Since;
use crate::target::{Deployment, Source, name, stream_arn};

/// How often `invoke` can invoke the test function.
pub const INVOCATIONS: RangeInclusive<i64> = 1..=1000;
/// The formats of a table, in the order of the help.
pub const TABLE_FORMATS: [TableFormat; 3] =
    [TableFormat::Table, TableFormat::Json, TableFormat::Csv];

/// A command.
#[allow(missing_docs, reason = "the help of a command is that of its options")]
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum Command {
    Tail(Tail),
    Top(Top),
    Report(Report),
    Doctor(Doctor),
    Functions(Functions),
    Outputs(Outputs),
    Invoke(Invoke),
    Redrive(Redrive),
    /// Print the account and region that the credentials lead to, and the deployment there, as JSON.
    #[command(
        hide = true,
        after_help = "cargo xtask runs this before it deploys. Exit code: 0, or 2 with the reason within ten seconds."
    )]
    Preflight {
        /// Name of the deployment, if it has one.
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: Option<String>,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "\
Examples:
  kinesis-telemetry completions bash > ~/.local/share/bash-completion/completions/kinesis-telemetry
  kinesis-telemetry completions zsh > \"${fpath[1]}/_kinesis-telemetry\"
  kinesis-telemetry completions fish > ~/.config/fish/completions/kinesis-telemetry.fish")]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(["bash", "elvish", "fish", "powershell", "zsh"]))]
        shell: String,
    },
    /// Print the manual page, or write the pages of all commands into a folder.
    #[command(after_help = "\
Examples:
  kinesis-telemetry man | man -l -
  kinesis-telemetry man --folder ~/.local/share/man/man1")]
    Man {
        /// Folder for one page a command.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// Show the events of a stream as they arrive.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "\
tail reads all shards, including those that a reshard adds, and every format that the extension writes. An event is shown if \
it meets all conditions. Ctrl-C ends tail.

Examples:
  kinesis-telemetry tail --since 5m
  kinesis-telemetry tail --function orders --level warn --grep 'timeout|refused'
  kinesis-telemetry tail --request 8f3c --since 1h --format text
  kinesis-telemetry tail --stream orders --since 2026-11-29 --json | jq .record")]
pub struct Tail {
    /// The stream.
    #[command(flatten)]
    pub source: Source,
    /// Start this long ago (5m, 2h, 1d) or at a timestamp, instead of now.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Show only events of this function; a part of its name is enough.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Show only events of this type, or of a group of types ("platform"); can be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Hide log lines below this level; other events, and lines without a known level, are shown.
    #[arg(long, value_name = "LEVEL", value_parser = level())]
    pub level: Option<LogLevel>,
    /// Show only events of the invocation whose request ID begins with this.
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Show only events whose text matches this regular expression.
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// How to show an event.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "json")]
    pub format: Format,
    /// Same as --format json.
    #[arg(long)]
    pub json: bool,
    /// End after this many seconds.
    #[arg(long = "seconds", value_name = "N", value_parser = seconds(0..))]
    pub lasts: Option<Duration>,
    /// End after this many events.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub events: Option<u64>,
    /// Use enhanced fan-out: register a consumer, which AWS bills, and deregister it at the end.
    #[arg(long)]
    pub enhanced_fan_out: bool,
}

/// How `tail` shows an event.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One line for people: time, invocation, level and text.
    #[default]
    Pretty,
    /// The text alone, as Lambda writes it to CloudWatch Logs.
    Text,
    /// One JSON document a line, with the event's identity in "source".
    Json,
    /// The lines of the records as they are, after decompression and de-aggregation.
    Raw,
}

/// Show functions and instances live: rates, delivery lag, failures, memory, missing numbers.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "\
Keys: arrows or j/k select, Enter shows the instances of a function, Esc goes back, s changes the order, / filters, ? explains,
q ends. If the output is no terminal, top prints a table every --interval, once it has read up to now.

Examples:
  kinesis-telemetry top
  kinesis-telemetry top --since 1h --sort missing
  kinesis-telemetry top --interval 60 --count 1 --json")]
pub struct Top {
    /// The stream.
    #[command(flatten)]
    pub source: Source,
    /// Read events from this long ago (5m, 2h, 1d) or from a timestamp, instead of from now.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Show only functions whose name contains this.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Order of the rows.
    #[arg(long, value_enum, value_name = "COLUMN", default_value_t)]
    pub sort: Order,
    /// Seconds between two tables, or between two updates of the screen.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds(1..=3600))]
    pub interval: Duration,
    /// End after this many tables.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Print each table as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The column by which `top` orders its rows, the largest value first.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Events per second.
    #[default]
    Events,
    /// Bytes per second.
    Bytes,
    /// 99th percentile of the delivery lag.
    Lag,
    /// Invocations.
    Invocations,
    /// Failed invocations.
    Failures,
    /// Memory high-water mark.
    Memory,
    /// Missing numbers.
    Missing,
    /// Name, in alphabetical order.
    Name,
}

/// Write one self-contained HTML page about the invocations in a stream.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "\
The page shows a timeline of the invocations, durations and delivery lag, failures with their log lines, and which events are \
missing. It needs no network. Exit code: 0 if nothing is missing, 1 otherwise.

Examples:
  kinesis-telemetry report --since 1h --html report.html
  kinesis-telemetry report --stream telemetry --since 1d --function orders --html orders.html")]
pub struct Report {
    /// The stream.
    #[command(flatten)]
    pub source: Source,
    /// Start of the period: this long ago (5m, 2h, 1d) or a timestamp.
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub since: Since,
    /// Report only functions whose name contains this.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// The file to write.
    #[arg(long, value_name = "FILE", required_unless_present = "json")]
    pub html: Option<PathBuf>,
    /// Print the report's data as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Check that no event is missing, for schedulers and alarms.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "\
The numbers of each extension process have no holes. A missing number is explained if a ledger reports it as shed. The newest \
events may still be on their way, so numbers are judged once a later event is --settle old. \
Prints one line of JSON. Exit code: 0 if no number is missing without an explanation, 1 if one is, 2 if the stream could \
not be read.

Examples:
  kinesis-telemetry completeness --since 15m
  kinesis-telemetry completeness --since 15m --metric  # also puts the CloudWatch metric MissingEvents")]
pub struct Completeness {
    /// The stream.
    #[command(flatten)]
    pub source: Source,
    /// Start of the period: this long ago (5m, 2h, 1d) or a timestamp.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub since: Since,
    /// Seconds for which an event may be late.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds(0..=86_400))]
    pub settle: Duration,
    /// Put the number of missing events to CloudWatch, as MissingEvents in the namespace KinesisTelemetry.
    #[arg(long)]
    pub metric: bool,
    /// Accepted for symmetry: the output is always JSON.
    #[arg(long, hide = true)]
    pub json: bool,
}

/// Check everything between the credentials and the stream, and report what is broken.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
doctor changes nothing. It checks credentials, parameters, layers, the function and its role, the stream and its key, the age of \
the newest record, the dead-letter queue, and what the extension itself logged in the last hour. \
Exit code: 0 if everything is well, 1 if something is broken or could not be checked, 2 if nothing could be found out.

Examples:
  kinesis-telemetry doctor
  kinesis-telemetry doctor --function orders
  kinesis-telemetry doctor --all --json")]
pub struct Doctor {
    /// The deployment.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Check this function instead of the test function.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Check every function that has the layer.
    #[arg(long, conflicts_with = "function")]
    pub all: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// List the functions that have the extension's layer: version, settings, who manages them.
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
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

/// Print the values that a deployment publishes, links to the console, and snippets that add the extension to a function.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  kinesis-telemetry outputs
  kinesis-telemetry outputs --snippet terraform >> telemetry.tf
  kinesis-telemetry outputs --json | jq -r .streamArn")]
pub struct Outputs {
    /// The deployment.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Print only the snippet for this tool.
    #[arg(long, value_enum, value_name = "TOOL", conflicts_with = "json")]
    pub snippet: Option<Snippet>,
    /// Print the values as JSON, without snippets.
    #[arg(long)]
    pub json: bool,
}

/// A tool by which people deploy functions.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snippet {
    /// AWS CDK in TypeScript.
    Cdk,
    /// AWS CDK in Python.
    CdkPython,
    /// AWS SAM template.
    Sam,
    /// Terraform.
    Terraform,
    /// AWS CLI.
    Cli,
}

/// Invoke the test function, and verify that its telemetry arrives.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
While events are missing, invoke also makes invocations without log lines: Lambda delivers the report of one invocation during \
the next. Exit code: 0 if every event of the invocations arrived and no number is missing, 1 otherwise.

Examples:
  kinesis-telemetry invoke
  kinesis-telemetry invoke --count 100 --concurrency 10 --html invocations.html")]
pub struct Invoke {
    /// The deployment whose test function is invoked.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Number of invocations, at most 1000.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u32).range(INVOCATIONS))]
    pub count: u32,
    /// Number of lines that each invocation logs, at most 100000.
    #[arg(long, value_name = "N", default_value = "10", value_parser = value_parser!(u32).range(..=100_000))]
    pub lines: u32,
    /// Size of a line in bytes, at most 262144.
    #[arg(long, value_name = "N", default_value = "120", value_parser = value_parser!(u32).range(..=262_144))]
    pub bytes: u32,
    /// Number of invocations at the same time, at most 100.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=100))]
    pub concurrency: u32,
    /// Seconds after which events that have not arrived count as lost.
    #[arg(long, value_name = "N", default_value = "60", value_parser = seconds(1..=3600))]
    pub deadline: Duration,
    /// Also write a page about the invocations.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Put the dead letters of a deployment back into its stream.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
A dead letter is a record that the stream did not accept; it waits in the deployment's queue. Repair the cause first: \
kinesis-telemetry doctor. redrive deletes a message after the stream has acknowledged its record, and events keep their \
identity. Every function that may send to the queue can write a letter, so letters for other streams stay in the queue and are \
listed. Exit code: 0 if the queue is empty, 1 if letters are left, each with the reason, 130 if interrupted.

Examples:
  kinesis-telemetry redrive
  kinesis-telemetry redrive --also-to arn:aws:kinesis:eu-central-1:111122223333:stream/orders")]
pub struct Redrive {
    /// The deployment whose queue is emptied.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Seconds without a message after which the queue counts as empty, at most 20.
    #[arg(long, value_name = "N", default_value = "20", value_parser = seconds(1..=20))]
    pub quiet: Duration,
    /// Also put letters into this stream, by its full ARN; can be repeated.
    #[arg(long, value_name = "ARN", value_parser = stream_arn)]
    pub also_to: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

fn level() -> impl TypedValueParser<Value = LogLevel> {
    let words = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::word));
    words.map(|word| LogLevel::parse(&word).expect("clap accepts only the words of levels"))
}

fn seconds(range: impl std::ops::RangeBounds<u64>) -> impl TypedValueParser<Value = Duration> {
    value_parser!(u64).range(range).map(Duration::from_secs)
}
