//! The command line. It is for xtask, which says what people may ask for.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, value_parser};

pub(crate) enum Command {
    Measure(Options),
    Count(CountOptions),
}

pub(crate) struct Options {
    /// Ours is the first, the control the second.
    pub(crate) programs: Vec<PathBuf>,
    pub(crate) function: PathBuf,
    /// Variables for all of them.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) rounds: usize,
    pub(crate) invocations: usize,
    pub(crate) json: bool,
    pub(crate) svg: Option<PathBuf>,
}

pub(crate) struct CountOptions {
    pub(crate) program: PathBuf,
}

pub(crate) fn parse() -> Command {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("measure", measure)) => Command::Measure(Options {
            programs: paths(measure, "program"),
            function: path(measure, "function").expect("it is required"),
            settings: measure
                .get_many::<(String, String)>("env")
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            rounds: number(measure, "rounds"),
            invocations: number(measure, "invocations"),
            json: measure.get_flag("json"),
            svg: path(measure, "svg"),
        }),
        Some(("count", count)) => Command::Count(CountOptions {
            program: path(count, "program").expect("it is required"),
        }),
        _ => unreachable!("clap accepts only the commands below, and requires one"),
    }
}

fn command() -> clap::Command {
    let file = |name: &'static str| {
        Arg::new(name).long(name).value_name("PATH").value_parser(value_parser!(PathBuf))
    };
    let number = |name: &'static str| {
        Arg::new(name).long(name).value_name("N").required(true).value_parser(value_parser!(usize))
    };
    clap::Command::new("xtask-bench")
        .about("What an extension costs a function, measured on this machine")
        .subcommand_required(true)
        .subcommand(
            clap::Command::new("measure")
                .arg(file("program").required(true).action(ArgAction::Append))
                .arg(file("function").required(true))
                .arg(
                    Arg::new("env")
                        .long("env")
                        .value_name("NAME=VALUE")
                        .action(ArgAction::Append)
                        .value_parser(assignment),
                )
                .arg(number("rounds"))
                .arg(number("invocations"))
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue))
                .arg(file("svg")),
        )
        .subcommand(clap::Command::new("count").arg(file("program").required(true)))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is no NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn paths(matches: &ArgMatches, id: &str) -> Vec<PathBuf> {
    matches.get_many::<PathBuf>(id).into_iter().flatten().cloned().collect()
}

fn path(matches: &ArgMatches, id: &str) -> Option<PathBuf> {
    matches.get_one::<PathBuf>(id).cloned()
}

fn number(matches: &ArgMatches, id: &str) -> usize {
    matches.get_one::<usize>(id).copied().expect("it is required")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
