//! `tail`: shows the events of a stream as they arrive.

mod fan_out;
mod filter;
mod pretty;

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use kinesis_telemetry_args::{Format, Tail};
use kinesis_telemetry_consumer::{self as consumer, Broken, Event};
use kinesis_telemetry_stream::{Line, Pieces, Reader, Record, Start, Target, counted, stdout};
use kinesis_telemetry_terminal::{beginning, json, lines, note};
use tokio::time::sleep;

use crate::session::{Opened, Session, columns};
use crate::signals;
use filter::Filter;
use pretty::Pretty;

/// Pause between two reads of a stream that has nothing more.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two reads of a stream that has more. A shard serves five reads a second to all of its readers together.
const TURN: Duration = Duration::from_millis(300);
/// Number of characters of an unreadable line that are shown. The line may have a megabyte.
const QUOTED: usize = 200;

pub(crate) async fn run(options: &Tail, session: &Session) -> Result<ExitCode> {
    let filter = Filter::new(options)?;
    if options.format == Format::Raw && filter.has_conditions() {
        bail!(
            "--format raw shows records as they are: remove --function, --type, --level, --request and --grep, or use --format json"
        );
    }
    let end = end(options.lasts)?;
    let Opened { target, stream, .. } = session.stream(&options.source).await?;
    let start = match options.since {
        None => Start::Now,
        Some(since) => Start::At(since.start(SystemTime::now())),
    };
    let width = (stdout().is_terminal() || std::env::var_os("COLUMNS").is_some()).then(columns);
    let mut screen = Screen {
        options,
        filter,
        pretty: Pretty::new(session.styles, width),
        pieces: Pieces::default(),
        shown: 0,
        session,
    };
    if options.enhanced_fan_out {
        fan_out::follow(&target, &stream, start, &mut screen, end).await?;
    } else {
        tokio::select! {
            done = poll(target, start, &mut screen) => done?,
            () = end => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn poll(target: Target, start: Start, screen: &mut Screen<'_>) -> Result<()> {
    let mut reader = Reader::new(target, start);
    reader.begin().await?;
    note(&format!("reading {}; press Ctrl-C to stop", counted(reader.shards(), "shard")));
    loop {
        let mut ended = None;
        // One shard after the other, because a response may have 10 MB.
        let show = async |records: Vec<Record>| {
            for record in &records {
                if ended.is_none() {
                    let is_enough = screen.show(record);
                    ended = is_enough.map(|it| it.then_some(())).transpose();
                }
            }
        };
        let is_at_tip = reader.look_by_shard(show).await?;
        if let Some(ended) = ended {
            return ended;
        }
        sleep(if is_at_tip { PAUSE } else { TURN }).await;
    }
}

/// Returns a future that ends when a signal arrives or the time is over. It handles signals from this call on.
fn end(lasts: Option<Duration>) -> Result<impl Future<Output = ()>> {
    let interruption = signals::interruption()?;
    Ok(async move {
        let over = async {
            match lasts {
                Some(lasts) => sleep(lasts).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interruption => {}
            () = over => {}
        }
    })
}

/// Shows events that match the conditions.
struct Screen<'a> {
    options: &'a Tail,
    filter: Filter<'a>,
    pretty: Pretty,
    pieces: Pieces,
    shown: u64,
    session: &'a Session,
}

impl Screen<'_> {
    /// Shows the events of a record. Returns true if enough events were shown, or if the reader of stdout is gone.
    fn show(&mut self, record: &Record) -> Result<bool> {
        if self.options.format == Format::Raw {
            return self.show_raw(record);
        }
        let mut text = String::new();
        for found in consumer::record(&record.data) {
            let event = found.map_or_else(|broken| unreadable(&broken), |it| self.pieces.whole(it));
            let Some(event) = event.filter(|it| self.filter.matches(it)) else { continue };
            text += &self.shown(&event);
            self.shown += 1;
            if self.is_enough() {
                break;
            }
        }
        Ok(!stdout::try_write(text.as_bytes())? || self.is_enough())
    }

    fn shown(&mut self, event: &Event) -> String {
        let format = if self.options.json { Format::Json } else { self.options.format };
        match format {
            Format::Json => json(&event.line()).into_owned() + "\n",
            Format::Text => {
                let Line { text, members, stack, .. } = Line::of(event);
                let whole = [text, members, stack].into_iter().filter(|it| !it.is_empty());
                lines(&(whole.collect::<Vec<_>>().join("\n") + "\n")).into_owned()
            }
            Format::Pretty | Format::Raw => {
                let mut text = self.session.styles.text();
                self.pretty.show(event, &mut text);
                text.as_str().to_owned()
            }
        }
    }

    /// Shows the lines of a record unchanged; a terminal gets them without control characters.
    fn show_raw(&mut self, record: &Record) -> Result<bool> {
        let mut data = consumer::lines(&record.data).unwrap_or_else(|_| record.data.clone());
        if data.last().is_some_and(|last| *last != b'\n') {
            data.push(b'\n');
        }
        let wanted = self.options.events.map_or(u64::MAX, |most| most - self.shown);
        let ends = (1..).zip(&data).filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end);
        let mut shown = 0;
        let end =
            ends.take(usize::try_from(wanted).unwrap_or(usize::MAX)).inspect(|_| shown += 1).last();
        data.truncate(end.unwrap_or_default());
        self.shown += shown;
        if stdout().is_terminal() {
            data = json(&String::from_utf8_lossy(&data)).into_owned().into();
        }
        Ok(!stdout::try_write(&data)? || self.is_enough())
    }

    fn is_enough(&self) -> bool {
        self.options.events.is_some_and(|most| self.shown >= most)
    }
}

/// Returns the event of a line that has no identity (`ENVELOPE=none`), and reports a line that is not an event.
fn unreadable(broken: &Broken) -> Option<Event> {
    let event = Event::without_identity(&broken.line);
    if event.is_none() {
        note(&format!("unreadable: {}: {}", broken.why, beginning(&broken.line, QUOTED)));
    }
    event
}
