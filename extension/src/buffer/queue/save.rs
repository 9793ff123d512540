//! Writing what waits in memory to a file, for the process after this one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Queue;
use super::pending::PendingRecord;
use crate::base::clock;
use crate::event::Event;
use crate::pack::Scope;

/// Saving takes no longer than this, if nothing is said.
const SAVE: Duration = Duration::from_secs(1);
/// Events are moved to the file in pieces of this many bytes, or in smaller ones where there is less room.
const PIECE: usize = 1024 * 1024;
/// A piece is no smaller than this.
const LEAST_PIECE: usize = 4 * 1024;

impl Queue {
    /// Writes what waits in memory alone to our own file, oldest first, and lets it wait on: whatever ends this process now,
    /// the next one of the environment finds it.
    pub fn save(&mut self) {
        self.save_until(clock::now().monotonic + SAVE);
    }

    /// Does so until then: what is not written by that time still waits in memory.
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

    /// Writes a record to our own file, unless it is there already.
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

    /// Returns true if the next process finds this record in a file.
    pub(super) fn is_saved(&self, pending: &PendingRecord) -> bool {
        pending.frame.is_some_and(|frame| !self.spills.is_deleted(frame))
    }

    /// Whether our own file takes all parts of an event, of which this is the first; of half an event nobody could make
    /// anything. Later parts follow the first.
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
        // Beside its data a frame takes less than that.
        let bytes: usize = rest.map(|it| it.record.data.len() + 1_024).sum();
        self.spills.has_room(bytes as u64)
    }

    /// Returns true if something waits in memory alone.
    pub(crate) fn has_unsaved(&self) -> bool {
        !self.events.is_empty() || self.pending.iter().any(|pending| pending.frame.is_none())
    }

    /// Has what waits in memory alone survive a kill of this process, as far as that is done until then: copies packed
    /// records to our own file, and moves events there. Events for which the file has no room stay in memory unpacked, so
    /// that the least important of them can be given up.
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

    /// Takes the oldest events, of at most so many bytes, out of memory.
    fn take_first(&mut self, bytes: usize) -> VecDeque<Event> {
        let mut taken = 0;
        let fits = |event: &&Event| {
            taken += event.line.len();
            taken <= bytes
        };
        // One that is larger goes alone; others wait behind it.
        let count = self.events.iter().take_while(fits).count().max(1).min(self.events.len());
        let events: VecDeque<Event> = self.events.drain(..count).collect();
        self.event_bytes -= events.iter().map(|event| event.line.len()).sum::<usize>();
        self.memory.release(events.iter().map(Event::memory).sum());
        events
    }
}

/// Does something that may panic, in which case it has said so: a save is an attempt, and what it does not write stays in
/// memory.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
