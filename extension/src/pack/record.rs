//! What is sent: a record, and whose events it holds.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::kpl;
use crate::event::{self, Event, Source};

/// A Kinesis record: one or more events, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// As it is sent; shared with the request in flight.
    pub data: Bytes,
    /// Partition key before anything is appended to it.
    pub base_key: Arc<str>,
    /// Partition key.
    pub key: Arc<str>,
    /// Whether the data is an aggregate, which holds its key.
    pub is_aggregate: bool,
    /// Whole events in it. A part of an event is none.
    pub events: u64,
    /// Numbers of its events.
    pub span: Span,
    /// When its oldest event reached us.
    pub oldest: Instant,
    /// When the first of its events began to wait for its delivery.
    pub released: Instant,
    /// Which part of its event it is, if it is one.
    pub part: Option<Part>,
}

/// Numbers of events, both ends included. Between them some may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Who gave the numbers.
    pub instance: Arc<str>,
    /// The smallest.
    pub first: u64,
    /// The largest.
    pub last: u64,
}

/// Which part of an event a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub part: u64,
    /// How many there are.
    pub parts: u64,
}

impl Record {
    /// Of these events, at least one, in this data.
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

    /// Its size as Kinesis counts it.
    pub fn size(&self) -> usize {
        self.data.len() + self.key.len()
    }

    /// Two records of half its lines each, if it can be cut: plain lines can, of what is compressed, aggregated or led by
    /// a line about all the others nobody knows where.
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

    /// Makes this its key, to which others are appended.
    pub fn set_base_key(&mut self, base_key: Arc<str>) {
        self.base_key = base_key.clone();
        self.set_key(base_key);
    }

    /// Moves it under another key. Its own bytes change only where they name the key.
    pub fn set_key(&mut self, key: Arc<str>) {
        if self.is_aggregate {
            self.data = kpl::rekey(&self.data, &self.key, &key).into();
        }
        self.key = key;
    }
}

#[cfg(test)]
impl Record {
    /// One event of instance `i`, number 1, in this data, under this key.
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
