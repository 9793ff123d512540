//! Says on stderr what is being done, and how long it took: a line for each step.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Erases the line that the cursor is in.
const ERASE: &str = "\r\x1b[2K";
/// Where the times stand, so that they make a column.
const LABEL_WIDTH: usize = 44;

/// Something that takes time. On a terminal its line is there from the beginning.
pub(crate) struct Step {
    label: String,
    began: Instant,
    /// What stands in the unfinished line; on anything but a terminal there is none.
    unfinished: Option<Mutex<String>>,
}

impl Step {
    pub(crate) fn begin(label: &str) -> Self {
        let unfinished = stderr().is_terminal().then(|| Mutex::new(String::new()));
        let step = Self { label: label.to_owned(), began: Instant::now(), unfinished };
        step.note("");
        step
    }

    /// Says how far it is.
    pub(crate) fn note(&self, note: &str) {
        if let Some(unfinished) = &self.unfinished {
            let mut line = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
            *line = format!("{:<LABEL_WIDTH$} {note}", format!("{} …", self.label));
            write(format_args!("{ERASE}{line}"));
        }
    }

    /// Passes a line on that somebody else wrote, without mixing it up with our own.
    pub(crate) fn pass_on(&self, text: &str) {
        match &self.unfinished {
            None => write(format_args!("{text}\n")),
            Some(unfinished) => {
                let line = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
                write(format_args!("{ERASE}{text}\n{line}"));
            }
        }
    }

    fn end(&self, result: impl Display) {
        let erase = if self.unfinished.is_some() { ERASE } else { "" };
        write(format_args!("{erase}{:<LABEL_WIDTH$} {result}\n", self.label));
    }
}

/// Runs a step whose work is silent, or tells of itself through the [`Step`].
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
    write(format_args!("{label:<LABEL_WIDTH$} {}\n", seconds(began.elapsed())));
    Ok(done)
}

pub(crate) fn seconds(time: Duration) -> String {
    format!("{:>6.1} s", time.as_secs_f64())
}

/// Progress that nobody can see is no reason to stop.
fn write(text: std::fmt::Arguments<'_>) {
    let mut stderr = stderr().lock();
    _ = stderr.write_fmt(text);
    _ = stderr.flush();
}
