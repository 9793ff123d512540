//! `ci`: runs all checks that a change must pass.

use std::io::stdout;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser as _};
use extension_spec::deployment::Architecture;

use crate::checks::artifact_checks;
use crate::checks::budgets;
use crate::checks::dependencies;
use crate::checks::function_order;
use crate::commands::demo;
use crate::commands::package;
use crate::commands::release;
use crate::commands::synth;
use crate::commands::test;
use crate::support::process;
use crate::support::section::Sections;
use crate::support::workspace;
use crate::tools::build;

/// Run all checks that a change must pass: format, clippy, licences, tests, layers, budgets.
#[derive(Args)]
#[command(
    after_help = "With CI=true it installs what the proofs of the layers need (valgrind, an emulator of arm64), where \
                  apt-get is there and may; otherwise it says what to install."
)]
pub(crate) struct Options {
    /// Check only what ships: layers, CLI and release.
    #[arg(long)]
    artifacts: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut sections = Sections::default();
    let source = if options.artifacts { Ok(()) } else { source(&mut sections) };
    let done = source.and_then(|()| artifacts(&mut sections));
    sections.finish(done)
}

/// Checks the source: its form, its dependencies and its tests.
fn source(sections: &mut Sections) -> Result<()> {
    sections.run("format", || {
        process::run("cargo fmt", workspace::cargo().args(["fmt", "--all", "--check"]))
    })?;
    sections.run("synth", || {
        let code = synth::synth(workspace::root(), true, &mut stdout())?;
        if code != ExitCode::SUCCESS {
            bail!("generated files differ from their descriptions");
        }
        Ok(())
    })?;
    sections.run("clippy", || {
        let mut clippy = workspace::cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--"]);
        process::run("cargo clippy", clippy.args(["-D", "warnings"]))
    })?;
    sections.run("licences", dependencies::check)?;
    test::all(sections, &[])
}

/// Checks what ships.
fn artifacts(sections: &mut Sections) -> Result<()> {
    sections.run("layers", || package::package(&Architecture::ALL))?;
    sections.run("sizes", budgets::sizes)?;
    sections.run("order", function_order::check)?;
    let Some(own) = build::own_architecture() else {
        // The remaining sections run the programs that ship, which are for Linux.
        return Ok(());
    };
    sections.run("readers", artifact_checks::read)?;
    sections.run("cli", || artifact_checks::cli(own))?;
    let release = sections.run("release", || release::make_twice(own))?;
    sections.run("outside", || artifact_checks::released(&release))?;
    sections.run("layer demo", || demo("--layer"))?;
    sections.run("alone", || demo("--layer=alone"))?;
    sections.run("layer tests", || artifact_checks::tested(own))?;
    sections.run("layer in rie", || artifact_checks::unpacked(own))?;
    sections.run("twice", || package::verify_bytes(&[own]))?;
    if own == Architecture::X86_64 {
        sections.run("arm64", || demo("--layer=arm64"))?;
        sections.run("start", budgets::start)?;
    }
    Ok(())
}

/// Runs the demo with the packaged extension.
fn demo(layer: &str) -> Result<()> {
    if demo::run(&demo::Options::parse_from(["demo", layer]))? != ExitCode::SUCCESS {
        bail!("the demo of the packaged extension failed");
    }
    Ok(())
}
