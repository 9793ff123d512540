//! What waits to be delivered, within bounds of memory and of a spill file, and the ledger that goes with it.
//!
//! Shared between the loop, which puts events in, and the delivery, which takes acknowledged records out. A record
//! stays here until it was acknowledged, so a delivery may be cancelled anywhere and nothing is lost.

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

/// Files are read for at most this long before the first `next`.
const FIRST_SLICE: Duration = slice_of(50);
/// Frames of files that are known at first, a hundred bytes of memory each.
const FIRST_FRAMES: usize = 16_384;
/// Files are read for at most this long at a time later, between events.
const SLICE: Duration = slice_of(10);
/// Frames that become known at once then.
const FRAMES: usize = 1_024;

/// Returns the time of a slice. In unit tests the count of frames alone ends a slice, because a loaded machine may take longer.
const fn slice_of(millis: u64) -> Duration {
    Duration::from_millis(if cfg!(test) { 60_000 } else { millis })
}

/// Events and records that wait, oldest first.
#[derive(Debug)]
pub struct Queue {
    packer: Packer,
    memory: Arc<MemoryBudget>,
    /// Bytes of lines that have no number yet.
    undecided_bytes: usize,
    keys: PartitionKeys,
    /// Not yet packed.
    events: VecDeque<Event>,
    /// Bytes of `events`.
    event_bytes: usize,
    /// What is known of the importance of `events`, by number: only where somebody had to ask.
    importance: HashMap<u64, Importance>,
    /// Packed and not yet acknowledged.
    pending: VecDeque<PendingRecord>,
    next_id: u64,
    /// How many parts wait of each event that was split, by instance and number.
    parts: HashMap<(Arc<str>, u64), u64>,
    spills: SpillSet,
    /// Whether what is refused for good goes to a dead-letter queue.
    has_dead_letters: bool,
    /// How many records Kinesis has taken.
    acknowledged: u64,
    /// Batches that were refused before this process became a copy of another.
    refused_before: u64,
    /// What happened to all events.
    pub ledger: Ledger,
    /// What it took.
    pub stats: Stats,
}

impl Queue {
    /// Empty. What is put in is held against the bound of `memory`.
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

    /// The same with keys of this kind.
    #[must_use]
    pub fn with_partition_keys(self, keys: PartitionKeys) -> Self {
        Self { keys, ..self }
    }

    /// The same with a spill file, which is made when it is needed.
    #[must_use]
    pub fn with_spill(self, settings: SpillSettings) -> Self {
        let spills = SpillSet::new(Some(settings), self.packer.source().shared_instance());
        Self { spills, ..self }
    }

    /// The same with a dead-letter queue, for which records are kept that are refused for good.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn with_dead_letters(mut self) -> Self {
        self.keep_refused();
        self
    }

    /// Keeps records that are refused for good from here on: a dead-letter queue takes them.
    pub(crate) fn keep_refused(&mut self) {
        self.has_dead_letters = true;
    }

    /// Takes in an event of our own, whatever the bound says: it is small and there are few.
    pub fn push_own(&mut self, event: Event) {
        self.ledger.own += 1;
        self.memory.adjust(0, event.memory());
        self.event_bytes += event.line.len();
        self.events.push_back(event);
    }

    /// The ledger as the `record` of an event that describes everything up to and with this number.
    pub fn ledger_up_to(&mut self, seq: u64) -> serde_json::Value {
        self.ledger.refused_batches = self.memory.refused_batches() - self.refused_before;
        self.ledger.record(self.packer.source().instance(), seq, self.held())
    }

    /// Takes over what processes before us have left, as far as that takes no time; the rest follows when its turn comes.
    /// Says how many events are known by then, and what cannot be taken over.
    pub fn adopt(&mut self) -> (u64, Vec<String>) {
        let slice = Slice { frames: FIRST_FRAMES, until: Instant::now() + FIRST_SLICE };
        let found = self.spills.adopt(slice);
        self.count_found(found)
    }

    /// Returns true if files may hold more events than are known and counted: those count once they are found.
    pub fn has_undiscovered(&self) -> bool {
        self.spills.has_undiscovered()
    }

    /// Returns true if nothing in files is known to wait although something may.
    fn must_discover(&self) -> bool {
        self.spills.next_bytes().is_none() && self.has_undiscovered()
    }

    /// Goes on taking over files when all that is known of them was read.
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

    /// Counts events that were found in files as taken over. Returns how many these are, and what cannot be read.
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

    /// This process is a copy of another one now: what waits keeps its numbers, which are the other's, and is counted as
    /// taken over; what comes is this one's.
    pub fn restart(&mut self, source: Source) {
        while !self.events.is_empty() {
            self.pack(Scope::All);
        }
        let old = self.packer.source().shared_instance();
        let new = source.shared_instance();
        self.packer.restart(source);
        self.keys.restart();
        self.spills.rename(new.clone());
        // The other copies send the same, and all of it under one key would be too much for its shard.
        for pending in self.pending.iter_mut().filter(|it| it.record.base_key == old) {
            pending.record.set_base_key(new.clone());
            pending.has_key = false;
        }
        self.ledger = Ledger { adopted: self.held(), ..Ledger::default() };
        self.refused_before = self.memory.refused_batches();
        self.stats = Stats::default();
    }

    /// More is known of who the events are of.
    pub fn rename(&mut self, source: &Source) {
        self.packer.rename(source.clone());
    }

    /// Events that wait, wherever they do.
    pub fn held(&self) -> u64 {
        let packed: u64 = self.pending.iter().map(|pending| pending.record.events).sum();
        self.events.len() as u64 + packed + self.parts.len() as u64 + self.spills.events()
    }

    /// Events that wait in files.
    #[cfg(test)]
    pub(crate) fn spilled(&self) -> u64 {
        self.spills.events()
    }

    /// How many records Kinesis has taken so far: the sign of life that a part of an event is, too.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether nothing waits for the stream.
    pub fn is_drained(&self) -> bool {
        let for_stream = |pending: &PendingRecord| !pending.is_refused;
        self.events.is_empty() && !self.pending.iter().any(for_stream) && !self.has_spilled()
    }

    fn has_spilled(&self) -> bool {
        self.spills.next_bytes().is_some() || self.has_undiscovered()
    }

    /// Whether there is a record to send that gains nothing from waiting.
    pub fn has_full_record(&self) -> bool {
        self.pending.iter().any(|pending| !pending.is_refused)
            || self.event_bytes >= self.packer.full_bytes()
            || self.has_spilled()
    }

    /// Returns the bound on memory, in bytes.
    pub(crate) fn memory_bound(&self) -> usize {
        self.memory.bound()
    }

    /// Takes in what the selection of invocations holds: its counts, and the bytes that its lines take.
    pub(crate) fn note_selected(&mut self, selected: Selected, memory: usize) {
        self.ledger.selected = Some(selected);
        self.memory.adjust(std::mem::replace(&mut self.undecided_bytes, memory), memory);
    }

    /// True if half of the memory for telemetry is in use.
    pub fn is_pressing(&self) -> bool {
        self.memory.is_half_used()
    }

    /// When the event that waits for longest began to wait.
    pub fn oldest(&self) -> Option<Instant> {
        let packed = self.pending.iter().find(|pending| !pending.is_refused);
        let record = packed.map(|pending| pending.record.released);
        record.or_else(|| self.events.front().map(|event| event.released))
    }

    /// Packs what fits into the next request.
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
        // Splitting adds bytes; a bound that is exceeded by them sheds nothing, it only takes in nothing more.
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

    /// Has a record wait for its turn. Its bytes are counted already.
    fn wait(&mut self, record: Record, frame: Option<FrameId>) {
        self.pending.push_back(PendingRecord::new(self.next_id, record, frame));
        self.next_id += 1;
    }

    /// Reads records back from files, as far as memory allows. Returns whether some wait there for want of memory.
    fn load(&mut self, now: Instant) -> bool {
        let budget = self.packer.limits().request_bytes;
        let mut loaded: usize = self.pending.iter().map(|it| it.record.size()).sum();
        while loaded < budget {
            self.discover();
            let Some(bytes) = self.spills.next_bytes() else { return false };
            // One that is larger than all memory goes when there is nothing else.
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
        // As long as something waits in files, something is known to.
        self.discover();
        false
    }

    /// Events that lay in a file cannot be read any more.
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
