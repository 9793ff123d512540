//! The command line of the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use extension_sandbox::{LogFormat, Mode, Options, Program};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Cli {
    pub(crate) options: Options,
    pub(crate) invocations: u64,
    pub(crate) interval: Duration,
    pub(crate) payload: String,
    pub(crate) journal: Option<PathBuf>,
    pub(crate) until_stdin_closes: bool,
}

/// Reads the arguments of the process; prints help or what is wrong with them, and exits, where that is due.
pub(crate) fn parse() -> Cli {
    let matches = command().get_matches();
    let get = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let paths =
        |name: &str| matches.get_many::<PathBuf>(name).into_iter().flatten().map(Program::from);
    let function = paths("function").next().expect("clap insists on it");
    let is_json = matches.get_one::<String>("log-format").is_some_and(|format| format == "json");
    let mode = matches.get_one::<String>("mode").map(String::as_str).unwrap_or_default();
    let mode = Mode::ALL.into_iter().find(|it| it.initialization_type() == mode);
    let options = Options {
        mode: mode.expect("clap insists on one of them"),
        max_concurrency: u32::try_from(get("concurrency")).unwrap_or(u32::MAX).max(1),
        tenant: matches.get_one::<String>("tenant").cloned(),
        extensions: paths("extension").collect(),
        function,
        environment: variables(&matches),
        memory_mb: u32::try_from(get("memory")).unwrap_or(u32::MAX),
        timeout: Duration::from_millis(get("timeout-ms")),
        log_format: if is_json { LogFormat::Json } else { LogFormat::Text },
        freezes: !matches.get_flag("no-freeze"),
        echo: true,
        ..Options::default()
    };
    Cli {
        options,
        invocations: get("invocations"),
        interval: Duration::from_millis(get("interval-ms")),
        payload: matches.get_one::<String>("payload").cloned().unwrap_or_default(),
        journal: matches.get_one::<PathBuf>("journal").cloned(),
        until_stdin_closes: matches.get_flag("until-stdin-closes"),
    }
}

/// A program's path, from the root. Links stay, because an extension is named after its file.
fn existing(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    match path.metadata() {
        Ok(found) if found.is_file() => std::path::absolute(path).map_err(|it| it.to_string()),
        Ok(_) => Err("this is no file: it must be a program".to_owned()),
        Err(error) => Err(format!("there is no such program: {error}")),
    }
}

fn variables(matches: &ArgMatches) -> Vec<(String, String)> {
    let pair = |text: &String| {
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    matches.get_many::<String>("env").into_iter().flatten().filter_map(pair).collect()
}

fn command() -> Command {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("PATH").value_parser(value_parser!(PathBuf)).help(help)
    };
    let program = |name: &'static str, help: &'static str| path(name, help).value_parser(existing);
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("N")
            .value_parser(value_parser!(u64))
            .default_value(default)
            .help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("extension-sandbox")
        .about("A Lambda execution environment on this machine: runs a function with extensions, as Lambda does")
        .after_help(
            "Prints one JSON object a line on stdout: init, each invocation, shutdown.\n\
             Lines of the extensions go to stderr, and the last ones of a function that fails.",
        )
        .arg(program("extension", "An external extension; may be given several times").action(ArgAction::Append))
        .arg(program("function", "The function: an executable that speaks the Runtime API").required(true))
        .arg(
            Arg::new("mode")
                .long("mode")
                .value_name("MODE")
                .value_parser(PossibleValuesParser::new(Mode::ALL.map(Mode::initialization_type)))
                .default_value(Mode::OnDemand.initialization_type())
                .help("How Lambda runs the function"),
        )
        .arg(number("concurrency", "2", "How many invocations a managed instance runs side by side"))
        .arg(Arg::new("tenant").long("tenant").value_name("ID").help("The tenant for whom the environment runs"))
        .arg(number("invocations", "1", "How often the function is invoked"))
        .arg(number("interval-ms", "0", "Pause between invocations, in which everything is frozen"))
        .arg(Arg::new("payload").long("payload").value_name("JSON").default_value("{}").help("Payload of every invocation"))
        .arg(number("timeout-ms", "3000", "Timeout of the function"))
        .arg(number("memory", "128", "Memory of the function in MB, as its environment says"))
        .arg(
            Arg::new("log-format")
                .long("log-format")
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .default_value("text")
                .help("The function's log format"),
        )
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("NAME=VALUE")
                .value_parser(|text: &str| match text.split_once('=') {
                    Some((name, _)) if !name.is_empty() => Ok(text.to_owned()),
                    _ => Err("must be NAME=VALUE"),
                })
                .action(ArgAction::Append)
                .help("A variable of the function's configuration; may be given several times"),
        )
        .arg(path("journal", "File for every telemetry event that was generated, one a line, and whether it was acknowledged"))
        .arg(flag("no-freeze", "Do not stop processes between invocations"))
        .arg(flag("until-stdin-closes", "End everything when stdin closes: dies with its parent"))
}
