//! A whole generator. Run it twice: `cargo run --package xtask-synth --example tiny -- FOLDER [--check]`.
//!
//! The facts are said once, at the top; each function below is what Projen calls a component.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

use std::io::stdout;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use xtask_synth::yaml::Commented;
use xtask_synth::{Comments, Project};

/// The one place that knows which Node is used.
const NODE: &str = "22";

#[derive(Serialize)]
struct Package {
    name: &'static str,
    engines: Engines,
}

#[derive(Serialize)]
struct Engines {
    node: String,
}

#[derive(Serialize)]
struct Step {
    uses: Commented<&'static str>,
    with: With,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct With {
    node_version: &'static str,
}

fn project() -> Project {
    let mut project = Project::new("cargo run --example tiny", "generated.txt");
    npm(&mut project);
    workflow(&mut project);
    git(&mut project);
    project
}

fn npm(project: &mut Project) {
    let engines = Engines { node: format!(">={NODE}") };
    project.json("package.json", &Package { name: "tiny", engines });
}

fn workflow(project: &mut Project) {
    let uses =
        Commented("actions/setup-node@249970729cb0ef3589644e2896645e5dc5ba9c38", "v6.5.0".into());
    project.yaml("setup/steps.yml", &[Step { uses, with: With { node_version: NODE } }]);
}

fn git(project: &mut Project) {
    project.text(".gitignore", Comments::HASH, "/node_modules/\n");
    // It has to know all the others.
    project.listing(".gitattributes", Comments::HASH, |paths| {
        paths.iter().flat_map(|path| ["/", path, " linguist-generated\n"]).collect()
    });
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(root) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: tiny FOLDER [--check]");
        return Ok(ExitCode::FAILURE);
    };
    let plan = match project().plan(&root) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    if arguments.next().as_deref() == Some("--check") {
        plan.report(&mut stdout())?;
        return Ok(if plan.is_fresh() { ExitCode::SUCCESS } else { ExitCode::from(4) });
    }
    plan.apply()?;
    plan.summary(&mut stdout())?;
    Ok(ExitCode::SUCCESS)
}
