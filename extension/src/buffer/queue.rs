//! Queues events and records until they are delivered, bounded in memory and in a spill file, and keeps the ledger.
//!
//! The loop adds events, and the delivery removes acknowledged records. A record stays in the queue until it is
//! acknowledged, so a delivery may be cancelled anywhere without loss.

mod end;
mod overflow;
mod pending;
mod save;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_spec::PartitionKey;

use crate::buffer::ledger::{Ledger, Selected};
use crate::buffer::memory_budget::MemoryBudget;
use crate::buffer::spill::{Found, FrameId, Read, Slice, SpillSet, SpillSettings};
use crate::buffer::stats::Stats;
use crate::event::level::Importance;
use crate::event::{Event, Source};
use crate::pack::partition_keys::PartitionKeys;
use crate::pack::{Packer, Record, Scope, Span};
pub(crate) use end::Leftovers;
pub(crate) use overflow::Overflow;
pub use pending::Destination;
use pending::PendingRecord;
pub(crate) use pending::Request;

/// How long files are read before the first `next`.
const FIRST_SLICE: Duration = slice_of(50);
/// The maximum number of frames that are read at first. Each takes a hundred bytes of memory.
const FIRST_FRAMES: usize = 16_384;
/// How long files are read at a time later, between events.
const SLICE: Duration = slice_of(10);
/// The maximum number of frames that are read at a time later.
const FRAMES: usize = 1_024;

/// Returns the duration of a slice. In unit tests only the number of frames ends a slice, because a loaded machine may
/// be slow.
const fn slice_of(millis: u64) -> Duration {
    Duration::from_millis(if cfg!(test) { 60_000 } else { millis })
}

/// Events and records that await delivery, oldest first.
#[derive(Debug)]
pub struct Queue {
    packer: Packer,
    memory: Arc<MemoryBudget>,
    /// Bytes of lines that have no number yet.
    undecided_bytes: usize,
    keys: PartitionKeys,
    /// Events that are not packed yet.
    events: VecDeque<Event>,
    /// Bytes of the lines of `events`.
    event_bytes: usize,
    /// The importance of `events` by number. It is determined only when needed.
    importance: HashMap<u64, Importance>,
    /// Records that are packed but not acknowledged.
    pending: VecDeque<PendingRecord>,
    next_id: u64,
    /// The number of queued parts of each split event, by instance and number.
    parts: HashMap<(Arc<str>, u64), u64>,
    spills: SpillSet,
    /// True if records that are rejected for good go to a dead-letter queue.
    has_dead_letters: bool,
    /// The number of records that Kinesis accepted.
    acknowledged: u64,
    /// Batches that were refused before this process became a copy of another one.
    refused_before: u64,
    /// The counts of all events.
    pub ledger: Ledger,
    /// Totals for metrics.
    pub stats: Stats,
}

impl Queue {
    /// Creates an empty queue whose content counts against the bound of `memory`.
    pub fn new(packer: Packer, memory: Arc<MemoryBudget>) -> Self {
        Self {
            memory,
            undecided_bytes: 0,
            keys: PartitionKeys::new(PartitionKey::Instance),
            events: VecDeque::new(),
            event_bytes: 0,
            importance: HashMap::new(),
            pending: VecDeque::new(),
            next_id: 0,
            parts: HashMap::new(),
            spills: SpillSet::new(None, packer.source().shared_instance()),
            has_dead_letters: false,
            acknowledged: 0,
            refused_before: 0,
            ledger: Ledger::default(),
            stats: Stats::default(),
            packer,
        }
    }

    /// Returns the queue with these partition keys.
    #[must_use]
    pub fn with_partition_keys(self, keys: PartitionKeys) -> Self {
        Self { keys, ..self }
    }

    /// Returns the queue with a spill file, which is created when it is needed.
    #[must_use]
    pub fn with_spill(self, settings: SpillSettings) -> Self {
        let spills = SpillSet::new(Some(settings), self.packer.source().shared_instance());
        Self { spills, ..self }
    }

    /// Returns the queue with a dead-letter queue, for which it keeps records that are rejected for good.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn with_dead_letters(mut self) -> Self {
        self.keep_refused();
        self
    }

    /// Keeps records that are rejected for good from now on, because a dead-letter queue takes them.
    pub(crate) fn keep_refused(&mut self) {
        self.has_dead_letters = true;
    }

    /// Queues one of the extension's own events even beyond the bound, because they are small and few.
    pub fn push_own(&mut self, event: Event) {
        self.ledger.own += 1;
        self.memory.adjust(0, event.memory());
        self.event_bytes += event.line.len();
        self.events.push_back(event);
    }

    /// Returns the ledger as the `record` of an event that covers everything up to and including this number.
    pub fn ledger_up_to(&mut self, seq: u64) -> serde_json::Value {
        self.ledger.refused_batches = self.memory.refused_batches() - self.refused_before;
        self.ledger.record(self.packer.source().instance(), seq, self.held())
    }

    /// Adopts what earlier processes left, for a bounded time; the rest follows later. Returns the number of events
    /// known by then, and the problems.
    pub fn adopt(&mut self) -> (u64, Vec<String>) {
        let slice = Slice { frames: FIRST_FRAMES, until: Instant::now() + FIRST_SLICE };
        let found = self.spills.adopt(slice);
        self.count_found(found)
    }

    /// True if files may hold events that are not known and counted yet.
    pub fn has_undiscovered(&self) -> bool {
        self.spills.has_undiscovered()
    }

    /// True if files may hold events but none are known.
    fn must_discover(&self) -> bool {
        self.spills.next_bytes().is_none() && self.has_undiscovered()
    }

    /// Continues to adopt files once everything known of them was read.
    fn discover(&mut self) {
        if !self.must_discover() {
            return;
        }
        let slice = Slice { frames: FRAMES, until: Instant::now() + SLICE };
        let found = self.spills.discover(slice);
        for problem in self.count_found(found).1 {
            crate::base::log::warn(&problem);
        }
    }

    /// Counts events found in files as adopted. Returns their number and the problems.
    fn count_found(
        &mut self,
        Found { mut events, parts, problems, .. }: Found,
    ) -> (u64, Vec<String>) {
        for event in parts {
            let count = self.parts.entry(event).or_default();
            events += u64::from(*count == 0);
            *count += 1;
        }
        self.ledger.adopted += events;
        (events, problems)
    }

    /// Prepares the queue of a process that has become a copy of another one. Queued events keep the original's numbers
    /// and count as adopted; new events belong to this process.
    pub fn restart(&mut self, source: Source) {
        while !self.events.is_empty() {
            self.pack(Scope::All);
        }
        let old = self.packer.source().shared_instance();
        let new = source.shared_instance();
        self.packer.restart(source);
        self.keys.restart();
        self.spills.rename(new.clone());
        // The other copies send the same events, and one key for all of them would exceed the capacity of its shard.
        for pending in self.pending.iter_mut().filter(|it| it.record.base_key == old) {
            pending.record.set_base_key(new.clone());
            pending.has_key = false;
        }
        self.ledger = Ledger { adopted: self.held(), ..Ledger::default() };
        self.refused_before = self.memory.refused_batches();
        self.stats = Stats::default();
    }

    /// Replaces the source of the events once more is known of it.
    pub fn rename(&mut self, source: &Source) {
        self.packer.rename(source.clone());
    }

    /// Returns the number of events that are queued, in memory or in files.
    pub fn held(&self) -> u64 {
        let packed: u64 = self.pending.iter().map(|pending| pending.record.events).sum();
        self.events.len() as u64 + packed + self.parts.len() as u64 + self.spills.events()
    }

    /// Returns the number of events that are only in files.
    #[cfg(test)]
    pub(crate) fn spilled(&self) -> u64 {
        self.spills.events()
    }

    /// Returns the number of records that Kinesis has accepted. Records with a part of an event count, because they
    /// also show that Kinesis works.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// True if nothing is queued for the stream.
    pub fn is_drained(&self) -> bool {
        let for_stream = |pending: &PendingRecord| !pending.is_refused;
        self.events.is_empty() && !self.pending.iter().any(for_stream) && !self.has_spilled()
    }

    fn has_spilled(&self) -> bool {
        self.spills.next_bytes().is_some() || self.has_undiscovered()
    }

    /// True if a record is ready that gains nothing from waiting.
    pub fn has_full_record(&self) -> bool {
        self.pending.iter().any(|pending| !pending.is_refused)
            || self.event_bytes >= self.packer.full_bytes()
            || self.has_spilled()
    }

    /// Returns the bound on memory, in bytes.
    pub(crate) fn memory_bound(&self) -> usize {
        self.memory.bound()
    }

    /// Updates the counts of the selection, and the memory that its undecided lines take.
    pub(crate) fn note_selected(&mut self, selected: Selected, memory: usize) {
        self.ledger.selected = Some(selected);
        self.memory.adjust(std::mem::replace(&mut self.undecided_bytes, memory), memory);
    }

    /// True if at least half of the memory for telemetry is in use.
    pub fn is_pressing(&self) -> bool {
        self.memory.is_half_used()
    }

    /// Returns when the event that has waited longest was queued.
    pub fn oldest(&self) -> Option<Instant> {
        let packed = self.pending.iter().find(|pending| !pending.is_refused);
        let record = packed.map(|pending| pending.record.released);
        record.or_else(|| self.events.front().map(|event| event.released))
    }

    /// Packs the events that fit into the next request.
    fn pack(&mut self, scope: Scope) {
        let before = self.events.len();
        let records = self.packer.pack(&mut self.events, scope);
        if self.events.len() == before {
            return;
        }
        let left = self.events.iter().map(|event| event.line.len()).sum();
        let packed = self.event_bytes - left;
        self.event_bytes = left;
        if !self.importance.is_empty() {
            let first = self.events.front().map_or(u64::MAX, |event| event.seq);
            self.importance.retain(|seq, _| *seq >= first);
        }
        let overhead = (before - self.events.len()) * Event::OVERHEAD;
        let bytes = records.iter().map(|record| record.data.len()).sum();
        // Splitting adds bytes. If they exceed the bound nothing is discarded; the queue only accepts nothing more.
        self.memory.adjust(packed + overhead, bytes);
        for record in records {
            self.count_part(&record);
            self.wait(record, None);
        }
    }

    fn count_part(&mut self, record: &Record) {
        if record.part.is_some() {
            let event = (record.span.instance.clone(), record.span.first);
            *self.parts.entry(event).or_default() += 1;
        }
    }

    /// Queues a record. Its bytes are already counted.
    fn wait(&mut self, record: Record, frame: Option<FrameId>) {
        self.pending.push_back(PendingRecord::new(self.next_id, record, frame));
        self.next_id += 1;
    }

    /// Reads records back from files as far as memory allows. Returns true if records remain there because memory is
    /// short.
    fn load(&mut self, now: Instant) -> bool {
        let budget = self.packer.limits().request_bytes;
        let mut loaded: usize = self.pending.iter().map(|it| it.record.size()).sum();
        while loaded < budget {
            self.discover();
            let Some(bytes) = self.spills.next_bytes() else { return false };
            // A record that is larger than all memory is read when nothing else is queued.
            let is_alone = self.events.is_empty() && self.pending.iter().all(|it| it.is_refused);
            if is_alone {
                self.memory.adjust(0, bytes);
            } else if !self.memory.try_hold(bytes) {
                return true;
            }
            match self.spills.read(now) {
                Some((frame, Read::Record(record))) => {
                    loaded += record.size();
                    self.memory.adjust(bytes, record.data.len());
                    self.wait(record, Some(frame));
                }
                Some((_, Read::Lost { events, span, is_part, why })) => {
                    self.memory.release(bytes);
                    self.lose(events, &span, is_part, &why);
                }
                None => self.memory.release(bytes),
            }
        }
        // As long as files hold records, at least one of them is known.
        self.discover();
        false
    }

    /// Counts events of a file that can no longer be read as lost.
    fn lose(&mut self, events: u64, span: &Span, is_part: bool, why: &str) {
        let event = (span.instance.clone(), span.first);
        let split = is_part && self.parts.remove(&event).is_some();
        let events = events + u64::from(split);
        self.ledger.shed.unreadable += events;
        self.note_shed(span, events);
        crate::base::log::error(&format!("{events} events are lost: {why}"));
    }
}

#[cfg(test)]
mod tests;
