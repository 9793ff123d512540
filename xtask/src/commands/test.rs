//! `test`: runs all tests, including those that need more than Rust.
//!
//! Such a test is `#[ignore = "needs Node: cargo xtask test"]`, so that plain `cargo test` skips it and says why. If the tool is
//! missing, this command skips and names the test; in CI it fails.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::checks::artifact_checks::OF_RELEASE;
use crate::support::process::{self, Process};
use crate::support::section::Sections;
use crate::support::workspace;
use crate::tools::build;
use crate::tools::cdk;
use crate::tools::consumers;
use crate::tools::emulator;
use crate::tools::linters;
use crate::tools::ministack::{self, MINISTACK};
use crate::tools::rie::{self, OF_LAYER, RIE};
use crate::tools::{self, Tool, UNSHARE};

/// Where tests find the emulator.
const EMULATOR_DIR: &str = "EMULATOR_DIR";

/// Run all tests, with the tools that they need installed under target/.
#[derive(Args)]
#[command(
    after_help = "Tests that need a tool which this machine does not have are skipped by name; \
                  with CI=true that is a failure."
)]
pub(crate) struct Options {
    /// Arguments for the test binaries: a filter, --nocapture, ...
    #[arg(value_name = "ARGUMENTS", num_args = 0.., last = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut sections = Sections::default();
    let done = all(&mut sections, &options.arguments);
    sections.finish(done)
}

/// The sections of this command, which are also the last ones of `ci`.
pub(crate) fn all(sections: &mut Sections, arguments: &[OsString]) -> Result<()> {
    let mut tally = Tally::default();
    let done = tests(sections, &mut tally, arguments);
    if let Some(words) = tally.words() {
        sections.say_last(&words);
    }
    done
}

fn tests(sections: &mut Sections, tally: &mut Tally, arguments: &[OsString]) -> Result<()> {
    let missing = missing(workspace::is_ci())?;
    let emulator = if missing.contains(&Tool::Node) {
        None
    } else {
        Some(sections.run("emulator", || emulator::install(&workspace::target_dir()?))?)
    };
    if !missing.contains(&Tool::Node) {
        sections.run("npm packages", cdk::install)?;
        if !missing.contains(&Tool::Python) {
            sections.run("linters", || linters::install(&workspace::target_dir()?))?;
        }
    }
    let ministack = if missing.contains(&Tool::Python) {
        None
    } else {
        Some(sections.run("ministack", || ministack::install(&workspace::target_dir()?))?)
    };
    let rie = match build::own_architecture() {
        Some(architecture) if !missing.contains(&Tool::Python) => {
            Some(sections.run("rie", || rie::install(architecture, &workspace::target_dir()?))?)
        }
        Some(_) => None,
        None => {
            eprintln!(
                "AWS's Runtime Interface Emulator runs on Linux; here are no tests that need it"
            );
            None
        }
    };
    let there: Vec<Tool> =
        [Tool::Node, Tool::Python].into_iter().filter(|it| !missing.contains(it)).collect();
    if !there.is_empty() {
        sections.run("libraries", || {
            let target = workspace::target_dir()?;
            there.iter().try_for_each(|tool| consumers::install(*tool, &target).map(drop))
        })?;
    }
    let programs = [
        (EMULATOR_DIR, emulator.map(PathBuf::into_os_string)),
        (MINISTACK, ministack.map(PathBuf::into_os_string)),
        (RIE, rie.map(PathBuf::into_os_string)),
        (UNSHARE, tools::unshare().map(OsString::from)),
    ];
    let cargo_test = |own: &[&OsStr]| cargo_test(&programs, own, arguments);
    if missing.is_empty() {
        return sections.run("tests", || {
            let every = &mut cargo_test(&["--include-ignored".as_ref()]);
            run_and_listen(every, |line| tally.count(line))
        });
    }
    let skipped = sections.run("tests", || {
        let mut skipped = Vec::new();
        run_and_listen(&mut cargo_test(&[]), |line| {
            tally.count(line);
            skipped.extend(needing(line, &missing));
        })?;
        Ok(skipped)
    })?;
    sections.run("more tests", || {
        let skips = skipped.iter().flat_map(|name| ["--skip".as_ref(), OsStr::new(name)]);
        let own: Vec<&OsStr> = ["--ignored".as_ref()].into_iter().chain(skips).collect();
        run_and_listen(&mut cargo_test(&own), |line| tally.count(line))
    })?;
    for name in &skipped {
        eprintln!("skipped: {name}");
    }
    Ok(())
}

/// Reports which tools are missing, and what to do.
fn missing(ci: bool) -> Result<Vec<Tool>> {
    let mut missing = Vec::new();
    for tool in Tool::ALL {
        if let Err(why) = tool.require() {
            if ci {
                bail!("{why} (with CI=true no test is skipped)");
            }
            eprintln!("{why}; tests that need it are skipped");
            missing.push(tool);
        }
    }
    Ok(missing)
}

fn cargo_test(
    programs: &[(&str, Option<OsString>)],
    own: &[&OsStr],
    arguments: &[OsString],
) -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--locked", "--"]).args(own).args(arguments);
    // `cargo xtask ci` runs them once there are a layer and a release.
    command.args(["--skip", OF_LAYER, "--skip", OF_RELEASE]);
    for (variable, value) in programs {
        command.envs(value.as_ref().map(|value| (variable, value)));
    }
    command
}

/// Runs the tests, prints their output, and passes it on.
fn run_and_listen(command: &mut Command, mut listener: impl FnMut(&str)) -> Result<()> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::spawn("cargo test", command)?;
    let stdout = process.stdout.take().context("cargo test has no stdout")?;
    for line in process::lines(stdout) {
        let line = line.context("cargo test cannot be read")?;
        println!("{line}");
        listener(&line);
    }
    let exit = process.wait()?;
    if !exit.success() {
        bail!("cargo test failed ({exit})");
    }
    Ok(())
}

/// The totals of all test programs.
#[derive(Default)]
struct Tally {
    programs: u32,
    passed: u32,
    failed: u32,
}

impl Tally {
    /// Adds the counts of this line, if it is the last one of a test program.
    fn count(&mut self, line: &str) {
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|line| line.split_once(". "))
        else {
            return;
        };
        self.programs += 1;
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(n, what)| (n.parse::<u32>(), what)) {
                Some((Ok(n), "passed")) => self.passed += n,
                Some((Ok(n), "failed")) => self.failed += n,
                _ => {}
            }
        }
    }

    /// Returns nothing if no test program has ended.
    fn words(&self) -> Option<String> {
        let Self { programs, passed, failed } = self;
        // cargo runs no further program after one that fails.
        let end = if *failed > 0 { "; those in later test programs were not run" } else { "" };
        (*programs > 0).then(|| format!("{passed} passed, {failed} failed{end}"))
    }
}

/// The name of the test, if this line says that it was ignored for need of one of `tools`.
fn needing(line: &str, tools: &[Tool]) -> Option<String> {
    let (name, reason) = line.strip_prefix("test ")?.split_once(" ... ignored, needs ")?;
    tools.iter().any(|tool| reason.contains(tool.word())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Tally, needing};
    use crate::tools::Tool;

    #[test]
    fn a_test_is_skipped_for_the_tool_it_needs() {
        let line = "test emulator::tests::it_starts ... ignored, needs Node: cargo xtask test";
        let name = Some("emulator::tests::it_starts".to_owned());
        assert_eq!(needing(line, &[Tool::Node]), name);
        assert_eq!(needing(line, &[Tool::Python]), None);
        let both = "test it ... ignored, needs Node and Python 3: cargo xtask test";
        assert!(needing(both, &[Tool::Python]).is_some());
        let emulated = "test it ... ignored, needs Python and unshare: cargo xtask test";
        assert!(needing(emulated, &[Tool::Unshare]).is_some());
        let shown = "test browser::it_is_shown ... ignored, needs Chromium: cargo xtask test";
        assert!(needing(shown, &[Tool::Chromium]).is_some());
    }

    #[test]
    fn passed_and_failed_are_summed_over_all_programs() {
        let mut tally = Tally::default();
        assert_eq!(tally.words(), None, "where nothing is built nothing passes");
        for line in [
            "running 9 tests",
            "test it::passes ... ok",
            "test result: ok. 9 passed; 0 failed; 2 ignored; 0 measured; 1 filtered out; finished in 0.45s",
            "test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            tally.count(line);
        }
        assert_eq!(tally.words().unwrap(), "39 passed, 0 failed");
        tally.count(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        let words = "40 passed, 2 failed; those in later test programs were not run";
        assert_eq!(tally.words().unwrap(), words);
    }

    #[test]
    fn other_lines_skip_nothing() {
        for line in ["test it ... ok", "test it ... ignored", "test result: ok. 1 passed", ""] {
            assert_eq!(needing(line, &Tool::ALL), None, "{line}");
        }
    }
}
