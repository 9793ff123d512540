//! `ci`: what must pass before a change is taken.

use std::io::stdout;
use std::process::ExitCode;

use anyhow::{Result, bail};
use extension_spec::deployment::Architecture;

use crate::cli::{self, Command};
use crate::section::Sections;
use crate::{build, demo, dependencies, package, process, synth, test, workspace};

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
        sections.run("layer demo", || match cli::read(["xtask", "demo", "--layer"]) {
            Command::Demo(options) if demo::run(&options)? == ExitCode::SUCCESS => Ok(()),
            _ => bail!("the demo of what ships has failed"),
        })?;
    }
    Ok(())
}
