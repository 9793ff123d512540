//! Tests that the generated files are up to date and well-formed, and that each fact in them is stated once.

mod completions;
mod copy;
mod facts;
mod formats;
mod journey;
mod tampering;

use super::project;
use crate::commands::command_line;
use crate::support::workspace;

/// The remedy is a command, so this is what people read whose change has made a generated file stale.
#[test]
fn generated_files_are_fresh() {
    let plan =
        project(&command_line()).plan(workspace::root()).unwrap_or_else(|error| panic!("{error}"));
    let mut report = Vec::new();
    plan.report(&mut report).unwrap();
    assert!(plan.is_fresh(), "\n{}", String::from_utf8_lossy(&report));
}

#[test]
fn every_command_that_documents_and_workflows_name_exists() {
    let known: Vec<String> =
        command_line().get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let mut named = 0;
    for (path, text) in crate::checks::tidy::files() {
        let is_told = path.extension().is_some_and(|it| it == "md" || it == "yml");
        for rest in
            text.filter(|_| is_told).iter().flat_map(|text| text.split("cargo xtask ").skip(1))
        {
            let word = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap();
            if !word.is_empty() && !word.starts_with('-') {
                named += 1;
                assert!(
                    known.iter().any(|it| it == word),
                    "{} names cargo xtask {word}",
                    path.display()
                );
            }
        }
    }
    assert!(named > known.len(), "the documents name commands");
}
