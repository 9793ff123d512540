//! `report`: one HTML page about the invocations in a stream.

use std::fs;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use kinesis_telemetry_args::Report;
use kinesis_telemetry_report::is_complete;
use kinesis_telemetry_stream::{Page, Reader, Start, counted, say, thousands, write_page};
use kinesis_telemetry_terminal::{StatusLine, note};

use crate::session::{Opened, Session};

pub(crate) async fn run(options: &Report, session: &Session) -> Result<ExitCode> {
    let now = SystemTime::now();
    let since = options.since.start(now);
    if let Some(file) = &options.html {
        // A person learns that a file cannot be written before a long read, not after it.
        fs::File::create(file)
            .with_context(|| format!("--html {} cannot be written", file.display()))?;
    }
    let Opened { target, stream, .. } = session.stream(&options.source).await?;
    let mut page = Page::new(options.function.as_deref());
    let mut reader = Reader::new(target, Start::At(since));
    let progress = StatusLine::default();
    let mut records = 0;
    loop {
        let (read, is_at_tip) = reader.look().await?;
        // What arrives while this reads belongs to the next report.
        let read = read.iter().filter(|it| it.arrived_ms <= milliseconds(now));
        for record in read {
            page.add(record);
            records += 1;
        }
        progress.set(&format!("reading: {} records", thousands(records)));
        if is_at_tip {
            break;
        }
    }
    progress.clear();
    let name = stream.rsplit('/').next().unwrap_or(&stream);
    let report = page.report(
        &format!("Telemetry of {name}"),
        &stream,
        milliseconds(since),
        milliseconds(now),
    );
    if options.json {
        say::out(&say::json(&report)?)?;
    }
    if let Some(file) = &options.html {
        write_page(file, &report)?;
        note(&format!(
            "wrote {}: {} of {}",
            file.display(),
            counted(report.invocations.len(), "invocation"),
            counted(records, "record"),
        ));
    }
    Ok(if is_complete(&report) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

pub(crate) fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
