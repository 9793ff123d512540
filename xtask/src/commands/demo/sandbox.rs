//! Runs the sandbox: a Lambda on this machine, with the extension and the test function in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use extension_spec::{EXTENSION_NAME, variable};
use serde_json::json;

use super::Options;
use super::reports::{self, Report};
use crate::support::process::{self, Process};
use crate::support::progress::Step;
use crate::tools::build::TEST_FUNCTION;

/// Far longer than the test function takes, so that only a function that hangs is ended.
const TIMEOUT_MS: u32 = 10_000;

/// Returns the sandbox's reports, in order.
pub(super) fn run(
    options: &Options,
    programs: &BTreeMap<String, PathBuf>,
    stream: &str,
    environment: &[(&str, String)],
    journal: &Path,
    step: &Step,
) -> Result<Vec<Report>> {
    let program = |name: &str| {
        programs.get(name).with_context(|| format!("cargo did not build a program {name}"))
    };
    let payload = |end| {
        let payload = json!({ "lines": options.lines, "bytes": options.bytes, "end": end });
        ["--payload".to_owned(), payload.to_string()]
    };
    let env = |name: &str, value: &str| ["--env".to_owned(), format!("{name}={value}")];
    let mut command = Command::new(program("extension-sandbox")?);
    command
        .arg("--extension")
        .arg(program(EXTENSION_NAME)?)
        .arg("--function")
        .arg(program(TEST_FUNCTION)?)
        .args(["--invocations", &options.invocations.to_string()])
        .args(options.fail.then(|| payload("fail")).into_iter().flatten())
        .args(payload("success"))
        .args(["--log-format", &options.format])
        .args(["--mode", options.mode.initialization_type()])
        .args(["--timeout-ms", &TIMEOUT_MS.to_string()])
        .args(["--env", &format!("{}={stream}", variable::STREAM)])
        .args(environment.iter().flat_map(|(name, value)| env(name, value)))
        // The user's variables come last, so that they take precedence.
        .args(options.env.iter().flat_map(|(name, value)| env(name, value)))
        .arg("--journal")
        .arg(journal)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut sandbox = Process::spawn("the sandbox", &mut command)?;
    let reports = listen(&mut sandbox, options.invocations, step)?;
    let exit = sandbox.wait()?;
    // The reports say more than the exit code, which is also a failure if the environment could not be initialised.
    if !exit.success() && reports.is_empty() {
        bail!("the sandbox failed ({exit})");
    }
    Ok(reports)
}

/// Collects the reports, and passes on the sandbox's stderr.
fn listen(sandbox: &mut Process, invocations: u32, step: &Step) -> Result<Vec<Report>> {
    let stdout = sandbox.stdout.take().context("the sandbox has no stdout")?;
    let stderr = sandbox.stderr.take().context("the sandbox has no stderr")?;
    thread::scope(|scope| {
        scope.spawn(move || {
            process::lines(stderr).map_while(Result::ok).for_each(|line| step.pass_on(&line));
        });
        let mut all = Vec::new();
        let listened = process::lines(stdout).try_for_each(|line| {
            let report = reports::parse(&line.context("the sandbox cannot be read")?)?;
            if let Report::Invocation { n, .. } = report {
                step.note(&format!("{n} of {invocations}"));
            }
            all.push(report);
            Ok(())
        });
        if listened.is_err() {
            // Otherwise the sandbox and the other thread would continue.
            sandbox.end();
        }
        listened.map(|()| all)
    })
}
