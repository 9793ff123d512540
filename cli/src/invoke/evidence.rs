//! The records of a stream that may belong to invocations of one function. Pure.

use std::collections::BTreeSet;

use kinesis_telemetry_consumer::{self as consumer, Event, Gathering};
use kinesis_telemetry_stream::{Page, Quoted, Record};

/// The records that were read. Other functions share the stream; their events are counted but not kept.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    function: String,
    pub(super) gathering: Gathering,
    /// Requests with events that arrived without an identity.
    pub(super) anonymous: BTreeSet<String>,
    pub(super) broken: Quoted,
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// The page about the invocations, if one was requested.
    pub(super) page: Option<Page>,
}

impl Evidence {
    pub(super) fn new(function: &str) -> Self {
        Self { function: function.to_owned(), ..Self::default() }
    }

    pub(super) fn add(&mut self, records: &[Record]) {
        for record in records {
            self.records += 1;
            self.bytes += record.data.len();
            if let Some(page) = &mut self.page {
                page.add(record);
            }
            for line in consumer::record(&record.data) {
                match line {
                    Ok(event) if self.is_of_another(&event) => {}
                    Ok(event) => self.gathering.add(event, record.arrived_ms),
                    Err(broken) => {
                        let event = Event::without_identity(&broken.line);
                        self.anonymous.extend(event.and_then(|it| it.request_id));
                        self.broken.push(format!("{}: {}", broken.why, broken.line));
                    }
                }
            }
        }
    }

    fn is_of_another(&self, event: &Event) -> bool {
        event.source.function.as_ref().is_some_and(|it| *it != self.function)
    }
}
