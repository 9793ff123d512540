//! `verify`: compares the journal with the stream until it is complete or the time is over, and prints the result.

use std::num::ParseIntError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use kinesis_telemetry_consumer::Period;
use tokio::time::{Instant, sleep};

use crate::client::Target;
use crate::compare::{Terms, compare};
use crate::page::{Functions, Page, PageFile};
use crate::stream::{Reader, Start};
use crate::{journal, render, stdout};

/// Pause between two reads: a shard serves five `GetRecords` a second to all of its readers together.
const PAUSE: Duration = Duration::from_millis(250);

/// Compare a stream with the sandbox's journal of what the platform generated
#[derive(Args, Debug)]
pub struct Verify {
    /// The Kinesis data stream
    #[arg(long, value_name = "NAME_OR_ARN")]
    stream: String,
    /// The journal that the sandbox wrote
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    #[command(flatten)]
    terms: Terms,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Also write the report to a file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Also write a page about the invocations
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep reading until the stream is complete or this time is over
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    wait: Duration,
    /// The longest line to print
    #[arg(long, value_name = "COLUMNS", default_value_t = 100)]
    width: usize,
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// Compares until the stream is complete or the time is over, and prints the report.
pub async fn verify(options: &Verify) -> Result<ExitCode> {
    let page_file = options.html.as_deref().map(PageFile::create).transpose()?;
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
    if let Some(path) = &options.report {
        std::fs::write(path, stdout::json(&report)?)
            .with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    if let Some(file) = page_file {
        // All events of the demo are due.
        let mut page =
            Page::new(Functions::All, Period { since_ms: 0, until_ms: i64::MAX, settle_ms: 0 });
        for record in &records {
            page.add(record);
        }
        let times = || records.iter().map(|it| it.arrived_ms);
        let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
        file.write(&page.report("Invocations of the demo", &options.stream, first, last))?;
    }
    stdout::print(&if options.json {
        stdout::json(&report)?
    } else {
        render::report(&report, options.width)
    })?;
    Ok(if report.complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
