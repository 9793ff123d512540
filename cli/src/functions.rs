//! `functions`: lists the functions that have the layer of a deployment.

mod csv;
mod details;
mod row;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use kinesis_telemetry_args::{Functions, TableFormat};
use kinesis_telemetry_stream::{counted, stdout};
use kinesis_telemetry_terminal::{StatusLine, note};

use crate::fleet::{self, Lambda, Published};
use crate::session::{Session, columns};
use details::Details;
use row::Row;

/// Number of functions that are examined concurrently.
const WORKERS: usize = 4;
/// Number of functions from which a note announces the duration, if there is no status line.
const MANY: usize = 150;

pub(crate) async fn run(options: &Functions, session: &Session) -> Result<ExitCode> {
    let (aws, values) = session.deployment(&options.deployment).await?;
    let published = Published::of(&values)?;
    let lambda = Lambda::new(&aws);
    let progress = StatusLine::default();
    let functions = fleet::attached(&lambda, &published, &progress).await?;
    let mut rows: Vec<Row> = functions.iter().filter_map(|it| Row::of(it, &published)).collect();
    if rows.len() > MANY {
        // Each function takes two calls, and more for its aliases.
        let minutes = (2 * rows.len()).div_ceil(600);
        progress.report(&format!(
            "{} have the layer; reading their tags and aliases takes at least {minutes} min",
            counted(rows.len(), "function")
        ));
    }
    let details = Details::new(&lambda, &published);
    let read = fleet::each(
        WORKERS,
        &rows,
        async |row| details.read(row).await,
        |count| progress.set(&format!("{count} of {} functions checked", functions.len())),
    );
    let read = read.await;
    for (row, (managed, old_aliases)) in rows.iter_mut().zip(read) {
        row.managed = managed;
        row.old_aliases = old_aliases;
    }
    progress.clear();
    details.notes().iter().for_each(|it| note(it));
    match options.format {
        _ if options.json => stdout::print(&stdout::json(&rows)?)?,
        TableFormat::Json => stdout::print(&stdout::json(&rows)?)?,
        TableFormat::Csv => stdout::print(&csv::text(&rows)?)?,
        TableFormat::Table => {
            let text = table::text(&rows, &published, &aws.region, columns(), session.styles);
            stdout::print_styled(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
