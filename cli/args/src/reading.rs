//! Options of the commands that read a stream.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, value_parser};
use extension_spec::LogLevel;

use crate::since::Since;
use crate::target::{Source, seconds};

/// Show the events of a stream as they arrive.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "\
tail reads all shards, including those that a reshard adds, and every format that the extension writes. An event is shown if it \
matches all conditions. Press Ctrl-C to stop.

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
    /// Show only events of functions whose name contains this.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Show only events of this type or group of types ("platform"); can be repeated.
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
    /// One JSON document per line, with the event's identity in "source".
    Json,
    /// The lines of the records as they are, after decompression and de-aggregation.
    Raw,
}

/// Show functions and instances live: rates, delivery lag, failures, memory, missing numbers.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "\
Keys: arrows or j/k select, Enter shows the instances of a function, Esc goes back, s changes the order, / filters, ? shows \
help, q quits. If the output is not a terminal, top prints a table every --interval once it has caught up.

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
Each extension process numbers its events without gaps. A missing number is explained if a ledger reports it as shed. The \
newest events may still be in transit, so a number is judged only once a later event is older than --settle. Events that were \
generated before the period are not judged. Choose a period that is shorter than the retention of the stream and more than ten \
seconds longer than --settle.

Prints one line of JSON. Exit code: 0 if every missing number is explained, 1 if one is not or if two different events have the same number, 2 if the stream could not be read or no event of the period could be judged.

Examples:
  kinesis-telemetry completeness --since 15m
  kinesis-telemetry completeness --since 15m --metric  # also publishes the CloudWatch metric MissingEvents")]
pub struct Completeness {
    /// The stream.
    #[command(flatten)]
    pub source: Source,
    /// Start of the period: this long ago (5m, 2h, 1d) or a timestamp.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub since: Since,
    /// Seconds that an event may take to arrive.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds(0..=86_400))]
    pub settle: Duration,
    /// Publish the number of missing and conflicting events to CloudWatch, as MissingEvents in the namespace KinesisTelemetry
    /// with the dimension Stream.
    #[arg(long)]
    pub metric: bool,
    /// Print one line of JSON (the default).
    #[arg(long)]
    pub json: bool,
}

fn level() -> impl TypedValueParser<Value = LogLevel> {
    let words = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::word));
    words.map(|word| LogLevel::parse(&word).expect("clap accepts only the words of levels"))
}
