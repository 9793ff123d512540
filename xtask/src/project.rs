//! The definition of this repository's generated files. `docs/generator.md` explains how to add one.
//!
//! One module, one kind of file. What other package managers install is pinned in `pins`, what is deployed where in
//! `crate::project::stages`; what the extension itself must know is said in `extension-spec`.

#![allow(
    clippy::format_push_string,
    reason = "these texts are made once a run, and read better so"
)]

mod cdk;
mod completions;
pub(crate) mod consumers;
mod deny;
mod dependabot;
mod documents;
mod git;
pub(crate) mod licences;
pub(crate) mod links;
pub(crate) mod npm;
pub(crate) mod pins;
pub(crate) mod python;
mod spec_ts;
pub(crate) mod stages;
#[cfg(test)]
mod tests;
mod workflows;

use xtask_synth::Project;

/// The command that writes the files. Each of them names it.
const COMMAND: &str = "cargo xtask synth";
/// The list of all generated files, by which those that are no longer described are found.
const MANIFEST: &str = "xtask/generated.txt";

/// The places that declare the commands: their list and a file for each, in a room above this one.
const COMMANDS_IN: [&str; 2] = ["xtask/src/commands.rs", "xtask/src/commands"];

/// Describes every generated file. `command_line` is that of `cargo xtask`, for documents and completions.
pub(crate) fn project(command_line: &clap::Command) -> Project {
    let mut project = Project::new(COMMAND, MANIFEST);
    git::add(&mut project);
    workflows::add(&mut project);
    dependabot::add(&mut project);
    deny::add(&mut project);
    cdk::add(&mut project);
    spec_ts::add(&mut project);
    npm::add(&mut project);
    consumers::add(&mut project);
    python::add(&mut project);
    documents::add(&mut project, command_line);
    completions::add(&mut project, command_line);
    project
}
