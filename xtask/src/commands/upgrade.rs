//! `upgrade`: lists the pins of `project::pins` that have newer versions. On request it edits that file and updates everything
//! that depends on it.

mod ask;
mod edit;
mod relock;
mod version;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use kinesis_telemetry_terminal::plain;

use crate::project::{pins, pins::Pin};
use crate::support::process;
use crate::support::workspace;

/// A version that can be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The version as it is written in a pin.
    pub(crate) version: String,
    /// The commit of an action.
    pub(crate) commit: Option<String>,
}

/// List the pinned npm packages, Python packages, actions and tools that have newer versions.
#[derive(Args)]
#[command(after_help = "Cargo and Dependabot update the crates.")]
pub(crate) struct Options {
    /// Pin the newer versions, and update generated files and lock files.
    #[arg(long)]
    write: bool,
    /// Only update lock files to the current pins.
    #[arg(long, conflicts_with = "write")]
    lock: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.lock { lock() } else { upgrade(options.write) }
}

/// Updates only the lock files, to the pins as they are.
fn lock() -> Result<ExitCode> {
    relock::follow()?;
    println!("lock files hold what is pinned");
    Ok(ExitCode::SUCCESS)
}

fn upgrade(write: bool) -> Result<ExitCode> {
    let mut behind = Vec::new();
    let mut silent = 0;
    for pin in pins::ALL {
        let Pin { name, version, .. } = pin;
        match ask::newest(pin) {
            Ok(newest) if version::is_newer(&newest.version, version) => {
                println!("{name:<26}{version:<12}{} is newer", plain(&newest.version));
                behind.push((pin, newest));
            }
            Ok(_) => println!("{name:<26}{version}"),
            Err(error) => {
                process::check()?;
                silent += 1;
                println!(
                    "{name:<26}{version:<12}could not be asked for: {}",
                    plain(&format!("{error:#}"))
                );
            }
        }
    }
    if write {
        // This also completes an interrupted run.
        pin_all(&behind)?;
    } else if !behind.is_empty() {
        println!(
            "\n{} behind; to pin the newer versions: cargo xtask upgrade --write",
            behind.len()
        );
    }
    if silent > 0 {
        bail!("no version was found for {silent} of {} pins", pins::ALL.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn pin_all(behind: &[(&Pin, Newest)]) -> Result<()> {
    if behind.is_empty() {
        return relock::follow();
    }
    let path = workspace::root().join(pins::DECLARED_IN);
    let mut text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    for (pin, newest) in behind {
        text = edit::pinned(&text, pin, newest)?;
    }
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    println!("\nwrote {}", pins::DECLARED_IN);
    // This process was compiled with the old pins.
    let mut synth = workspace::cargo();
    synth.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "synth"]);
    process::run("cargo xtask synth", &mut synth)?;
    relock::follow()?;
    println!("now: cargo xtask test");
    Ok(())
}
