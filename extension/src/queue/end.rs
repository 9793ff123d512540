//! The end of the environment, or of this process in it: what still waits is saved, handed over, or lost.

use std::time::Instant;

use super::Queue;
use crate::log;
use crate::pack::Scope;
use crate::spill::{Read, Spill};

/// What became of the events that waited at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rescued {
    /// They lie in a file that the next process finds.
    pub handed_over: u64,
    /// Nobody will ever see them.
    pub lost: u64,
}

impl Queue {
    /// Writes what waits in memory to our own file, and lets it wait on: whatever ends this process now, the next one of
    /// the environment finds it.
    pub fn save(&mut self) {
        while !self.events.is_empty() {
            self.pack(Scope::All);
        }
        for index in 0..self.waiting.len() {
            let waiting = &self.waiting[index];
            if waiting.frame.is_some() || waiting.is_saved {
                continue;
            }
            let record = waiting.record.clone();
            let saved = self.own_spill().map(|spill| spill.save(&record));
            match saved {
                Some(Ok(has_room)) => self.waiting[index].is_saved = has_room,
                Some(Err(error)) => self.give_up_spilling(&error),
                None => return,
            }
        }
    }

    /// Ends the queue. `has_successor` says whether a process of this environment comes after this one and finds what
    /// was saved.
    pub fn end(&mut self, has_successor: bool) -> Rescued {
        let mut rescued = Rescued::default();
        let held = self.held();
        if has_successor {
            rescued.handed_over = self.spilled();
            self.keep_only_what_waits();
        }
        for waiting in std::mem::take(&mut self.waiting) {
            let is_kept = has_successor && (waiting.is_saved || waiting.frame.is_some());
            let (record, is_last_part) = (&waiting.record, self.ends_event(&waiting.record));
            let events = record.events + u64::from(is_last_part);
            if is_kept {
                rescued.handed_over += events;
            } else {
                self.note_shed(&record.span, events);
            }
            self.pressure.release(record.data.len());
        }
        // Parts that lie in files unread.
        if has_successor {
            rescued.handed_over += self.parts.len() as u64;
        }
        self.parts.clear();
        for event in std::mem::take(&mut self.events) {
            self.ledger.shed.ranges.add(event.seq, event.seq, 1);
            self.pressure.release(event.line.len());
        }
        self.event_bytes = 0;
        rescued.lost = held.saturating_sub(rescued.handed_over);
        self.ledger.handed_over += rescued.handed_over;
        self.ledger.shed.end += rescued.lost;
        let is_empty = rescued.handed_over == 0;
        for (_, spill) in self.spills.drain(..) {
            if is_empty || !has_successor {
                spill.remove();
            }
        }
        rescued
    }

    /// Whether no other part of this record's event waits. Forgets the event then.
    fn ends_event(&mut self, record: &crate::pack::Record) -> bool {
        record.part.is_some()
            && self.parts.remove(&(record.span.instance.clone(), record.span.first)).is_some()
    }

    /// Makes a file of what still waits, where files hold acknowledged records, too: the next process would send them
    /// again. If that is not possible it does, under their identities.
    fn keep_only_what_waits(&mut self) {
        let Some(settings) = self.spill_settings.clone().filter(|_| self.has_stale_frames) else {
            return;
        };
        let name = format!("{}-kept", self.packer.source().instance());
        let kept = Spill::create(&settings.folder, &name, u64::MAX);
        let mut kept = match kept {
            Ok(kept) => kept,
            Err(error) => return say_doubles(&error.to_string()),
        };
        let in_files = |it: &&super::Waiting| it.is_saved || it.frame.is_some();
        for waiting in self.waiting.iter().filter(in_files) {
            if let Err(error) = kept.save(&waiting.record) {
                kept.remove();
                return say_doubles(&error.to_string());
            }
        }
        let now = Instant::now();
        for (_, spill) in &mut self.spills {
            while let Some(read) = spill.read(now) {
                let saved = match read {
                    Read::Record(record) => kept.save(&record).map_err(|error| error.to_string()),
                    Read::Lost(_, _, why) => Err(why),
                };
                if let Err(why) = saved {
                    // What was read so far lies in the old files as well.
                    kept.remove();
                    return say_doubles(&why);
                }
            }
        }
        for (_, spill) in self.spills.drain(..) {
            spill.remove();
        }
        self.spills.push((0, kept));
        self.own_spill = None;
    }
}

fn say_doubles(why: &str) {
    log::warn(&format!("some events will come twice, under one identity: {why}"));
}
