//! Writes events and records that are only in memory to a file, for the next process.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Queue;
use super::pending::PendingRecord;
use crate::base::clock;
use crate::event::Event;
use crate::pack::Scope;

/// How long saving takes at most by default.
const SAVE: Duration = Duration::from_secs(1);
/// The size of the pieces in which events are moved to the file, in bytes. They are smaller if less room is left.
const PIECE: usize = 1024 * 1024;
/// The smallest size of a piece, in bytes.
const LEAST_PIECE: usize = 4 * 1024;

impl Queue {
    /// Writes records and events that are only in memory to our own file, oldest first. They stay queued. However this
    /// process ends, the next one of the environment finds them.
    pub fn save(&mut self) {
        self.save_until(clock::now().monotonic + SAVE);
    }

    /// Saves until the given time. What is not written by then is only in memory.
    pub(crate) fn save_until(&mut self, until: Instant) {
        self.spills.retry_now();
        self.spills.restore_deleted(until);
        let mut index = 0;
        loop {
            while index < self.pending.len() && clock::now().monotonic < until {
                self.save_pending(index);
                index += 1;
            }
            if index < self.pending.len() || self.events.is_empty() {
                return;
            }
            if guarded(|| self.pack(Scope::All)).is_none() {
                return;
            }
        }
    }

    /// Writes a record to our own file, unless a file already holds it.
    fn save_pending(&mut self, index: usize) {
        if self.is_saved(&self.pending[index]) || !self.has_room_for_event(index) {
            return;
        }
        let frame = self.spills.save(&self.pending[index].record);
        let before = std::mem::replace(&mut self.pending[index].frame, frame);
        if let Some(before) = before {
            self.spills.release_frame(before);
        }
    }

    /// True if the next process finds this record in a file.
    pub(super) fn is_saved(&self, pending: &PendingRecord) -> bool {
        pending.frame.is_some_and(|frame| !self.spills.is_deleted(frame))
    }

    /// True if our own file has room for all parts of the event of which this record is the first part. Half an event
    /// would be useless. Later parts follow the first.
    fn has_room_for_event(&mut self, index: usize) -> bool {
        let record = &self.pending[index].record;
        if record.part.is_none() {
            return true;
        }
        let span = record.span.clone();
        let before = self.pending.range(..index).rev().find(|it| it.record.span == span);
        if let Some(before) = before {
            return self.is_saved(before);
        }
        let rest = self.pending.range(index..).filter(|it| it.record.span == span);
        // The rest of a frame takes less than this.
        let bytes: usize = rest.map(|it| it.record.data.len() + 1_024).sum();
        self.spills.has_room(bytes as u64)
    }

    /// True if something is only in memory.
    pub(crate) fn has_unsaved(&self) -> bool {
        !self.events.is_empty() || self.pending.iter().any(|pending| pending.frame.is_none())
    }

    /// Makes queued data survive a kill of this process, as far as time allows: copies packed records to our own file,
    /// and moves events there. Events without room in the file stay in memory unpacked, so that the least important of
    /// them can still be discarded.
    pub(crate) fn save_early(&mut self, until: Instant) {
        self.spills.restore_deleted(until);
        for index in 0..self.pending.len() {
            if clock::now().monotonic >= until {
                return;
            }
            self.save_pending(index);
        }
        let mut piece = PIECE;
        while !self.events.is_empty() && piece >= LEAST_PIECE && clock::now().monotonic < until {
            let mut moved = self.take_first(piece);
            let count = moved.len();
            let is_broken = guarded(|| self.spill(&mut moved)).is_none();
            if is_broken {
                piece = 0;
            } else if count == 0 || moved.len() == count {
                piece /= 4;
            }
            for event in moved.into_iter().rev() {
                self.memory.adjust(0, event.memory());
                self.event_bytes += event.line.len();
                self.events.push_front(event);
            }
        }
        let first = self.events.front().map_or(u64::MAX, |event| event.seq);
        self.importance.retain(|seq, _| *seq >= first);
    }

    /// Removes the oldest events from memory, of at most this many bytes.
    fn take_first(&mut self, bytes: usize) -> VecDeque<Event> {
        let mut taken = 0;
        let fits = |event: &&Event| {
            taken += event.line.len();
            taken <= bytes
        };
        // A larger event is moved alone; the others wait behind it.
        let count = self.events.iter().take_while(fits).count().max(1).min(self.events.len());
        let events: VecDeque<Event> = self.events.drain(..count).collect();
        self.event_bytes -= events.iter().map(|event| event.line.len()).sum::<usize>();
        self.memory.release(events.iter().map(Event::memory).sum());
        events
    }
}

/// Runs work that may panic; the panic was already reported. Saving is an attempt: what it does not write stays in
/// memory.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
