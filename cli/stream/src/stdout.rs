//! Prints results on stdout, without control characters. Progress goes to stderr (`kinesis_telemetry_terminal`).

use std::io::{self, ErrorKind, Write as _};

use anyhow::{Context, Result};
use kinesis_telemetry_terminal::{self as terminal, Text};
use serde::Serialize;

/// Writes `text` to stdout. If the reader has closed the pipe, ends the process successfully.
pub fn print(text: &str) -> Result<()> {
    if !try_print(text)? {
        std::process::exit(0);
    }
    Ok(())
}

/// Writes `text` to stdout, with its colours. If the reader has closed the pipe, ends the process successfully.
pub fn print_styled(text: &Text) -> Result<()> {
    if !try_write(text.as_str().as_bytes())? {
        std::process::exit(0);
    }
    Ok(())
}

/// Writes `text` to stdout and returns false if the reader has closed the pipe, for callers that clean up before they end.
pub fn try_print(text: &str) -> Result<bool> {
    try_write(terminal::lines(text).as_bytes())
}

/// Writes bytes to stdout unchanged, and returns false if the reader has closed the pipe. The bytes must be safe to show.
pub fn try_write(bytes: &[u8]) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("stdout cannot be written"),
    }
}

/// Returns a value as a JSON document of several lines, in which control characters are escaped.
pub fn json(value: &impl Serialize) -> Result<String> {
    let document =
        serde_json::to_string_pretty(value).context("the result cannot be written as JSON")?;
    Ok(terminal::json(&document).into_owned() + "\n")
}
