//! Events to records to requests, within exact limits.
//!
//! Pure: knows the numbers, and neither who sends nor when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use extension_spec::{Config, event_type, limits};

use crate::event::{Event, Source};

/// What a record and a request may hold. Bytes are counted as Kinesis counts them: data before base64, plus the
/// partition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest record.
    pub record_bytes: usize,
    /// Size at which a record counts as full.
    pub target_bytes: usize,
    /// Largest request.
    pub request_bytes: usize,
    /// Most records in a request.
    pub request_records: usize,
}

impl Limits {
    /// From the settings. A target above the limit is the limit; a request takes at least one record.
    pub fn new(config: &Config) -> Self {
        let record_bytes = config.max_record_bytes.size();
        Self {
            record_bytes,
            target_bytes: config.target_record_bytes.size().min(record_bytes),
            request_bytes: limits::PUT_REQUEST_BYTES.max(record_bytes),
            request_records: limits::PUT_RECORDS,
        }
    }
}

/// A Kinesis record: one or more events, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// NDJSON; shared with the request in flight.
    pub data: Bytes,
    /// Partition key.
    pub key: Arc<str>,
    /// Events that end in this record. A part that is not the last of its event counts 0.
    pub events: u64,
    /// When its oldest event reached us.
    pub oldest: Instant,
    /// The number of the event that this record holds a part of.
    pub part_of: Option<u64>,
}

impl Record {
    /// Its size as Kinesis counts it.
    pub fn size(&self) -> usize {
        self.data.len() + self.key.len()
    }
}

/// Which events to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that wait.
    All,
    /// Only what fills a record; the rest waits for company.
    Full,
}

/// Turns events into records.
#[derive(Clone, Debug)]
pub struct Packer {
    limits: Limits,
    source: Source,
    key: Arc<str>,
}

impl Packer {
    /// The partition key is the instance: order within an environment, spread between environments.
    pub fn new(limits: Limits, source: Source) -> Self {
        let key = source.instance().into();
        Self { limits, source, key }
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Moves events, in order, into records.
    pub fn pack(&self, events: &mut VecDeque<Event>, scope: Scope, records: &mut VecDeque<Record>) {
        while let Some(first) = events.front() {
            if self.key.len() + first.line.len() > self.limits.record_bytes {
                let event = events.pop_front().expect("it was at the front");
                self.split(&event, records);
                continue;
            }
            let (count, bytes) = self.fill(events);
            if scope == Scope::Full && count == events.len() && bytes < self.limits.target_bytes {
                return;
            }
            records.push_back(self.record(events.drain(..count), bytes));
        }
    }

    /// How many events from the front share the next record, and its size. At least one.
    fn fill(&self, events: &VecDeque<Event>) -> (usize, usize) {
        let mut bytes = self.key.len();
        let mut count = 0;
        for event in events {
            let grown = bytes + event.line.len();
            if count > 0 && grown > self.limits.target_bytes {
                break;
            }
            (bytes, count) = (grown, count + 1);
        }
        (count, bytes)
    }

    /// One record of these events, which [`fill`](Self::fill) has measured.
    fn record(&self, events: impl Iterator<Item = Event>, bytes: usize) -> Record {
        let mut data = Vec::with_capacity(bytes - self.key.len());
        let (mut count, mut oldest) = (0, None);
        for event in events {
            data.extend_from_slice(&event.line);
            count += 1;
            oldest = oldest.or(Some(event.received));
        }
        let oldest = oldest.expect("a record holds at least one event");
        Record { data: data.into(), key: self.key.clone(), events: count, oldest, part_of: None }
    }

    /// Cuts an event that no record can hold into parts, a record each. A consumer joins the `record` strings of all
    /// parts with the same instance and number, in the order of `part`, and has the event's own JSON text again.
    fn split(&self, event: &Event, records: &mut VecDeque<Record>) {
        let own =
            std::str::from_utf8(&event.line[..event.own_len]).expect("a line is made of a string");
        let head = format!(r#"{{"type":"{}","record":""#, event_type::PART);
        let frame = |part: usize, parts: usize| {
            format!("\",{}}}\n", self.source.of_part(event.seq, part, parts))
        };
        // No event has as many parts as bytes, so this is the longest that a frame can be.
        let fixed = self.key.len() + head.len() + frame(own.len(), own.len()).len();
        let room = self.limits.record_bytes - fixed;
        let fragments = fragments(&format!("{own}}}"), room);
        let parts = fragments.len();
        for (index, fragment) in fragments.into_iter().enumerate() {
            let part = index + 1;
            let data = format!("{head}{fragment}{}", frame(part, parts)).into_bytes();
            records.push_back(Record {
                data: data.into(),
                key: self.key.clone(),
                events: u64::from(part == parts),
                oldest: event.received,
                part_of: Some(event.seq),
            });
        }
    }
}

/// Cuts JSON text into pieces that, as the inside of a JSON string, are at most `room` bytes long.
fn fragments(text: &str, room: usize) -> Vec<String> {
    let mut fragments = vec![String::new()];
    for c in text.chars() {
        let escaped = match c {
            '"' | '\\' => 1 + c.len_utf8(),
            // Inside JSON text only a tab can be a control character here: line breaks are gone.
            '\t' => 2,
            _ => c.len_utf8(),
        };
        if fragments.last().is_some_and(|last| last.len() + escaped > room) {
            fragments.push(String::new());
        }
        let last = fragments.last_mut().expect("there is always one");
        match c {
            '"' | '\\' => last.extend(['\\', c]),
            '\t' => last.push_str("\\t"),
            _ => last.push(c),
        }
    }
    fragments
}

/// How many records from the front fit into one request.
pub fn fit<'a>(records: impl IntoIterator<Item = &'a Record>, limits: &Limits) -> usize {
    let mut bytes = 0;
    records
        .into_iter()
        .take(limits.request_records)
        .take_while(|record| {
            bytes += record.size();
            bytes <= limits.request_bytes
        })
        .count()
}

#[cfg(test)]
mod tests;
