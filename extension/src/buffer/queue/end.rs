//! The end of the environment, or of this process in it: what still waits is saved, handed over, or lost.

use std::collections::HashSet;
use std::time::Instant;

use super::Queue;
use super::pending::PendingRecord;
use crate::base::log;
use crate::buffer::spill::{Read, Spill, SplitEvent};
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
        for index in 0..self.pending.len() {
            let pending = &self.pending[index];
            if pending.file.is_some() || !self.has_room_for_event(index) {
                continue;
            }
            let record = self.pending[index].record.clone();
            let number = self.own_spill().map(|spill| spill.save(&record));
            match number {
                Some(Ok(true)) => self.pending[index].file = self.own_spill,
                Some(Ok(false)) => {}
                Some(Err(error)) => self.give_up_spilling(&error),
                None => return,
            }
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
        self.own_spill().is_some_and(|spill| spill.room() >= bytes as u64)
    }

    /// Ends the queue. `has_successor` says whether a process of this environment comes after this one and finds what
    /// was saved.
    pub fn end(&mut self, has_successor: bool) -> Leftovers {
        let held = self.held();
        let mut handed_over = 0;
        if has_successor {
            handed_over = self.spilled();
            self.keep_only_what_waits();
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
        let rescued = Leftovers { handed_over, lost: held.saturating_sub(handed_over) };
        self.ledger.handed_over += rescued.handed_over;
        self.ledger.shed.end += rescued.lost;
        for (_, spill) in self.spills.drain(..) {
            if handed_over == 0 {
                spill.remove();
            }
        }
        self.own_spill = None;
        rescued
    }

    /// Makes a file of what still waits, where files hold acknowledged records, too: the next process would send them
    /// again. If that is not possible it does, under their identities.
    fn keep_only_what_waits(&mut self) {
        let Some(settings) = self.spill_settings.clone().filter(|_| self.has_stale_frames) else {
            return;
        };
        let name = format!("{}-kept", self.packer.source().instance());
        match self.copy_of_what_waits(&settings.folder, &name) {
            Ok(kept) => {
                for (_, spill) in self.spills.drain(..) {
                    spill.remove();
                }
                self.add_spill(kept);
            }
            Err(why) => {
                log::warn(&format!("some events will come twice, under one identity: {why}"));
            }
        }
    }

    /// A file with everything that lies in files and still waits. What was read so far stays in the old files.
    fn copy_of_what_waits(
        &mut self,
        folder: &std::path::Path,
        name: &str,
    ) -> Result<Spill, String> {
        let mut kept = Spill::create(folder, name, u64::MAX).map_err(|error| error.to_string())?;
        let mut copy = || {
            for pending in self.pending.iter().filter(|pending| pending.file.is_some()) {
                kept.save(&pending.record).map_err(|error| error.to_string())?;
            }
            let now = Instant::now();
            for (_, spill) in &mut self.spills {
                while let Some(read) = spill.read(now) {
                    match read {
                        Read::Record(record) => {
                            kept.save(&record).map_err(|error| error.to_string())?;
                        }
                        Read::Lost { why, .. } => return Err(why),
                    }
                }
            }
            Ok(())
        };
        match copy() {
            Ok(()) => Ok(kept),
            Err(why) => {
                kept.remove();
                Err(why)
            }
        }
    }
}
