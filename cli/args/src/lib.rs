//! What may be asked of a deployment, as command lines; and what both documents and commands say of how a function gets it.
//!
//! Declared once for two programs: `kinesis-telemetry`, which does it, and `xtask`, which people type, documents it and passes it on.
//! A leaf that knows words only, so that `xtask` links no SDK.

pub mod snippets;

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use extension_spec::{LogLevel, deployment};

/// This file, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// How often `invoke` can be told to invoke.
pub const INVOCATIONS: RangeInclusive<i64> = 1..=1000;

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its stage.
    pub stage: String,
    /// Of a further deployment in its account and region.
    pub name: Option<String>,
}

/// What is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// What it publishes.
    Outputs {
        /// As JSON, and nothing else.
        json: bool,
    },
    /// Whether telemetry of its test function arrives.
    Invoke(Invoke),
    /// What arrives in its stream.
    Tail(Tail),
    /// Its dead letters, back into the stream.
    Redrive {
        /// How long the queue must give nothing to be taken for empty.
        quiet: Duration,
    },
    /// What is broken.
    Doctor {
        /// The function whose telemetry is missed; otherwise the test function.
        function: Option<String>,
        /// As JSON, and nothing else.
        json: bool,
    },
}

/// What `invoke` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// How often the function is invoked.
    pub count: u32,
    /// Lines that it logs each time.
    pub lines: u32,
    /// Length of a line in bytes.
    pub bytes: u32,
    /// How many invocations are under way at a time.
    pub concurrency: u32,
    /// How long all of it may take.
    pub deadline: Duration,
    /// As JSON, and nothing else.
    pub json: bool,
}

/// What `tail` was asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Whether it gets the records pushed, with a throughput of its own.
    pub enhanced_fan_out: bool,
    /// How far back it begins; `None` for what arrives from now on.
    pub since: Option<Duration>,
    /// Only events of this function.
    pub function: Option<String>,
    /// Only events of these types; `platform` and `platform.` are all that begin so.
    pub types: Vec<String>,
    /// Only log lines of this level and graver ones, and other events.
    pub level: Option<LogLevel>,
    /// Only events of this invocation.
    pub request: Option<String>,
    /// Each event as the line that it is.
    pub json: bool,
    /// When it ends by itself.
    pub lasts: Option<Duration>,
    /// After how many events it ends by itself.
    pub events: Option<u64>,
}

/// Reads what was typed, if `command` is one of these.
pub fn read(command: &str, matches: &ArgMatches) -> Option<(Deployment, Request)> {
    let request = match command {
        "outputs" => Request::Outputs { json: matches.get_flag("json") },
        "invoke" => Request::Invoke(Invoke {
            count: value(matches, "count"),
            lines: value(matches, "lines"),
            bytes: value(matches, "bytes"),
            concurrency: value(matches, "concurrency"),
            deadline: seconds(value(matches, "deadline")),
            json: matches.get_flag("json"),
        }),
        "tail" => Request::Tail(Tail {
            enhanced_fan_out: matches.get_flag("enhanced-fan-out"),
            since: matches.get_one("since").copied().map(seconds),
            function: matches.get_one("function").cloned(),
            types: matches.get_many("type").into_iter().flatten().cloned().collect(),
            level: matches.get_one::<String>("level").and_then(|word| LogLevel::parse(word)),
            request: matches.get_one("request").cloned(),
            json: matches.get_flag("json"),
            lasts: matches.get_one("seconds").copied().map(seconds),
            events: matches.get_one("events").copied(),
        }),
        "redrive" => Request::Redrive { quiet: seconds(value(matches, "quiet")) },
        "doctor" => Request::Doctor {
            function: matches.get_one("function").cloned(),
            json: matches.get_flag("json"),
        },
        _ => return None,
    };
    let deployment =
        Deployment { stage: value(matches, "stage"), name: matches.get_one("name").cloned() };
    Some((deployment, request))
}

fn value<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> T {
    matches.get_one(id).cloned().expect("clap refuses a command line without it, or has a default")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The commands. With `stages` no other stage is taken.
pub fn commands(stages: &[&'static str]) -> [Command; 5] {
    let command = |name, about| {
        let stage =
            Arg::new("stage").value_name("STAGE").required(true).help("Stage that was deployed");
        let stage = if stages.is_empty() {
            stage
        } else {
            stage.value_parser(PossibleValuesParser::new(stages.iter().copied()))
        };
        let name_argument =
            option("name", "NAME", "Name of the deployment, if it was deployed with one")
                .value_parser(named);
        Command::new(name).about(about).arg(stage).arg(name_argument)
    };
    [
        command("outputs", "Print what a deployment publishes, and how a function gets it")
            .after_help("Snippets for the CDK, SAM, Terraform and the AWS CLI come with it.")
            .arg(flag("json", "Print the values as one JSON document, without snippets")),
        command("invoke", "Invoke the test function, and verify that its telemetry arrives")
            .after_help(
                "Exit code: 0 if every event of these invocations arrived, in sequences without a hole, 1 if not, 2 if it \
                 could not be found out. Besides the invocations that are asked for there are some without a line, as long as \
                 something is missing: Lambda hands the report of one invocation over during the next.",
            )
            .args(invoke_arguments()),
        command("tail", "Show the events of a deployment's stream as they arrive")
            .after_help(
                "Reads all shards, also those that come later, and every format that the extension makes. With several \
                 conditions an event must meet each. Ends with Ctrl-C.",
            )
            .args(tail_arguments()),
        command("redrive", "Put the dead letters of a deployment back into the stream")
            .after_help(
                "A dead letter is a record that the stream did not take, in the queue of the deployment. Mend first what brought it \
                 there: cargo xtask doctor. A message is deleted once the stream has acknowledged its record; what a reader \
                 knows its events by stays the same. Exit code: 0 if the \
                 queue is empty, 1 if something is left, each with the reason, 130 if it was interrupted.",
            )
            .arg(
                number("quiet", "20", "Seconds without a message after which the queue is taken for empty, at most 20")
                    .value_parser(value_parser!(u64).range(1..=20)),
            ),
        command("doctor", "Walk from credentials to stream and queue, and say what is broken")
            .after_help(
                "Changes nothing. Exit code: 0 if all is well, 1 if something is broken or may not be looked at, each with what mends \
                 it, 2 if it could not be found out.",
            )
            .arg(option("function", "NAME", "Look at this function of yours, instead of the test function"))
            .arg(flag("json", "Print the findings as JSON")),
    ]
}

fn invoke_arguments() -> [Arg; 6] {
    [
        number("count", "3", "How often the function is invoked, at most 1000")
            .value_parser(value_parser!(u32).range(INVOCATIONS)),
        number("lines", "10", "How many lines the function logs each time, at most 100000")
            .value_parser(value_parser!(u32).range(..=100_000)),
        number("bytes", "120", "How many bytes a line has, at most 262144")
            .value_parser(value_parser!(u32).range(..=262_144)),
        number("concurrency", "1", "How many invocations are under way at a time, at most 100")
            .value_parser(value_parser!(u32).range(1..=100)),
        number("deadline", "60", "Seconds after which what has not arrived counts as lost")
            .value_parser(value_parser!(u64).range(1..=3600)),
        flag("json", "Print the findings as JSON"),
    ]
}

fn tail_arguments() -> [Arg; 9] {
    [
        flag(
            "enhanced-fan-out",
            "Register a consumer, which is billed, get records pushed, and deregister it at the end",
        ),
        option("since", "SECONDS", "Begin so many seconds ago, instead of now")
            .value_parser(value_parser!(u64)),
        option("function", "NAME", "Only events of this function"),
        option(
            "type",
            "TYPE",
            "Only events of this type, or of all that begin so (platform); may be repeated",
        )
        .action(ArgAction::Append),
        option("level", "LEVEL", "No log lines below this level; other events are shown")
            .value_parser(PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::word))),
        option("request", "ID", "Only events of the invocation with this request id"),
        flag("json", "Print each event as JSON, a line each"),
        option("seconds", "N", "End after so many seconds").value_parser(value_parser!(u64)),
        option("events", "N", "End after so many events")
            .value_parser(value_parser!(u64).range(1..)),
    ]
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    option(name, "N", help).default_value(default)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn named(name: &str) -> Result<String, String> {
    if deployment::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("set {}", deployment::NAME.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &str) -> Result<(Deployment, Request), clap::Error> {
        let command = Command::new("it").subcommands(commands(&["dev"])).no_binary_name(true);
        let matches = command.try_get_matches_from(words.split(' '))?;
        let (name, matches) = matches.subcommand().unwrap();
        Ok(read(name, matches).unwrap())
    }

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let (deployment, request) =
            typed("tail dev --name blue --type function --type platform --level warn").unwrap();
        assert_eq!(deployment, Deployment { stage: "dev".into(), name: Some("blue".into()) });
        let types = vec!["function".to_owned(), "platform".to_owned()];
        let level = Some(LogLevel::Warn);
        assert_eq!(request, Request::Tail(Tail { types, level, ..Tail::default() }));
        assert_eq!(
            typed("redrive dev --quiet 1").unwrap().1,
            Request::Redrive { quiet: seconds(1) }
        );
        for command in commands(&[]) {
            command.debug_assert();
        }
    }

    #[test]
    fn an_unknown_stage_a_reserved_name_and_no_invocation_at_all_are_refused() {
        for words in ["outputs nowhere", "outputs dev --name runtime", "invoke dev --count 0"] {
            assert!(typed(words).is_err(), "{words}");
        }
    }
}
