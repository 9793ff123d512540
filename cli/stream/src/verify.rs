//! `verify`: reads journal and stream, compares until complete or the time is over, says the result.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

use crate::client::Target;
use crate::compare::compare;
use crate::stream::{Reader, Start};
use crate::{journal, render};

pub use crate::compare::Terms;

/// Between two looks: five `GetRecords` a second are all that a shard gives to all of its readers.
const PAUSE: Duration = Duration::from_millis(250);

/// What `verify` was asked to do.
#[derive(Debug)]
pub struct Verify {
    /// Name or ARN.
    pub stream: String,
    /// The journal that the sandbox wrote.
    pub journal: PathBuf,
    /// What counts.
    pub terms: Terms,
    /// Whether the report is printed as JSON.
    pub json: bool,
    /// A file that gets the JSON as well, for a caller that wants to show the text and read the facts.
    pub report: Option<PathBuf>,
    /// How long what is missing may take to become readable.
    pub wait: Duration,
    /// Characters of the longest line that is printed.
    pub width: usize,
}

/// Looks until the stream is complete or the time is over, and says what it has found.
pub async fn run(options: &Verify) -> Result<ExitCode> {
    let journal = journal::read(&options.journal)?;
    let mut reader = Reader::new(Target::of(&options.stream).await?, Start::Oldest);
    let mut records = Vec::new();
    let give_up = Instant::now() + options.wait;
    let report = loop {
        records.extend(reader.read_to_tip().await?);
        let report = compare(&journal, &records, options.terms);
        if !report.lacks_something() || Instant::now() >= give_up {
            break report;
        }
        sleep(PAUSE).await;
    };
    let json = || serde_json::to_string_pretty(&report).context("the report makes no JSON");
    if let Some(path) = &options.report {
        std::fs::write(path, json()?)
            .with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    let text = if options.json { json()? + "\n" } else { render::report(&report, options.width) };
    io::stdout().write_all(text.as_bytes()).context("stdout cannot be written")?;
    Ok(if report.complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
