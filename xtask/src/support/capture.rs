//! Runs a program, and keeps what it prints on stdout and stderr.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use kinesis_telemetry_terminal::plain;

use crate::support::process::{self, Process};

/// The number of lines that are kept: the last ones.
const MOST_LINES: usize = 2_000;

/// Runs it to its end. With `aloud` every line is passed on as it comes.
pub(crate) fn capture(
    what: &str,
    command: &mut Command,
    aloud: bool,
) -> Result<(ExitStatus, String)> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(what, command)?;
    let stdout = process.stdout.take().with_context(|| format!("{what} has no stdout"))?;
    let stderr = process.stderr.take().with_context(|| format!("{what} has no stderr"))?;
    let said = Mutex::new(Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            listen(stderr, &said, |line| _ = aloud.then(|| eprintln!("{}", plain(line))));
        });
        listen(stdout, &said, |line| _ = aloud.then(|| println!("{}", plain(line))));
    });
    let said = said.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((process.wait()?, said.join("\n")))
}

fn listen(pipe: impl Read, said: &Mutex<Vec<String>>, pass_on: impl Fn(&str)) {
    for line in process::lines(pipe).map_while(Result::ok) {
        pass_on(&line);
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == MOST_LINES {
            said.remove(0);
        }
        said.push(line);
    }
}
