//! The time that the extension adds to what Lambda bills: measured figures of docs/performance.md, and the model's.

use std::time::Duration;

const PERFORMANCE: &str = include_str!("../../../docs/performance.md");

/// Measured times, apart from that of held invocations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// Added to an invocation that is not held.
    pub invocation: Duration,
    /// The time from the start of the extension to its first `next`. Lambda bills the init phase.
    pub start: Duration,
    /// The time from SHUTDOWN to the end of the extension. AWS does not state that this phase is free, so it counts as
    /// billed.
    pub shutdown: Duration,
    /// Added to an invocation by `FLUSH=end`, as measured.
    pub held: Duration,
}

impl Overhead {
    /// Returns the figures of docs/performance.md.
    pub fn measured() -> Result<Self, String> {
        Self::read(PERFORMANCE)
    }

    /// Returns the figures in the tables of a document, which `cargo xtask bench` prints.
    pub fn read(document: &str) -> Result<Self, String> {
        Ok(Self {
            invocation: milliseconds(document, "adaptive", 2)?,
            start: milliseconds(document, "start to first `next`, ms", 1)?,
            shutdown: milliseconds(document, "adaptive", 9)?,
            held: milliseconds(document, "end", 2)?,
        })
    }
}

/// Returns the time in a cell: the row's first cell, and the number of the column from 0. A difference below zero is none.
fn milliseconds(document: &str, row: &str, column: usize) -> Result<Duration, String> {
    let start = format!("| {row} |");
    let line = document.lines().find(|line| line.starts_with(&start));
    let cell = line.and_then(|line| line.trim_matches('|').split('|').nth(column));
    let ms = cell.and_then(|cell| cell.trim().trim_start_matches('+').parse().ok());
    ms.and_then(|ms: f64| Duration::try_from_secs_f64(ms.max(0.0) / 1_000.0).ok()).ok_or_else(|| {
        format!(
            "docs/performance.md has no time in column {column} of the row \"{row}\". Run `cargo xtask bench` and paste its tables"
        )
    })
}
