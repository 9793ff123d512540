//! Packs events into records and requests, within exact limits.
//!
//! Pure: it decides neither who sends nor when.

mod compress;
mod kpl;
mod limits;
pub(crate) mod partition_keys;
mod record;
pub(crate) mod sink;
mod split;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use extension_spec::{Compression, Config, Envelope, PartitionKey, RecordFormat, consuming};

use crate::base::failpoint;
use crate::event::{Event, Source};
pub use limits::Limits;
pub use record::Record;
pub(crate) use record::{Part, Span};

/// The assumed compression ratio in hundredths until lines have been compressed.
const FIRST_RATIO: usize = 300;
/// Bytes reserved for the suffix of a key that moves a part to another shard.
const SUFFIX: usize = 4;

/// Selects the events to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All queued events.
    All,
    /// Only full records; the other events wait for more.
    Full,
    /// All events released before this moment, and later ones only if they share the last record.
    Before(Instant),
}

/// The way in which records are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The format of a record, which decides how many events it holds.
    pub format: RecordFormat,
    /// The compression of its data.
    pub compression: Compression,
    /// The place of its events' identity.
    pub envelope: Envelope,
    /// The source of its partition key.
    pub partition_key: PartitionKey,
}

impl Packing {
    /// Returns the packing of these settings, which contain valid combinations only.
    pub fn new(config: &Config) -> Self {
        Self {
            format: config.record_format,
            compression: config.compression,
            envelope: config.envelope,
            partition_key: config.partition_key,
        }
    }
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            format: RecordFormat::Ndjson,
            compression: Compression::None,
            envelope: Envelope::Event,
            partition_key: PartitionKey::Instance,
        }
    }
}

/// Packs events into records.
#[derive(Clone, Debug)]
pub struct Packer {
    limits: Limits,
    packing: Packing,
    source: Source,
    key: Arc<str>,
    /// The compression ratio of the last records, in hundredths.
    ratio: usize,
}

impl Packer {
    /// Creates a packer. By default the instance is the key: events stay in order within an environment, and
    /// environments spread over the shards.
    pub fn new(limits: Limits, packing: Packing, source: Source) -> Self {
        let key = match packing.partition_key {
            PartitionKey::Function if !source.function().is_empty() => source.function().into(),
            _ => source.shared_instance(),
        };
        let ratio = if packing.compression == Compression::None { 100 } else { FIRST_RATIO };
        Self { limits, packing, source, key, ratio }
    }

    /// Starts again for another instance.
    pub fn restart(&mut self, source: Source) {
        *self = Self::new(self.limits, self.packing, source);
    }

    /// Replaces the source of the same instance, once more is known of it.
    pub fn rename(&mut self, source: Source) {
        self.source = source;
    }

    /// Returns the limits in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the source of the events.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the bytes of events that fill a record.
    pub fn full_bytes(&self) -> usize {
        if self.packing.format == RecordFormat::Event {
            return 1;
        }
        let target = self.limits.target_bytes;
        let inflated = target.saturating_mul(self.ratio) / 100;
        inflated.clamp(target, self.limits.inflated_bytes.max(target))
    }

    /// Moves events, in order, into records, until these fill a request or `scope` is exhausted.
    pub fn pack(&mut self, events: &mut VecDeque<Event>, scope: Scope) -> Vec<Record> {
        failpoint::panic_in("packing");
        let mut records = Vec::new();
        // The larger of the sizes before and after compression. Compressing takes time, and nothing else happens
        // meanwhile.
        let mut bytes = 0;
        while let Some(first) = events.front() {
            let Limits { request_bytes, request_records, .. } = self.limits;
            if bytes >= request_bytes || records.len() >= request_records {
                break;
            }
            let base_key = self.base_key(first);
            let (count, size) = self.fill(events, &base_key);
            let may_wait = match scope {
                Scope::All => false,
                Scope::Full => count == events.len() && size < self.full_bytes(),
                Scope::Before(moment) => first.released >= moment,
            };
            if may_wait {
                break;
            }
            let made = self.make(events, count, &base_key);
            bytes += made.iter().map(Record::size).sum::<usize>().max(size);
            records.extend(made);
        }
        records
    }

    /// Returns the base key of the record that starts with this event.
    fn base_key(&self, first: &Event) -> Arc<str> {
        match (&first.request, self.packing.partition_key) {
            (Some(request), PartitionKey::Request) => request.clone(),
            _ => self.key.clone(),
        }
    }

    /// Returns the bytes of a record before its first event, including its key.
    fn overhead(&self, base_key: &str) -> usize {
        let inside = match (self.packing.format, self.packing.envelope) {
            (RecordFormat::Kpl, _) => kpl::overhead(base_key),
            // No record reaches this number of events, and no event this number.
            (_, Envelope::Record) => self.source.of_record(u64::MAX, u64::MAX).len(),
            _ => 0,
        };
        base_key.len() + inside
    }

    /// Returns the bytes that an event adds to a record.
    fn weight(&self, event: &Event) -> usize {
        match self.packing.format {
            RecordFormat::Kpl => kpl::inner(event.line.len()),
            RecordFormat::Ndjson | RecordFormat::Event => event.line.len(),
        }
    }

    /// Returns how many events from the front share the next record (at least one), and its size before compression.
    fn fill(&self, events: &VecDeque<Event>, base_key: &Arc<str>) -> (usize, usize) {
        let full = self.full_bytes();
        let mut size = self.overhead(base_key);
        // A consumer copies the identity in the first line to each event, so the memory for that is bounded.
        let most = match self.packing.envelope {
            Envelope::Record => consuming::EVENTS.min(consuming::INFLATED_BYTES / size),
            Envelope::Event | Envelope::None => consuming::EVENTS,
        };
        let mut count = 0;
        let mut last_seq = None;
        for event in events {
            let grown = size + self.weight(event);
            // If the first line states the identity, a record holds consecutive numbers.
            let is_next = self.packing.envelope != Envelope::Record
                || last_seq.is_none_or(|last| last + 1 == event.seq);
            let fits = grown <= full && is_next && self.base_key(event) == *base_key;
            if count > 0 && !fits || count == most {
                break;
            }
            (size, count, last_seq) = (grown, count + 1, Some(event.seq));
        }
        (count, size)
    }

    /// Makes records of the first `count` events. It makes more than one if compression helps too little, or if an
    /// event is too large for any record.
    fn make(
        &mut self,
        events: &mut VecDeque<Event>,
        mut count: usize,
        base_key: &Arc<str>,
    ) -> Vec<Record> {
        loop {
            let data = self.encode(events, count, base_key);
            if data.len() + base_key.len() <= self.limits.record_bytes {
                let is_aggregate = self.packing.format == RecordFormat::Kpl && count > 1;
                let taken: Vec<Event> = events.drain(..count).collect();
                return vec![Record::of(&taken, data, base_key, &self.source, is_aggregate)];
            }
            if count == 1 {
                let event = events.pop_front().expect("it was at the front");
                return self.split(&event, base_key);
            }
            count /= 2;
        }
    }

    /// Returns the data of a record with the first `count` events.
    fn encode(&mut self, events: &VecDeque<Event>, count: usize, base_key: &str) -> Vec<u8> {
        let lines = || events.range(..count).map(|event| &*event.line);
        // An aggregate of one event would be larger than its record. Amazon's library also sends it plain.
        if self.packing.format == RecordFormat::Kpl && count > 1 {
            let inner: usize = lines().map(|line| kpl::inner(line.len())).sum();
            return kpl::aggregate(base_key, lines(), kpl::overhead(base_key) + inner);
        }
        let mut data = Vec::with_capacity(128 + lines().map(<[u8]>::len).sum::<usize>());
        if self.packing.envelope == Envelope::Record {
            let head = self.source.of_record(events[0].seq, count as u64);
            data.extend_from_slice(head.as_bytes());
        }
        lines().for_each(|line| data.extend_from_slice(line));
        self.compress(data)
    }

    fn compress(&mut self, data: Vec<u8>) -> Vec<u8> {
        let before = data.len();
        let data = compress::compress(data, self.packing.compression);
        if self.packing.compression != Compression::None {
            // Small data compresses poorly, and says little about a full record.
            let weight = (before * 100 / self.limits.target_bytes).min(50);
            let ratio = before * 100 / data.len().max(1);
            self.ratio = (self.ratio * (100 - weight) + ratio * weight) / 100;
        }
        data
    }

    fn split(&self, event: &Event, base_key: &Arc<str>) -> Vec<Record> {
        let Self { limits, packing: Packing { compression, .. }, .. } = self;
        // Keys that are nearly as long as a record would leave no room, but the extension makes none.
        let room = limits.record_bytes.saturating_sub(base_key.len() + SUFFIX);
        // Compression can make some parts longer.
        let growth = compress::bound(room, *compression) - room;
        let lines = split::split(event, &self.source, room - growth);
        let parts = lines.len() as u64;
        let record = |(index, line): (usize, Vec<u8>)| {
            let data = compress::compress(line, *compression);
            let whole =
                Record::of(std::slice::from_ref(event), data, base_key, &self.source, false);
            Record { events: 0, part: Some(Part { part: index as u64 + 1, parts }), ..whole }
        };
        lines.into_iter().enumerate().map(record).collect()
    }
}

#[cfg(test)]
mod tests;
