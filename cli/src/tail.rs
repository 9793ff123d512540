//! `tail`: the events of a deployment's stream as they arrive.

mod fan_out;
mod filter;
mod pieces;
mod show;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use kinesis_telemetry_args::{Deployment, Tail};
use kinesis_telemetry_consumer as consumer;
use kinesis_telemetry_stream::{Aws, Reader, Record, Start, Target, counted, region_of_arn, say};
use kinesis_telemetry_terminal::{beginning, json, note};
use tokio::time::sleep;

use crate::deployment::Values;
use crate::signals;
use pieces::Pieces;

/// Between two looks at a stream that has nothing more.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks where there is more. Five a second are all that a shard gives to all of its readers, and others want to
/// read, too.
const TURN: Duration = Duration::from_millis(300);

/// Most characters of an unreadable line that are shown: it may be a megabyte of anything.
const QUOTED: usize = 200;

pub(crate) async fn run(deployment: &Deployment, options: &Tail) -> Result<ExitCode> {
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    let stream = values.get("streamArn")?;
    let target = Target::at(stream, &Aws::find(region_of_arn(stream)).await?);
    let start = match options.since {
        None => Start::Now,
        Some(since) => Start::At(SystemTime::now() - since),
    };
    let end = end(options.lasts)?;
    let mut screen = Screen { options, pieces: Pieces::default(), shown: 0 };
    if options.enhanced_fan_out {
        fan_out::follow(&target, stream, start, &mut screen, end).await?;
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
    note(&format!("reading {}; Ctrl-C ends it", counted(reader.shards(), "shard")));
    loop {
        let (records, is_at_tip) = reader.look().await?;
        for record in records {
            if screen.show(&record)? {
                return Ok(());
            }
        }
        sleep(if is_at_tip { PAUSE } else { TURN }).await;
    }
}

/// When somebody wants it to end, or the time is over. Signals are noted from this call on.
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

/// What is wanted, and what has been shown.
struct Screen<'a> {
    options: &'a Tail,
    pieces: Pieces,
    shown: u64,
}

impl Screen<'_> {
    /// Shows what is wanted of a record. Whether that is all that was wanted, or nobody looks any more.
    fn show(&mut self, record: &Record) -> Result<bool> {
        let mut text = String::new();
        for found in consumer::record(&record.data) {
            let event = match found {
                Ok(event) => self.pieces.whole(event),
                Err(broken) => {
                    let event = consumer::Event::without_identity(&broken.line);
                    if event.is_none() {
                        let line = beginning(&broken.line, QUOTED);
                        note(&format!("unreadable: {}: {line}", broken.why));
                    }
                    event
                }
            };
            let Some(event) = event.filter(|it| filter::wants(self.options, it)) else { continue };
            if self.options.json {
                text += &json(&event.line());
            } else {
                text += &show::pretty(&event);
            }
            text.push('\n');
            self.shown += 1;
            if self.options.events.is_some_and(|most| self.shown >= most) {
                say::is_heard(&text)?;
                return Ok(true);
            }
        }
        Ok(!say::is_heard(&text)?)
    }
}
