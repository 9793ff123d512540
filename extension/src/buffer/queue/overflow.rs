//! Beyond the bound of memory: first the spill file, then the least important is given up.

use std::collections::VecDeque;

use super::Queue;
use crate::event::Event;
use crate::event::level::Importance;
use crate::pack::{Scope, Span};

/// What became of events for which there was no memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overflow {
    /// Went to the spill file.
    pub spilled: u64,
    /// Were given up: these, or others that were less important.
    pub shed: u64,
}

impl Queue {
    /// Takes events in their order. Those beyond the bound go to the spill file, and beyond its bound the least
    /// important events are given up.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>) -> Overflow {
        let mut overflow = VecDeque::new();
        for event in events {
            self.ledger.received += 1;
            // Once one has found no room the others follow it, so that the file holds whole records.
            if overflow.is_empty() && self.memory.try_hold(event.memory()) {
                self.event_bytes += event.line.len();
                self.events.push_back(event);
            } else {
                overflow.push_back(event);
            }
        }
        if overflow.is_empty() {
            return Overflow::default();
        }
        let before = overflow.len();
        self.spill(&mut overflow);
        let spilled = (before - overflow.len()) as u64;
        self.stats.spilled += spilled;
        Overflow { spilled, shed: self.shed(overflow) }
    }

    /// Writes events to the file, as records, if it has room for all of them: an event in parts is never written in half.
    pub(super) fn spill(&mut self, events: &mut VecDeque<Event>) {
        let bytes: usize = events.iter().map(|event| event.line.len()).sum();
        // Escapes of parts, and what is written about each record, take less than that again.
        let at_most = 2 * bytes as u64 + 4_096;
        if !self.spills.has_room(at_most) {
            return;
        }
        // Once the disk is full or gone the rest is left to those who give events up.
        while !events.is_empty() && self.spills.is_usable() {
            for record in self.packer.pack(events, Scope::All) {
                self.count_part(&record);
                if !self.spills.append(&record) {
                    self.memory.adjust(0, record.data.len());
                    self.wait(record, None);
                }
            }
        }
    }

    /// Takes in events beyond the bound, and gives up the least important of all that are not packed yet, the oldest of
    /// them first. Returns how many.
    fn shed(&mut self, overflow: VecDeque<Event>) -> u64 {
        for event in overflow {
            self.memory.adjust(0, event.memory());
            self.event_bytes += event.line.len();
            self.events.push_back(event);
        }
        let Self { events, importance, .. } = self;
        if self.memory.excess() > 0 {
            for event in events.iter() {
                importance.entry(event.seq).or_insert_with(|| Importance::of(&event.line));
            }
        }
        let mut shed = 0;
        for class in Importance::ALL {
            let excess = self.memory.excess();
            if excess == 0 {
                break;
            }
            shed += self.shed_class(class, excess);
        }
        self.ledger.shed.memory += shed;
        shed
    }

    /// Gives up events of one class until so many bytes are free.
    fn shed_class(&mut self, class: Importance, excess: usize) -> u64 {
        let (mut freed, mut freed_lines, mut shed) = (0, 0, 0);
        let Self { events, importance, ledger, .. } = self;
        events.retain(|event| {
            let is_of_it = importance.get(&event.seq).copied().unwrap_or(class) == class;
            if !is_of_it || freed >= excess {
                return true;
            }
            freed += event.memory();
            freed_lines += event.line.len();
            shed += 1;
            importance.remove(&event.seq);
            ledger.shed.ranges.add(event.seq, event.seq, 1);
            false
        });
        self.event_bytes -= freed_lines;
        self.memory.release(freed);
        shed
    }

    /// Notes which numbers were given up, if they are of this process.
    pub(super) fn note_shed(&mut self, span: &Span, events: u64) {
        if events > 0 && *span.instance == *self.packer.source().instance() {
            self.ledger.shed.ranges.add(span.first, span.last, events);
        }
    }
}
