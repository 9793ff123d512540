//! `outputs`, `invoke`, `tail`, `redrive`, `doctor`: `kinesis-telemetry` on a stage, so that nothing here links an SDK.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Once;

use anyhow::{Context, Result, bail};
use clap::Args;
use kinesis_telemetry_terminal::{StatusLine, note};

use super::deployment::Stage;
use crate::support::process::{self, Process};
use crate::support::workspace;

/// The program.
pub(crate) const PROGRAM: &str = "kinesis-telemetry";

/// A stage, and options of `kinesis-telemetry`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    stage: Stage,
    /// Options of kinesis-telemetry; "STAGE --help" lists them.
    #[arg(value_name = "OPTIONS", last = true)]
    options: Vec<OsString>,
}

/// Builds the program, and becomes it: signals and the exit code are its own.
pub(crate) fn run(command: &str, Options { stage, options }: &Options) -> Result<ExitCode> {
    let program = program()?;
    let mut becomes = Command::new(&program);
    becomes.arg(command);
    // With --stream, that stream is read, even if it belongs to another deployment.
    let names_stream = |it: &OsString| it.as_encoded_bytes().starts_with(b"--stream");
    if !options.iter().any(names_stream) {
        becomes.args(["--stage", &stage.name]);
    }
    let error = becomes.args(options).exec();
    Err(error).with_context(|| format!("{} does not start", program.display()))
}

/// Puts the `--` before the options that are the program's own.
pub(super) fn separated(mut typed: Vec<OsString>, delegated: &[&str]) -> Vec<OsString> {
    let is_delegated = typed.get(1).is_some_and(|it| delegated.iter().any(|name| it == name));
    let has_stage = typed.get(2).is_some_and(|it| !it.as_encoded_bytes().starts_with(b"-"));
    if is_delegated && has_stage && typed.get(3).is_some_and(|it| it != "--") {
        typed.insert(3, "--".into());
    }
    typed
}

/// Builds the program with cargo unless it is fresh, and returns its path. Prints one line while it builds.
pub(super) fn program() -> Result<PathBuf> {
    let (status, once) = (StatusLine::default(), Once::new());
    let mut errors = Vec::new();
    let mut command = workspace::build_command("dev", &[PROGRAM], &[]);
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
    let mut cargo =
        Process::spawn("cargo build", command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stderr = cargo.stderr.take().context("cargo has no stderr")?;
    let stdout = cargo.stdout.take().context("cargo has no stdout")?;
    let messages = std::thread::scope(|scope| {
        let messages =
            scope.spawn(|| process::lines(stdout).map_while(Result::ok).collect::<Vec<_>>());
        for line in process::lines(stderr).map_while(Result::ok) {
            if line.trim_start().starts_with("Compiling") {
                once.call_once(|| note("building kinesis-telemetry: minutes the first time, because of AWS's SDKs; seconds later"));
                status.set(line.trim());
            }
            errors.push(line);
        }
        messages.join().unwrap_or_default()
    });
    status.clear();
    if !cargo.wait()?.success() {
        bail!("kinesis-telemetry does not build:\n{}", errors.join("\n"));
    }
    // Cargo also names the example that it builds for its features.
    let mut programs = messages.iter().filter_map(|it| workspace::executable(it));
    let own = programs.find(|(name, _)| name == PROGRAM);
    own.map(|(_, path)| path).context("cargo did not build a program kinesis-telemetry")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_after_the_stage_are_the_programs_own() {
        let separated = |typed: &str| {
            let typed = typed.split(' ').map(OsString::from).collect();
            let words = separated(typed, &["tail"]).into_iter().map(|it| it.into_string().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        for (typed, expected) in [
            ("xtask tail dev --since 5m", "xtask tail dev -- --since 5m"),
            ("xtask tail dev --help", "xtask tail dev -- --help"),
            ("xtask tail dev -- --json", "xtask tail dev -- --json"),
            ("xtask tail dev", "xtask tail dev"),
            ("xtask tail --help", "xtask tail --help"),
            ("xtask deploy dev --yes", "xtask deploy dev --yes"),
        ] {
            assert_eq!(separated(typed), expected);
        }
    }
}
