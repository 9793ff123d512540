//! `upgrade`: says which pins of `project::pins` are behind; on request edits that file, and has all else follow.

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

/// Say which pinned npm packages, Python packages, actions and tools are behind.
#[derive(Args)]
#[command(after_help = "The crates are cargo's and Dependabot's business.")]
pub(crate) struct Options {
    /// Pin the newer versions, and have generated files and lock files follow.
    #[arg(long)]
    write: bool,
    /// Only have lock files follow what is pinned by now.
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
        // What an interrupted run has left behind is made up for, too.
        pin_all(&behind)?;
    } else if !behind.is_empty() {
        println!(
            "\n{} behind; to pin the newer versions: cargo xtask upgrade --write",
            behind.len()
        );
    }
    if silent > 0 {
        bail!("{silent} of {} pins could not be asked for", pins::ALL.len());
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
    // What runs here was compiled with the old pins.
    let mut synth = workspace::cargo();
    synth.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "synth"]);
    process::run("cargo xtask synth", &mut synth)?;
    relock::follow()?;
    println!("now: cargo xtask test");
    Ok(())
}
