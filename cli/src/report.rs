//! `report`: one HTML page about the invocations in a stream.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;
use kinesis_telemetry_args::Report;
use kinesis_telemetry_consumer::Period;
use kinesis_telemetry_report::is_complete;
use kinesis_telemetry_stream::{
    Functions, Page, PageFile, Reader, Record, Start, counted, milliseconds, stdout, thousands,
};
use kinesis_telemetry_terminal::{StatusLine, note};

use crate::session::{Opened, Session};

/// The time that an event may arrive later than one with a higher number of the same instance, in milliseconds.
const SETTLE_MS: i64 = 60_000;

pub(crate) async fn run(options: &Report, session: &Session) -> Result<ExitCode> {
    let now = SystemTime::now();
    let since = options.since.start(now);
    let file = options.html.as_deref().map(PageFile::create).transpose()?;
    let Opened { target, stream, .. } = session.stream(&options.source).await?;
    let functions = options.function.clone().map_or(Functions::All, Functions::Containing);
    let (since_ms, until_ms) = (milliseconds(since), milliseconds(now));
    let mut page = Page::new(functions, Period { since_ms, until_ms, settle_ms: SETTLE_MS });
    let progress = StatusLine::default();
    let mut records = 0;
    let mut reader = Reader::new(target, Start::At(since));
    let add = |record: &Record| {
        page.add(record);
        records += 1;
        if records % 100 == 0 {
            progress.set(&format!("reading: {} records", thousands(records)));
        }
    };
    reader.read_until(until_ms, add).await?;
    progress.clear();
    let name = stream.rsplit('/').next().unwrap_or(&stream);
    let report = page.report(&format!("Telemetry of {name}"), &stream, since_ms, until_ms);
    if let (Some(file), Some(path)) = (file, &options.html) {
        file.write(&report)?;
        let invocations = counted(page.invocations(), "invocation");
        note(&format!("wrote {}: {invocations} of {}", path.display(), counted(records, "record")));
    }
    let newest = report.invocations.len();
    if newest < page.invocations() {
        note(&format!("the page has the newest {} invocations", thousands(newest)));
    }
    if options.json {
        // A closed pipe does not change the verdict.
        stdout::try_print(&stdout::json(&report)?)?;
    }
    Ok(if is_complete(&report) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
