//! Events to records to requests, within exact limits.
//!
//! Pure: knows the numbers, and neither who sends nor when.

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

/// Guess of how much lines shrink, in hundredths, until some have been compressed.
const FIRST_RATIO: usize = 300;
/// Room for what is appended to a key to move a part to another shard.
const SUFFIX: usize = 4;

/// Which events to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that wait.
    All,
    /// Only what fills a record; the rest waits for company.
    Full,
    /// All that was released before this moment; later events only where they share its last record.
    Before(Instant),
}

/// How records are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// How many events a record holds, and how.
    pub format: RecordFormat,
    /// What is done with its data.
    pub compression: Compression,
    /// Where the identity of its events is said.
    pub envelope: Envelope,
    /// What its key is.
    pub partition_key: PartitionKey,
}

impl Packing {
    /// From the settings, which hold no combination that does not exist.
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

/// Turns events into records.
#[derive(Clone, Debug)]
pub struct Packer {
    limits: Limits,
    packing: Packing,
    source: Source,
    key: Arc<str>,
    /// How much the last records shrank, in hundredths.
    ratio: usize,
}

impl Packer {
    /// The key is the instance: order within an environment, spread between environments; unless it is set otherwise.
    pub fn new(limits: Limits, packing: Packing, source: Source) -> Self {
        let key = match packing.partition_key {
            PartitionKey::Function if !source.function().is_empty() => source.function().into(),
            _ => source.shared_instance(),
        };
        let ratio = if packing.compression == Compression::None { 100 } else { FIRST_RATIO };
        Self { limits, packing, source, key, ratio }
    }

    /// The same for another instance.
    pub fn restart(&mut self, source: Source) {
        *self = Self::new(self.limits, self.packing, source);
    }

    /// More is known of the same instance.
    pub fn rename(&mut self, source: Source) {
        self.source = source;
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Who the events are of.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Bytes of events that fill a record.
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
        // The more of before and after compression, which takes its time, and in that time nothing else happens.
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

    /// The key of the record that begins with this event.
    fn base_key(&self, first: &Event) -> Arc<str> {
        match (&first.request, self.packing.partition_key) {
            (Some(request), PartitionKey::Request) => request.clone(),
            _ => self.key.clone(),
        }
    }

    /// Bytes of a record, its key counted, before its first event.
    fn overhead(&self, base_key: &str) -> usize {
        let inside = match (self.packing.format, self.packing.envelope) {
            (RecordFormat::Kpl, _) => kpl::overhead(base_key),
            // No record has that many events, and no event that number.
            (_, Envelope::Record) => self.source.of_record(u64::MAX, u64::MAX).len(),
            _ => 0,
        };
        base_key.len() + inside
    }

    /// Bytes that an event adds to a record.
    fn weight(&self, event: &Event) -> usize {
        match self.packing.format {
            RecordFormat::Kpl => kpl::inner(event.line.len()),
            RecordFormat::Ndjson | RecordFormat::Event => event.line.len(),
        }
    }

    /// How many events from the front share the next record, and its size before compression. At least one.
    fn fill(&self, events: &VecDeque<Event>, base_key: &Arc<str>) -> (usize, usize) {
        let full = self.full_bytes();
        let mut size = self.overhead(base_key);
        // A consumer gives each event the identity in the first line, and bounds the memory for that.
        let most = match self.packing.envelope {
            Envelope::Record => consuming::EVENTS.min(consuming::INFLATED_BYTES / size),
            Envelope::Event | Envelope::None => consuming::EVENTS,
        };
        let mut count = 0;
        let mut last_seq = None;
        for event in events {
            let grown = size + self.weight(event);
            // With the identity in its first line a record holds consecutive numbers.
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

    /// Records of the first `count` events: one, unless compression does not help, or one event is too large for any.
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

    /// The data of a record of the first `count` events.
    fn encode(&mut self, events: &VecDeque<Event>, count: usize, base_key: &str) -> Vec<u8> {
        let lines = || events.range(..count).map(|event| &*event.line);
        // An aggregate of one would be larger than its record, and is sent plain by Amazon's library, too.
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
            // What is small shrinks little, and tells little of what a full record will.
            let weight = (before * 100 / self.limits.target_bytes).min(50);
            let ratio = before * 100 / data.len().max(1);
            self.ratio = (self.ratio * (100 - weight) + ratio * weight) / 100;
        }
        data
    }

    fn split(&self, event: &Event, base_key: &Arc<str>) -> Vec<Record> {
        let Self { limits, packing: Packing { compression, .. }, .. } = self;
        // A key that is nearly as long as a record leaves no room, and is none that we make.
        let room = limits.record_bytes.saturating_sub(base_key.len() + SUFFIX);
        // Even if a part is of a kind that compression makes longer.
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
