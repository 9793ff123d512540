//! `ci`: what must pass before a change is taken.

use std::process::ExitCode;

use anyhow::Result;

use crate::section::Sections;
use crate::{dependencies, process, test, workspace};

pub(crate) fn run() -> Result<ExitCode> {
    let mut sections = Sections::default();
    let done = all(&mut sections);
    sections.finish(done)
}

fn all(sections: &mut Sections) -> Result<()> {
    sections.run("format", || {
        process::run("cargo fmt", workspace::cargo().args(["fmt", "--all", "--check"]))
    })?;
    sections.run("clippy", || {
        let mut clippy = workspace::cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--"]);
        process::run("cargo clippy", clippy.args(["-D", "warnings"]))
    })?;
    sections.run("licences", dependencies::check)?;
    test::all(sections, &[])
}
