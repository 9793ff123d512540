//! Prints a line on stderr for each step of a command: what it does, and how long it took.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::Result;
use kinesis_telemetry_terminal::{StatusLine, note};

/// The column in which durations start.
const LABEL_WIDTH: usize = 44;

/// A step of a command. On a terminal its line is visible from the beginning.
pub(crate) struct Step {
    label: String,
    began: Instant,
    line: StatusLine,
}

impl Step {
    fn begin(label: &str) -> Self {
        let step =
            Self { label: label.to_owned(), began: Instant::now(), line: StatusLine::default() };
        step.note("");
        step
    }

    /// Shows how far the step is, on a terminal.
    pub(crate) fn note(&self, note: &str) {
        self.line.set(&format!("{:<LABEL_WIDTH$} {note}", format!("{} …", self.label)));
    }

    /// Prints a line of another program above the line of the step.
    pub(crate) fn pass_on(&self, text: &str) {
        self.line.print(text);
    }

    fn end(&self, result: impl Display) {
        self.line.clear();
        self.line.print(&format!("{:<LABEL_WIDTH$} {result}", self.label));
    }
}

/// Runs a step that prints nothing, or reports through the [`Step`].
pub(crate) fn step<T>(label: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
    let step = Step::begin(label);
    let done = work(&step);
    match &done {
        Ok(_) => step.end(seconds(step.began.elapsed())),
        Err(_) => step.end("failed"),
    }
    done
}

/// Runs a step that writes to stderr by itself, as cargo does: its line follows.
pub(crate) fn noisy_step<T>(label: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let done = work()?;
    note(&format!("{label:<LABEL_WIDTH$} {}", seconds(began.elapsed())));
    Ok(done)
}

/// Formats a duration in seconds with one decimal.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:>6.1} s", time.as_secs_f64())
}
