//! `radar`: compares this repository's copies of AWS's limits, enumerations and defaults with AWS's own API models, which botocore
//! ships.

mod compare;
mod facts;
mod models;
mod text;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::project::pins;
use crate::support::lock::locked;
use crate::support::workspace;
use crate::tools::{Tool, python};
use compare::Finding;
use facts::Fact;
use models::Models;

/// Compare this repository's copies of AWS's limits, enumerations and defaults with AWS's own API models.
#[derive(Args)]
#[command(
    after_help = "The models are those of the newest botocore, a Python package that pip downloads, unless a wheel is given: needs Python. \
                  Each difference names the old value, the new one, and every place that repeats it. Exit code 1 if there is one. \
                  The table of what is compared is in xtask/src/commands/radar/facts."
)]
pub(crate) struct Options {
    /// The models of this wheel of botocore instead of the newest one's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
    wheel: Option<PathBuf>,
    /// Compare the models of this wheel with those of --to instead
    #[arg(long, value_name = "FILE", requires = "to")]
    from: Option<PathBuf>,
    /// The newer wheel for --from
    #[arg(long, value_name = "FILE", requires = "from")]
    to: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let facts = facts::all();
    let (what, findings) = if let (Some(from), Some(to)) = (&options.from, &options.to) {
        let (old, new) = (of_file(from, &facts)?, of_file(to, &facts)?);
        let what = format!("{} and {}", old.version, new.version);
        (what, compare::between(&old, &new, &facts))
    } else {
        let models = match &options.wheel {
            Some(wheel) => of_file(wheel, &facts)?,
            None => newest(&facts)?,
        };
        let findings = compare::with_repository(&models, &facts, &facts::sources(&facts)?)?;
        (format!("this repository and {}", models.version), findings)
    };
    Ok(report(&what, &findings, facts.len()))
}

fn report(what: &str, findings: &[Finding<'_>], facts: usize) -> ExitCode {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("no differences between {what} ({facts} facts)"),
        1 => println!("1 difference between {what}"),
        count => println!("{count} differences between {what}"),
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn of_file(path: &Path, facts: &[Fact]) -> Result<Models> {
    let wheel = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Models::read(&wheel, facts).with_context(|| path.display().to_string())
}

fn newest(facts: &[Fact]) -> Result<Models> {
    Tool::Python.require()?;
    let dir = workspace::target_dir()?.join("radar");
    let _one_at_a_time = locked(&dir.with_extension("lock"))?;
    Models::read(&python::newest_wheel(&dir, pins::BOTOCORE.name)?, facts)
}
