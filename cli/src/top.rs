//! `top`: shows functions and instances live, from the stream alone.

mod clock;
mod columns;
mod facts;
mod figures;
mod keys;
mod lag;
mod live;
mod model;
mod numbers;
mod once;
mod picture;
mod rates;
mod reading;
mod row;
mod screen;
mod table;
mod view;
mod window;

use std::cell::RefCell;
use std::env;
use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;
use kinesis_telemetry_args::Top;
use kinesis_telemetry_stream::{Reader, Start, milliseconds, stdout};
use kinesis_telemetry_terminal::{StatusLine, Styles};
use tokio::time::{MissedTickBehavior, interval};

use crate::age::now_ms;
use crate::session::{Opened, Session, columns as width};
use crate::signals;
use reading::{Reading, read};

pub(crate) async fn run(options: &Top, session: &Session) -> Result<ExitCode> {
    let end = signals::interruption()?;
    let Opened { target, stream, .. } = session.stream(&options.source).await?;
    let since = options.since.map(|since| since.start(SystemTime::now()));
    let mut reader = Reader::new(target, since.map_or(Start::Now, Start::At));
    reader.begin().await?;
    // Every shard now has its position, so all events that are created later are read.
    let start_ms = since.map_or_else(now_ms, milliseconds);
    let reading = RefCell::new(Reading::new(stream, options, start_ms, reader.shards()));
    let shown = async {
        if has_screen() && !options.json {
            live::show(&reading, options, session.styles.is_colored()).await
        } else {
            print(&reading, options, session.styles).await
        }
    };
    tokio::select! {
        done = read(&mut reader, &reading) => done?,
        done = shown => done?,
        () = end => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns true if stdout is a terminal that can show a view.
fn has_screen() -> bool {
    stdout().is_terminal() && env::var_os("TERM").is_none_or(|it| it != "dumb")
}

/// Prints a table every interval, once the reader has caught up.
async fn print(reading: &RefCell<Reading>, options: &Top, styles: Styles) -> Result<()> {
    let status = StatusLine::default();
    let mut ticks = interval(options.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is immediate.
    ticks.tick().await;
    let mut printed = 0;
    while options.count.is_none_or(|most| printed < most) {
        ticks.tick().await;
        let picture = reading.borrow().picture(None);
        if !reading.borrow().has_caught_up {
            let behind = figures::duration(picture.behind_ms.unsigned_abs());
            status.set(&format!("catching up, {behind} behind"));
            continue;
        }
        status.clear();
        let is_read = if options.json {
            stdout::try_write(table::json_line(&picture, options.sort).as_bytes())?
        } else {
            let text = table::table(&picture, options.sort, width(), styles);
            stdout::try_write(text.as_str().as_bytes())?
        };
        if !is_read {
            break;
        }
        printed += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
