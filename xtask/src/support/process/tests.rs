use std::io::Read;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, killpg};

use super::{Process, lines, output, run};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts a script and waits for its first line.
fn started(script: &str) -> (Process, impl Iterator<Item = String>) {
    let mut process = Process::spawn("the script", &mut shell(script)).unwrap();
    let mut lines = lines(process.stdout.take().unwrap()).map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    (process, lines)
}

#[test]
fn dropping_a_process_ends_all_that_it_started() {
    let (process, mut output) = started("sleep 1000 & echo ready; wait");
    drop(process);
    // The pipe closes when no process holds it, not even the grandchild.
    assert_eq!(output.next(), None);
}

#[test]
fn a_process_that_ignores_the_request_is_made_to_end() {
    let (process, mut output) = started("trap '' TERM; echo ready; while :; do sleep 1000; done");
    drop(process);
    assert_eq!(output.next(), None);
}

#[test]
fn what_a_process_leaves_behind_when_it_is_asked_to_end_is_made_to_end() {
    let stubborn = "(trap '' TERM; echo ready; while :; do sleep 1000; done) & wait";
    let (process, mut output) = started(stubborn);
    drop(process);
    assert_eq!(output.next(), None);
}

#[test]
fn what_a_process_leaves_behind_when_it_fails_is_made_to_end() {
    let (_process, mut output) = started("sleep 1000 & echo ready; exit 1");
    assert_eq!(output.next(), None);
}

#[test]
fn a_process_sees_its_stdin_close_before_it_is_made_to_end() {
    let (process, mut output) = started("trap '' TERM; echo ready; read word; echo closed");
    drop(process);
    assert_eq!(output.next().as_deref(), Some("closed"));
}

#[test]
fn a_process_that_is_left_runs_on_and_hears_the_farewell() {
    let (process, mut output) = started("echo ready; read word; echo $word; sleep 1000");
    let group = process.leave("keep\n").unwrap();
    assert_eq!(output.next().as_deref(), Some("keep"));
    killpg(group, Signal::SIGKILL).unwrap();
    assert_eq!(output.next(), None);
}

#[test]
fn a_process_that_has_ended_says_how() {
    let process = Process::spawn("the script", &mut shell("exit 7")).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(7));
    assert_eq!(process.wait().unwrap().code(), Some(7), "and says it again");
}

#[test]
fn what_fails_is_named() {
    let error = run("the script", &mut shell("exit 7")).unwrap_err();
    assert_eq!(error.to_string(), "the script failed (exit status: 7)");
    let error = run("the tool", &mut Command::new("a-program-that-does-not-exist")).unwrap_err();
    assert_eq!(error.to_string(), "the tool does not start");
}

#[test]
fn output_is_what_was_written_and_how_it_ended() {
    let (exit, text) = output("the script", &mut shell("echo one; echo two; exit 3")).unwrap();
    assert_eq!((exit.code(), text.as_str()), (Some(3), "one\ntwo\n"));
}

#[test]
fn lines_that_are_no_utf8_are_lines() {
    let bytes: &mut dyn Read = &mut &b"a\xff\nb"[..];
    assert_eq!(lines(bytes).map(Result::unwrap).collect::<Vec<_>>(), ["a\u{fffd}", "b"]);
}
