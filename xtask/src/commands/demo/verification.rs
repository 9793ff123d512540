//! Reads the stream through the Kinesis API, and compares it with what the platform generated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::support::process;

/// The number of events that are shown as they arrived.
const SHOWN: &str = "3";
/// The time limit in seconds. The emulator shows acknowledged records at once; the limit is for a busy machine.
const WAIT: &str = "3";
/// The exit code of `kinesis-telemetry-stream verify` if something is missing or wrong.
const NOT_COMPLETE: i32 = 1;

/// The output of `kinesis-telemetry-stream verify`.
pub(super) struct Outputs<'a> {
    /// The file for its report in JSON.
    pub(super) report: &'a Path,
    /// The file for a page about the invocations, if one is wanted.
    pub(super) html: Option<&'a Path>,
    /// Columns of its report for people.
    pub(super) width: usize,
}

/// The findings of `kinesis-telemetry-stream verify`.
pub(super) struct Verification {
    /// Its report for machines.
    pub(super) facts: Value,
    /// Its report for people.
    pub(super) text: String,
}

impl Verification {
    pub(super) fn is_complete(&self) -> bool {
        self.facts["complete"] == true
    }

    /// When the last event of a request arrived, in milliseconds since 1970. `platform.report` does
    /// not count: Lambda itself sends it with the next invocation only.
    pub(super) fn delivered_ms(&self, request_id: &str) -> Option<i64> {
        self.facts["requests"][request_id]["lastArrivalBeforeReportMs"].as_i64()
    }
}

pub(super) fn run(
    programs: &BTreeMap<String, PathBuf>,
    stream: &str,
    environment: &[(&str, String)],
    journal: &Path,
    outputs: &Outputs<'_>,
) -> Result<Verification> {
    let Outputs { report, html, width } = outputs;
    let program = programs
        .get("kinesis-telemetry-stream")
        .context("cargo did not build a program kinesis-telemetry-stream")?;
    let mut command = Command::new(program);
    command
        .args(["verify", "--stream", stream, "--show", SHOWN, "--wait", WAIT])
        .args(["--width", &width.to_string()])
        .arg("--journal")
        .arg(journal)
        .arg("--report")
        .arg(report);
    if let Some(html) = html {
        command.arg("--html").arg(html);
    }
    // The user's own settings are for AWS, not for the emulator.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(name);
        }
    }
    command
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .envs(environment.iter().map(|(name, value)| (name, value)));
    let (exit, text) = process::output("kinesis-telemetry-stream verify", &mut command)?;
    if !exit.success() && exit.code() != Some(NOT_COMPLETE) {
        bail!("the stream cannot be read");
    }
    let json = std::fs::read(report).context("kinesis-telemetry-stream verify wrote no report")?;
    let facts = serde_json::from_slice(&json)
        .context("kinesis-telemetry-stream verify wrote an invalid report")?;
    Ok(Verification { facts, text })
}
