//! Handles events beyond the memory bound: they go to the spill file, and if that is full, the least important are
//! discarded.

use std::collections::VecDeque;

use super::Queue;
use crate::event::Event;
use crate::event::level::Importance;
use crate::pack::{Scope, Span};

/// The numbers of events that were spilled and discarded for lack of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overflow {
    /// Events that went to the spill file.
    pub spilled: u64,
    /// Events that were discarded: these, or less important ones.
    pub shed: u64,
}

impl Queue {
    /// Queues events in order. Events beyond the bound go to the spill file, and beyond its bound the least important
    /// events are discarded.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>) -> Overflow {
        let mut overflow = VecDeque::new();
        for event in events {
            self.ledger.received += 1;
            // After the first event without room the others follow it, so that the file holds whole records.
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

    /// Writes events to the file as records if all of them fit, so that no event is written only in part.
    pub(super) fn spill(&mut self, events: &mut VecDeque<Event>) {
        let bytes: usize = events.iter().map(|event| event.line.len()).sum();
        // Escapes in parts and the description of each record take less than the same size again.
        let at_most = 2 * bytes as u64 + 4_096;
        if !self.spills.has_room(at_most) {
            return;
        }
        // If the disk is full or gone, the caller discards the rest.
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

    /// Queues events beyond the bound, then discards the least important events that are not packed, oldest first.
    /// Returns the number of discarded events.
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

    /// Discards events of one class until this many bytes are free.
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

    /// Records the numbers of discarded events if this process numbered them.
    pub(super) fn note_shed(&mut self, span: &Span, events: u64) {
        if events > 0 && *span.instance == *self.packer.source().instance() {
            self.ledger.shed.ranges.add(span.first, span.last, events);
        }
    }
}
