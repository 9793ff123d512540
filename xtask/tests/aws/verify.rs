//! `cargo xtask verify` on an AWS of this machine: what it deploys, compares, reports and leaves behind.
//!
//! ministack has neither layers nor a Telemetry API, so the sandbox stands in for Lambda in the functions, as in `end_to_end`. So
//! both sides of the comparison are the sandbox: what is proved here is the way from the deployment to the report. What an
//! emulator cannot do is named in the report.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::end_to_end::{programs, zips};
use crate::ministack::Ministack;

/// Runs `cargo xtask`; returns its exit code and all that it says.
fn types(aws: &Ministack, arguments: &[&str]) -> (i32, String) {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    aws.credentials(xtask.args(arguments).stdin(Stdio::null()));
    let output = xtask.output().unwrap();
    let text = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    (output.status.code().unwrap(), text)
}

fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

struct Verification<'a> {
    aws: &'a Ministack,
    folder: &'a Path,
}

impl Verification<'_> {
    fn runs(&self, prepare: &Path) -> (i32, String) {
        let [zips, output] = ["zips", "output"].map(|it| self.folder.join(it));
        let [zips, output, prepare] =
            [&zips, &output, prepare].map(|it| it.to_str().unwrap().to_owned());
        types(
            self.aws,
            &["verify", "dev", "--zips", &zips, "--output", &output, "--prepare", &prepare],
        )
    }

    /// The stream is retained by none, nor is a layer version.
    fn nothing_is_left(&self) {
        let left = self.aws.ask("left");
        assert_eq!(left["stacks"], json!(["CDKToolkit"]), "{left:#}");
        assert_eq!(left["streams"], json!([]), "{left:#}");
        assert_eq!(left["layers"], json!([]), "{left:#}");
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn a_verification_compares_reports_and_destroys_also_after_a_failure_and_an_interruption() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let programs = programs(&["kinesis-telemetry-extension", "test-function", "sandbox-bootstrap"]);
    fs::create_dir(folder.path().join("zips")).unwrap();
    zips(&aws, &folder.path().join("zips"), &programs);
    let (code, said) = types(&aws, &["bootstrap", "dev"]);
    assert_eq!(code, 0, "{said}");
    let verification = Verification { aws: &aws, folder: folder.path() };

    let failing = script(folder.path(), "failing", "echo not today >&2; exit 7");
    let (code, said) = verification.runs(&failing);
    assert!(code == 1 && said.contains("failing failed (exit status: 7)"), "{said}");
    verification.nothing_is_left();

    let interrupting = script(folder.path(), "interrupting", "kill -TERM $PPID; sleep 600");
    let (code, said) = verification.runs(&interrupting);
    assert!(code == 130 && said.ends_with("interrupted\n"), "{said}");
    verification.nothing_is_left();

    let stand_ins = format!(
        "exec {} -B {} {} \"$1\"",
        aws.interpreter().display(),
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap())
            .join("tests/aws/stand_ins.py")
            .display(),
        programs["sandbox-bootstrap"].display()
    );
    let (code, said) = verification.runs(&script(folder.path(), "stand-ins", &stand_ins));
    let output = folder.path().join("output");
    let report = fs::read_to_string(output.join("report.md")).unwrap_or_default();
    assert_eq!(code, 0, "{said}\n{report}\n{}", aws.log());
    verification.nothing_is_left();
    is_honest(&report);
    has_samples(&output.join("samples"));
}

fn is_honest(report: &str) {
    assert!(report.contains("ran on an emulator of AWS"), "{report}");
    for done in ["cold-and-warm", "failure", "timeout", "crash", "burst"] {
        let row = format!("| {done} | as in the sandbox | as in the sandbox |");
        assert!(report.contains(&row), "{row}\n{report}");
    }
    for (part, reason) in [
        ("out-of-memory", "an emulator does not limit a function's memory"),
        ("provisioned-concurrency", "initialises on demand only"),
        ("snap-start", "SnapStart takes a managed runtime"),
    ] {
        assert!(report.contains(&format!("| {part} | not done | not done |")), "{report}");
        let row = report.lines().find(|it| it.starts_with(&format!("| {part} on x86_64")));
        assert!(row.is_some_and(|it| it.contains(reason)), "{report}");
    }
    assert!(report.contains("an emulator's reports are not Lambda's"), "{report}");
    let after_arn = report.split("arn:").skip(1).collect::<Vec<_>>();
    assert_eq!(after_arn, [""; 0], "no ARN");
}

/// Each sample of a cold start and warm invocations is what Lambda would have written, from init to the last report.
fn has_samples(folder: &Path) {
    let text = fs::read_to_string(folder.join("cold-and-warm-arm64-1.ndjson")).unwrap();
    let kinds: Vec<String> = text
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[0], "platform.initStart");
    assert_eq!(kinds.last().unwrap(), "platform.report");
    assert_eq!(kinds.iter().filter(|it| *it == "platform.report").count(), 3, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|it| *it == "function").count(), 9, "{kinds:?}");
    let crash = fs::read_to_string(folder.join("crash-x86_64-1.ndjson")).unwrap();
    assert!(crash.contains("Runtime.ExitError"), "{crash}");
}
