//! The sandbox as a program.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::folder::{Folder, commands, state, until};

fn command(function: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_extension-sandbox"));
    command.arg("--function").arg(function);
    command
}

fn output(function: &Path) -> (Output, String) {
    let output = command(function).output().unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (output, stderr)
}

/// Returns true if a guardian runs for the group of this process.
fn is_guarded(process: i32) -> bool {
    let arguments = format!(" guardian {process}");
    commands().lines().any(|command| command.trim_end().ends_with(&arguments))
}

#[tokio::test]
async fn no_process_outlives_a_sandbox_that_is_killed() {
    let folder = Folder::new();
    let ids = folder.path().join("ids");
    let script =
        "#!/bin/sh\nsleep 1000 &\necho $$ $! > \"$IDS.new\"\nmv \"$IDS.new\" \"$IDS\"\nwait\n";
    let function = folder.program("function", script);
    let mut sandbox = command(&function)
        .args(["--env", &format!("IDS={}", ids.display())])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the function runs", || ids.exists()).await;
    let ids: Vec<i32> = std::fs::read_to_string(&ids)
        .unwrap()
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "the script and what it started");
    assert!(ids.iter().all(|id| state(*id).is_some_and(|state| state != 'Z')));
    until("its guardian watches", || is_guarded(ids[0])).await;
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    for id in ids {
        until("the process is gone", || matches!(state(id), None | Some('Z'))).await;
    }
}

#[test]
fn a_program_that_does_not_exist_is_refused_by_name() {
    let (output, stderr) = output(Path::new("/nowhere/function"));
    assert!(!output.status.success());
    assert!(stderr.contains("/nowhere/function") && stderr.contains("no such program"), "{stderr}");
}

#[test]
fn a_program_that_cannot_start_is_said_with_its_reason_and_fails() {
    let folder = Folder::new();
    let function = folder.program("function", "#!/nowhere/interpreter\n");
    let (output, stderr) = output(&function);
    assert_eq!(output.status.code(), Some(1));
    let said = format!("cannot start {}: No such file", function.display());
    assert!(stderr.contains(&said), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for report in &reports[..2] {
        assert!(report["message"].as_str().unwrap().contains(&said), "{report}");
    }
}

#[test]
fn last_words_of_a_function_that_cannot_start_are_passed_on() {
    let folder = Folder::new();
    let function = folder.program("function", "#!/bin/sh\necho no database >&2\nexit 3\n");
    let (output, stderr) = output(&function);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("function | no database"), "{stderr}");
}
