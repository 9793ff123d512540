//! What these commands say: results on stdout, progress on stderr.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use anyhow::{Context, Result};

/// Writes to stdout. Somebody who has seen enough is no failure, and ends the process.
pub fn out(text: &str) -> Result<()> {
    if !is_heard(text)? {
        std::process::exit(0);
    }
    Ok(())
}

/// The same where there is something to do before the end: whether anybody still reads.
pub fn is_heard(text: &str) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("stdout cannot be written"),
    }
}

/// A line on stderr. That nobody can see it is no reason to stop.
pub fn note(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}

/// A line that tells how far something is. On a terminal it is written over; elsewhere it is told when it changes.
#[derive(Default)]
pub struct Progress {
    last: String,
}

impl Progress {
    /// Says it, unless it was said just now.
    pub fn say(&mut self, text: &str) {
        if text == self.last {
            return;
        }
        text.clone_into(&mut self.last);
        let mut stderr = io::stderr().lock();
        // Progress that nobody can see is no reason to stop.
        _ = if stderr.is_terminal() {
            write!(stderr, "\r\x1b[2K{text}")
        } else {
            writeln!(stderr, "{text}")
        };
        _ = stderr.flush();
    }

    /// Clears the line for what follows.
    pub fn end(&mut self) {
        if !self.last.is_empty() && io::stderr().is_terminal() {
            _ = write!(io::stderr(), "\r\x1b[2K");
        }
        self.last.clear();
    }
}
