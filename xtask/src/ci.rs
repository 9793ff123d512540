//! `ci`: what must pass before a change is taken.

use std::io::stdout;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;

use crate::section::Sections;
use crate::{build, dependencies, package, process, synth, test, workspace};

pub(crate) fn run() -> Result<ExitCode> {
    let mut sections = Sections::default();
    let done = all(&mut sections);
    sections.finish(done)
}

fn all(sections: &mut Sections) -> Result<()> {
    sections.run("format", || {
        process::run("cargo fmt", workspace::cargo().args(["fmt", "--all", "--check"]))
    })?;
    sections.run("synth", || {
        let code = synth::run(workspace::root(), true, &mut stdout())?;
        if code != ExitCode::SUCCESS {
            bail!("generated files are not as described");
        }
        Ok(())
    })?;
    sections.run("clippy", || {
        let mut clippy = workspace::cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--"]);
        process::run("cargo clippy", clippy.args(["-D", "warnings"]))
    })?;
    sections.run("licences", dependencies::check)?;
    test::all(sections, &[])?;
    sections.run("layers", || package::run(&Architecture::ALL))?;
    if build::own_architecture().is_some() {
        // As in a terminal: whatever ends it early is this section's.
        let mut demo =
            Command::new(std::env::current_exe().context("xtask does not know where it is")?);
        sections.run("layer demo", || process::run("the demo", demo.args(["demo", "--layer"])))?;
    }
    Ok(())
}
