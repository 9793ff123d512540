//! Ctrl-C and SIGTERM leave no process. The programs of this test are shell scripts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stub;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stub::{path_with, script};

/// Builds for ever, in a grandchild of ours.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata) echo '{"target_directory":"nowhere"}' ;;
*) sleep 1000 & echo building >&2; wait ;;
esac
"#;

/// Answers late; builds nothing, because nothing may be started after the interruption.
const SLOW_CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata) echo building >&2; sleep 1; echo '{"target_directory":"nowhere"}' ;;
*) echo started >&2 ;;
esac
"#;

fn is_interrupted_by(signal: Signal, name: &str, cargo: &str) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("interrupt-{name}"));
    fs::create_dir_all(&dir).unwrap();
    script(&dir, "node", "#!/bin/sh\necho v20.0.0\n");
    script(&dir, "npm", "#!/bin/sh\necho 10.0.0\n");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("demo")
        .env("CARGO", script(&dir, "cargo", cargo))
        .env("PATH", path_with(&dir))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(demo.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "building\n");

    kill(Pid::from_raw(demo.id().try_into().unwrap()), signal).unwrap();
    // It ends only when all who could write to it are gone, the `sleep` included.
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "interrupted\n");
    assert_eq!(demo.wait().unwrap().code(), Some(130));
}

#[test]
fn ctrl_c_leaves_no_process_behind() {
    is_interrupted_by(Signal::SIGINT, "ctrl-c", CARGO);
}

#[test]
fn sigterm_leaves_no_process_behind() {
    is_interrupted_by(Signal::SIGTERM, "sigterm", CARGO);
}

#[test]
fn sigterm_during_a_short_program_waits_for_it_and_starts_nothing_more() {
    is_interrupted_by(Signal::SIGTERM, "short", SLOW_CARGO);
}
