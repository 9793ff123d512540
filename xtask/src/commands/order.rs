//! `order`: records the order in which the extension's functions first run, from start to shutdown.
//!
//! `xtask-bench` records it, in a process of its own.

use std::collections::HashSet;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::support::lock::locked;
use crate::support::process;
use crate::support::workspace;
use crate::tools::apt::{self, VALGRIND};
use crate::tools::build::{self, BENCH};
use crate::tools::link::{self, LIST};

/// The line of the list below which everything is recorded. The part above it is written by hand.
const RECORDED: &str = "# Recorded by cargo xtask order.";

/// Record the order in which the extension's functions first run: extension/function-order.txt.
#[derive(Args)]
#[command(
    after_help = "Needs valgrind, on Linux for x86_64. The next build links in this order (docs/function-order.md)."
)]
pub(crate) struct Options {}

pub(crate) fn run() -> Result<ExitCode> {
    let architecture = Architecture::X86_64;
    if build::own_architecture() != Some(architecture) {
        bail!("the order is recorded on Linux for {}", architecture.name());
    }
    apt::require(&[VALGRIND])?;
    let target = workspace::target_dir()?;
    let _one_at_a_time = locked(&target.join(build::LOCK))?;
    build::programs(EXTENSION_NAME, &[architecture])?;
    let program = build::first_link(&target, EXTENSION_NAME, architecture);
    let programs = workspace::build(&[BENCH])?;
    let mut bench = Command::new(programs.get(BENCH).context("cargo did not build xtask-bench")?);
    let (exit, symbols) =
        process::output(BENCH, bench.arg("record").arg("--program").arg(program))?;
    if !exit.success() {
        bail!("the life cannot be recorded");
    }
    let path = workspace::root().join(LIST);
    let before = fs::read_to_string(&path).with_context(|| format!("{LIST} cannot be read"))?;
    let after = updated(&before, &symbols);
    fs::write(&path, &after).with_context(|| format!("{LIST} cannot be written"))?;
    println!("{LIST}: {} functions", link::names(&after).count());
    Ok(ExitCode::SUCCESS)
}

/// Returns the list with the names of these symbols, each once, in place of what was recorded before.
fn updated(list: &str, symbols: &str) -> String {
    let by_hand = list.split(RECORDED).next().unwrap_or_default();
    let mut seen: HashSet<String> = link::names(by_hand).map(str::to_owned).collect();
    let names = symbols.lines().map(link::name).filter(|name| seen.insert(name.clone()));
    let lines: Vec<String> = [RECORDED.to_owned()].into_iter().chain(names).collect();
    format!("{by_hand}{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::updated;

    #[test]
    fn what_people_wrote_stays_and_what_was_recorded_is_replaced() {
        let list = "# By hand.\nmemcpy\n\n# Recorded by cargo xtask order.\nold\n";
        let symbols = "_ZN1a4main17h0123456789abcdefE\nmemcpy\n_ZN1a4main17h0123456789abcdeeE\n";
        let expected = "# By hand.\nmemcpy\n\n# Recorded by cargo xtask order.\na::main\n";
        assert_eq!(updated(list, symbols), expected);
    }
}
