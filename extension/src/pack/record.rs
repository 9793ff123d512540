//! Defines a record, and which events it holds.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::kpl;
use crate::event::{self, Event, Source};

/// A Kinesis record: one or more events, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The data as it is sent, shared with the request in flight.
    pub data: Bytes,
    /// The partition key without a suffix.
    pub base_key: Arc<str>,
    /// The partition key.
    pub key: Arc<str>,
    /// True if the data is an aggregate, which contains its key.
    pub is_aggregate: bool,
    /// The number of whole events. A part of an event does not count.
    pub events: u64,
    /// The numbers of its events.
    pub span: Span,
    /// When its oldest event reached the extension.
    pub oldest: Instant,
    /// When the first of its events became ready for delivery.
    pub released: Instant,
    /// The position of the part, if the record holds a part of an event.
    pub part: Option<Part>,
}

/// A range of event numbers, both ends included. Numbers in between may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The instance that numbered the events.
    pub instance: Arc<str>,
    /// The smallest number.
    pub first: u64,
    /// The largest number.
    pub last: u64,
}

/// The position of a part within its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The position, from 1.
    pub part: u64,
    /// The number of parts.
    pub parts: u64,
}

impl Record {
    /// Creates a record of these events (at least one) with this data.
    pub(super) fn of(
        events: &[Event],
        data: Vec<u8>,
        base_key: &Arc<str>,
        source: &Source,
        is_aggregate: bool,
    ) -> Self {
        let seqs = || events.iter().map(|event| event.seq);
        let oldest = events.iter().map(|event| event.received).min();
        let released = events.iter().map(|event| event.released).min();
        Self {
            data: data.into(),
            base_key: base_key.clone(),
            key: base_key.clone(),
            is_aggregate,
            events: events.len() as u64,
            span: Span {
                instance: source.shared_instance(),
                first: seqs().min().unwrap_or_default(),
                last: seqs().max().unwrap_or_default(),
            },
            oldest: oldest.expect("a record holds at least one event"),
            released: released.expect("a record holds at least one event"),
            part: None,
        }
    }

    /// Returns the record's size as Kinesis counts it.
    pub fn size(&self) -> usize {
        self.data.len() + self.key.len()
    }

    /// Splits the record into two with half of its lines each; none if it cannot be split. Only plain lines can:
    /// compressed data, aggregates and records with an identity line have no known boundary.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let is_lines = self.data.starts_with(b"{") && self.data.ends_with(b"\n");
        if self.events < 2 || !is_lines || event::is_record_head(&self.data) {
            return None;
        }
        let middle = self.data.len() / 2;
        let before = memchr::memrchr(b'\n', &self.data[..middle]);
        let after = || memchr::memchr(b'\n', &self.data[middle..]).map(|at| middle + at);
        let at = before.or_else(after)? + 1;
        let events = memchr::memchr_iter(b'\n', &self.data[..at]).count() as u64;
        let half = |data: Bytes, events: u64| Self { data, events, ..self.clone() };
        Some((
            half(self.data.slice(..at), events),
            half(self.data.slice(at..), self.events - events),
        ))
    }

    /// Sets the base key, to which suffixes are appended.
    pub fn set_base_key(&mut self, base_key: Arc<str>) {
        self.base_key = base_key.clone();
        self.set_key(base_key);
    }

    /// Moves the record to another key. Its data changes only if it contains the key.
    pub fn set_key(&mut self, key: Arc<str>) {
        if self.is_aggregate {
            self.data = kpl::rekey(&self.data, &self.key, &key).into();
        }
        self.key = key;
    }
}

#[cfg(test)]
impl Record {
    /// Creates a record of one event (instance `i`, number 1) with this data and key.
    pub(crate) fn sample(data: impl Into<Vec<u8>>, key: &str) -> Self {
        Self {
            data: data.into().into(),
            base_key: key.into(),
            key: key.into(),
            is_aggregate: false,
            events: 1,
            span: Span { instance: "i".into(), first: 1, last: 1 },
            oldest: Instant::now(),
            released: Instant::now(),
            part: None,
        }
    }
}
