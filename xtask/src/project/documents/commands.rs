//! The commands of xtask, as the command line itself knows them.

use clap::{Arg, Command};

use super::{code, table};

/// A line a command.
pub(super) fn in_brief(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let rows =
        command.get_subcommands().map(|it| [code(&format!("{name} {}", it.get_name())), about(it)]);
    table(["command", "does"], rows)
}

/// Returns a section for each command, with every option.
pub(super) fn in_full(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    shown.map(|it| section(name, it)).collect::<Vec<_>>().join("\n")
}

fn section(parent: &str, command: &Command) -> String {
    let name = command.get_name();
    let about = about(command);
    let mut text = format!("### {parent} {name}\n\n{}.\n", about.trim_end_matches('.'));
    if let Some(more) = command.get_after_help() {
        text += &after_help(&more.to_string());
    }
    let is_shown = |it: &&Arg| it.get_id() != "help" && !it.is_hide_set();
    let arguments: Vec<&Arg> = command.get_arguments().filter(is_shown).collect();
    if !arguments.is_empty() {
        let rows = arguments.into_iter().map(|it| [code(&usage(it)), default(it), help(it)]);
        text += "\n";
        text += &table(["argument", "default", "meaning"], rows);
    }
    text
}

/// Returns the text behind the options, with its examples as a block of code.
fn after_help(text: &str) -> String {
    let Some((text, examples)) = text.split_once("Examples:\n") else { return format!("{text}\n") };
    let examples = examples.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    format!("{text}\n```sh\n{examples}\n```\n")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn help(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| code(value.get_name())).collect();
    if values.is_empty() || !argument.get_action().takes_values() {
        return help;
    }
    format!("{help}: {}", values.join(", "))
}

/// `--lines N`, `--layer[=WHERE]`, `--json`, or what follows `--`.
fn usage(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.first().map(ToString::to_string).unwrap_or_default();
    match argument.get_long() {
        Some(long) if argument.is_require_equals_set() => format!("--{long}[={value}]"),
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None if argument.is_last_set() => format!("-- {value}…"),
        None => value,
    }
}

fn default(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<String> =
        argument.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    values.join(", ")
}
