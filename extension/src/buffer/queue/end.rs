//! The end of the environment, or of this process in it: what still waits is saved, handed over, or lost.

use std::collections::HashSet;

use super::Queue;
use super::pending::PendingRecord;
use crate::buffer::spill::SplitEvent;
use crate::pack::Scope;

/// What became of the events that waited at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// They lie in a file that the next process finds.
    pub handed_over: u64,
    /// Nobody will ever see them.
    pub lost: u64,
}

impl Queue {
    /// Writes what waits in memory alone to our own file, and lets it wait on: whatever ends this process now, the next
    /// one of the environment finds it.
    pub fn save(&mut self) {
        while !self.events.is_empty() {
            self.pack(Scope::All);
        }
        self.spills.retry_now();
        for index in 0..self.pending.len() {
            let pending = &self.pending[index];
            if pending.file.is_some() || !self.has_room_for_event(index) {
                continue;
            }
            let file = self.spills.save(&self.pending[index].record);
            self.pending[index].file = file;
        }
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
            return before.file.is_some();
        }
        let rest = self.pending.range(index..).filter(|it| it.record.span == span);
        // Beside its data a frame takes less than that.
        let bytes: usize = rest.map(|it| it.record.data.len() + 1_024).sum();
        self.spills.has_room(bytes as u64)
    }

    /// Ends the queue. `has_successor` says whether a process of this environment comes after this one and finds what
    /// was saved.
    pub fn end(&mut self, has_successor: bool) -> Leftovers {
        let held = self.held();
        let mut handed_over = 0;
        if has_successor {
            handed_over = self.spills.events();
            let in_files = self.pending.iter().filter(|pending| pending.file.is_some());
            self.spills.keep_only(in_files.map(|pending| &pending.record));
        }
        let is_kept = |pending: &PendingRecord| has_successor && pending.file.is_some();
        // Of an event in parts all that still wait must be kept.
        let torn: HashSet<SplitEvent> = self
            .pending
            .iter()
            .filter(|it| it.record.part.is_some() && !is_kept(it))
            .map(|it| (it.record.span.instance.clone(), it.record.span.first))
            .collect();
        for pending in std::mem::take(&mut self.pending) {
            let record = &pending.record;
            if is_kept(&pending) {
                handed_over += record.events;
            } else {
                self.note_shed(&record.span, record.events);
            }
            self.memory.release(record.data.len());
        }
        for (instance, seq) in std::mem::take(&mut self.parts).into_keys() {
            if has_successor && !torn.contains(&(instance.clone(), seq)) {
                handed_over += 1;
            } else if *instance == *self.packer.source().instance() {
                self.ledger.shed.ranges.add(seq, seq, 1);
            }
        }
        for event in std::mem::take(&mut self.events) {
            self.ledger.shed.ranges.add(event.seq, event.seq, 1);
            self.memory.release(event.line.len());
        }
        self.event_bytes = 0;
        let leftovers = Leftovers { handed_over, lost: held.saturating_sub(handed_over) };
        self.ledger.handed_over += leftovers.handed_over;
        self.ledger.shed.end += leftovers.lost;
        self.spills.close(handed_over > 0);
        leftovers
    }
}
