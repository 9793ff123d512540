//! Reads the stream into the model.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::Result;
use kinesis_telemetry_args::Top;
use kinesis_telemetry_consumer::{self as consumer, Event};
use kinesis_telemetry_stream::{Pieces, Reader, Record};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::clock::Clock;
use super::columns::Level;
use super::model::Model;
use super::picture::Picture;
use crate::age::now_ms;

/// Pause between two reads of a stream that has nothing more.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two reads of a stream that has more. A shard serves five reads a second to all of its readers together.
const TURN: Duration = Duration::from_millis(300);

/// The state of reading, and everything that was read so far.
pub(super) struct Reading {
    stream: String,
    /// Part of the names of the functions that are shown.
    function: Option<String>,
    model: Model,
    pieces: Pieces,
    clock: Clock,
    shards: usize,
    newest_ms: Option<i64>,
    /// The time up to which all records were read, by the clock of this machine.
    read_to_ms: i64,
    /// True if the reader has been near the tip.
    pub(super) has_caught_up: bool,
}

impl Reading {
    pub(super) fn new(stream: String, options: &Top, start_ms: i64, shards: usize) -> Self {
        Self {
            stream,
            function: options.function.clone(),
            model: Model::new(start_ms, options.interval),
            pieces: Pieces::default(),
            clock: Clock::default(),
            shards,
            newest_ms: None,
            read_to_ms: start_ms,
            has_caught_up: false,
        }
    }

    /// Returns the current figures: of all functions, or of one function's instances.
    pub(super) fn picture(&self, function: Option<&str>) -> Picture {
        let functions = self.model.functions();
        let now_ms = now_ms();
        Picture {
            stream: self.stream.clone(),
            shards: self.shards,
            now_ms,
            behind_ms: now_ms.saturating_sub(self.read_to_ms).max(0),
            functions: functions.len(),
            total: self.model.total(&functions),
            unreadable: self.model.unreadable(),
            level: if function.is_some() { Level::Instances } else { Level::Functions },
            rows: function.map_or(functions, |name| self.model.instances_of(name)),
        }
    }

    fn add(&mut self, record: &Record) {
        self.newest_ms = self.newest_ms.max(Some(record.arrived_ms));
        for found in consumer::record(&record.data) {
            let event = match found {
                Ok(event) => self.pieces.whole(event),
                Err(broken) => {
                    let event = Event::without_identity(&broken.line);
                    if event.is_none() {
                        self.model.add_unreadable();
                    }
                    event
                }
            };
            if let Some(event) = event.filter(|it| self.is_wanted(it)) {
                self.model.add(&event, record.arrived_ms);
            }
        }
    }

    fn looked(&mut self, began_ms: i64, behind_ms: i64) {
        let newest_ms = self.newest_ms.take();
        self.model.read_to(self.clock.looked(began_ms, behind_ms, newest_ms));
        self.read_to_ms = began_ms.saturating_sub(behind_ms);
        let is_near = now_ms().saturating_sub(self.read_to_ms) < super::picture::BEHIND_MS;
        self.has_caught_up |= is_near;
    }

    fn is_wanted(&self, event: &Event) -> bool {
        let name = event.source.function.as_deref().unwrap_or_default();
        self.function.as_ref().is_none_or(|part| name.contains(part.as_str()))
    }
}

/// Reads the stream until an error. Other futures run between two records.
pub(super) async fn read(reader: &mut Reader, reading: &RefCell<Reading>) -> Result<()> {
    loop {
        let began_ms = now_ms();
        let take = async |records: Vec<Record>| {
            for record in records {
                reading.borrow_mut().add(&record);
                yield_now().await;
            }
        };
        let is_at_tip = reader.look_by_shard(take).await?;
        reading.borrow_mut().shards = reader.shards();
        reading.borrow_mut().looked(began_ms, reader.behind_ms());
        sleep(if is_at_tip { PAUSE } else { TURN }).await;
    }
}
