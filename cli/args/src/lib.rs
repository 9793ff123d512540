//! The commands about a deployment, as command lines, and the snippets by which a function gets the extension.
//!
//! Two programs share these declarations: `kinesis-telemetry` carries the commands out; `xtask`, which people type, documents
//! them and passes them on. This crate knows words only, so that `xtask` links no SDK.

pub mod snippets;

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, value_parser};
use extension_spec::{LogLevel, Stream, Value as _, deployment};

/// This file, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// How often `invoke` can be told to invoke.
pub const INVOCATIONS: RangeInclusive<i64> = 1..=1000;

/// One deployment.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Stage that was deployed.
    #[arg(value_name = "STAGE")]
    pub stage: String,
    /// Name of the deployment, if it was deployed with one.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
}

/// A command about a deployment.
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum Request {
    /// Print what a deployment publishes, and how a function gets it.
    #[command(after_help = "Snippets for the CDK, SAM, Terraform and the AWS CLI come with it.")]
    Outputs {
        /// The deployment that is read.
        #[command(flatten)]
        deployment: Deployment,
        /// Print the values as one JSON document, without snippets.
        #[arg(long)]
        json: bool,
    },
    /// Invoke the test function, and verify that its telemetry arrives.
    #[command(
        after_help = "Exit code: 0 if every event of these invocations arrived, in sequences without a hole, 1 if not, 2 if it \
                      could not be found out. Besides the invocations that are asked for there are some without a line, as long as \
                      something is missing: Lambda hands the report of one invocation over during the next."
    )]
    Invoke {
        /// The deployment whose test function is invoked.
        #[command(flatten)]
        deployment: Deployment,
        /// How often it is invoked, and how.
        #[command(flatten)]
        options: Invoke,
    },
    /// Show the events of a deployment's stream as they arrive.
    #[command(
        after_help = "Reads all shards, also those that come later, and every format that the extension makes. With several \
                      conditions an event must meet each. Ends with Ctrl-C."
    )]
    Tail {
        /// The deployment whose stream is read.
        #[command(flatten)]
        deployment: Deployment,
        /// Which events are shown, and how.
        #[command(flatten)]
        options: Tail,
    },
    /// Put the dead letters of a deployment back into the stream.
    #[command(
        after_help = "A dead letter is a record that the stream did not take, in the queue of the deployment. Mend first what brought it \
                      there: cargo xtask doctor. A message is deleted once the stream has acknowledged its record; what a reader \
                      knows its events by stays the same. Every function that may send to the queue can write a letter, so letters for \
                      other streams than the deployment's stay in the queue, and are listed. Exit code: 0 if the \
                      queue is empty, 1 if something is left, each with the reason, 130 if it was interrupted."
    )]
    Redrive {
        /// The deployment whose queue is emptied.
        #[command(flatten)]
        deployment: Deployment,
        /// Seconds without a message after which the queue is taken for empty, at most 20.
        #[arg(long, value_name = "N", default_value = "20", value_parser = value_parser!(u64).range(1..=20).map(Duration::from_secs))]
        quiet: Duration,
        /// Also put letters into this stream, by its full ARN; may be repeated.
        #[arg(long, value_name = "ARN", value_parser = stream_arn)]
        also_to: Vec<String>,
    },
    /// Walk from credentials to stream and queue, and say what is broken.
    #[command(
        after_help = "Changes nothing. Exit code: 0 if all is well, 1 if something is broken or may not be looked at, each with what mends \
                      it, 2 if it could not be found out."
    )]
    Doctor {
        /// The deployment that is examined.
        #[command(flatten)]
        deployment: Deployment,
        /// Look at this function of yours, instead of the test function.
        #[arg(long, value_name = "NAME")]
        function: Option<String>,
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The options of `invoke`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(skip)]
pub struct Invoke {
    /// How often the function is invoked, at most 1000.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u32).range(INVOCATIONS))]
    pub count: u32,
    /// How many lines the function logs each time, at most 100000.
    #[arg(long, value_name = "N", default_value = "10", value_parser = value_parser!(u32).range(..=100_000))]
    pub lines: u32,
    /// How many bytes a line has, at most 262144.
    #[arg(long, value_name = "N", default_value = "120", value_parser = value_parser!(u32).range(..=262_144))]
    pub bytes: u32,
    /// How many invocations are under way at a time, at most 100.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=100))]
    pub concurrency: u32,
    /// Seconds after which what has not arrived counts as lost.
    #[arg(long, value_name = "N", default_value = "60", value_parser = value_parser!(u64).range(1..=3600).map(Duration::from_secs))]
    pub deadline: Duration,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// The options of `tail`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct Tail {
    /// Register a consumer, which is billed, get records pushed, and deregister it at the end.
    #[arg(long)]
    pub enhanced_fan_out: bool,
    /// Begin so many seconds ago, instead of now.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).map(Duration::from_secs))]
    pub since: Option<Duration>,
    /// Only events of this function.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Only events of this type, or of all that begin so (platform); may be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// No log lines below this level; other events are shown.
    #[arg(long, value_name = "LEVEL", value_parser = level())]
    pub level: Option<LogLevel>,
    /// Only events of the invocation with this request id.
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Print each event as JSON, a line each.
    #[arg(long)]
    pub json: bool,
    /// End after so many seconds.
    #[arg(long = "seconds", value_name = "N", value_parser = value_parser!(u64).map(Duration::from_secs))]
    pub lasts: Option<Duration>,
    /// End after so many events.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub events: Option<u64>,
}

/// Refuses a name that no deployment can have.
pub fn name(name: &str) -> Result<String, String> {
    if deployment::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("set {}", deployment::NAME.1))
    }
}

/// Refuses what is not the full ARN of a stream. A name would not tell the account and the region.
fn stream_arn(text: &str) -> Result<String, String> {
    match Stream::parse(text) {
        Some(Stream::Arn(arn)) => Ok(arn),
        _ => {
            Err("set the full ARN of a stream: arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"
                .to_owned())
        }
    }
}

fn level() -> impl TypedValueParser<Value = LogLevel> {
    let words = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::word));
    words.map(|word| LogLevel::parse(&word).expect("clap accepts only the words of levels"))
}

/// Has every command of [`Request`] below `command` accept no other stage than these.
#[must_use]
pub fn with_stages(command: clap::Command, stages: &[&'static str]) -> clap::Command {
    command.mut_subcommands(|it| {
        if !Request::has_subcommand(it.get_name()) {
            return it;
        }
        it.mut_args(|argument| match argument.get_id().as_str() {
            "stage" => argument.value_parser(PossibleValuesParser::new(stages.iter().copied())),
            _ => argument,
        })
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _, Parser};

    use super::*;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct It {
        #[command(subcommand)]
        request: Request,
    }

    fn typed(words: &str) -> Result<Request, clap::Error> {
        let command = with_stages(It::command(), &["dev"]);
        let matches = command.try_get_matches_from(words.split(' '))?;
        It::from_arg_matches(&matches).map(|it| it.request)
    }

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let deployment = Deployment { stage: "dev".into(), name: Some("blue".into()) };
        let types = vec!["function".to_owned(), "platform".to_owned()];
        let options = Tail { types, level: Some(LogLevel::Warn), ..Tail::default() };
        assert_eq!(
            typed("tail dev --name blue --type function --type platform --level warn").unwrap(),
            Request::Tail { deployment, options }
        );
        let deployment = Deployment { stage: "dev".into(), name: None };
        let quiet = Duration::from_secs(1);
        let also_to = ["one", "two"]
            .map(|it| format!("arn:aws-cn:kinesis:cn-north-1:111122223333:stream/{it}"));
        assert_eq!(
            typed(&format!(
                "redrive dev --quiet 1 --also-to {} --also-to {}",
                also_to[0], also_to[1]
            ))
            .unwrap(),
            Request::Redrive { deployment, quiet, also_to: also_to.into() }
        );
        It::command().debug_assert();
    }

    #[test]
    fn only_the_full_arn_of_a_stream_is_another_destination() {
        let arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
        assert!(typed(&format!("redrive dev --also-to {arn}")).is_ok());
        let instead = |of: &str, new: &str| arn.replacen(of, new, 1);
        for bad in [
            "telemetry".to_owned(),
            "stream/telemetry".to_owned(),
            instead("arn:", "ARN:"),
            instead("aws", "gcp"),
            instead("aws", ""),
            instead("kinesis", "firehose"),
            instead("kinesis", "Kinesis"),
            instead("eu-central-1", ""),
            instead("eu-central-1", "*"),
            instead("111122223333", ""),
            instead("111122223333", "11112222333"),
            instead("111122223333", "1111222233334"),
            instead("111122223333", "11112222333x"),
            instead("stream/", "streams/"),
            instead("telemetry", ""),
            instead("telemetry", "*"),
            instead("telemetry", "telemetry/consumer/x:1"),
            instead("telemetry", "tele\u{1b}metry"),
            instead("telemetry", &"x".repeat(129)),
            format!("{arn}\u{a0}"),
            format!("{arn}\n"),
        ] {
            let error = typed(&format!("redrive dev --also-to {bad}")).unwrap_err().to_string();
            assert!(error.contains("set the full ARN of a stream"), "{bad}: {error}");
        }
    }

    #[test]
    fn an_unknown_stage_a_reserved_name_and_no_invocation_at_all_are_refused() {
        for words in ["outputs nowhere", "outputs dev --name runtime", "invoke dev --count 0"] {
            assert!(typed(words).is_err(), "{words}");
        }
    }
}
