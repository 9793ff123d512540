//! Options of the commands about a deployment.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use crate::snippets::Snippet;
use crate::target::{Deployment, seconds, stream_arn};

/// The range of `invoke --count`.
pub const INVOCATIONS: RangeInclusive<i64> = 1..=1000;

/// Check everything between the credentials and the stream, and report what is broken.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
doctor changes nothing. It checks credentials, parameters, layers, the function and its role, the stream and its key, the age of \
the newest record, the dead-letter queue, and what the extension itself logged in the last hour. \
Exit code: 0 if no problem was found, 1 if something is broken or could not be checked, 2 if nothing could be checked.

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
    /// Number of concurrent invocations, at most 100.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=100))]
    pub concurrency: u32,
    /// Seconds after which events that have not arrived count as lost.
    #[arg(long, value_name = "N", default_value = "60", value_parser = seconds(1..=3600))]
    pub deadline: Duration,
    /// Also write an HTML page about the invocations.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Put the dead letters of a deployment back into its stream.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = "\
A dead letter is a record that the stream did not accept; it waits in the deployment's queue. Fix the cause first: run \
kinesis-telemetry doctor. redrive deletes a message only after the stream has acknowledged its record, and events keep their \
identity. Every function that can send to the queue can write a letter, so redrive lists letters for other streams and leaves \
them in the queue. Exit code: 0 if the queue is empty, 1 if letters are left (each is listed with the reason), 130 if interrupted.

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
