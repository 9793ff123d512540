//! What waits to be delivered, within a bound of memory, and the ledger that goes with it.
//!
//! Shared between the loop, which puts events in, and the delivery, which takes acknowledged records out. A record
//! stays here until Kinesis has acknowledged it, so a delivery may be cancelled anywhere and nothing is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::event::Event;
use crate::ledger::Ledger;
use crate::pack::{self, Packer, Record, Scope};
use crate::pressure::Pressure;

/// Events and records that wait, oldest first.
#[derive(Debug)]
pub struct Queue {
    packer: Packer,
    pressure: Arc<Pressure>,
    /// Not yet packed.
    events: VecDeque<Event>,
    /// Bytes of `events`.
    event_bytes: usize,
    /// Packed and not yet acknowledged.
    records: VecDeque<Record>,
    /// How many records Kinesis has taken.
    acknowledged: u64,
    /// What happened to all events.
    pub ledger: Ledger,
}

impl Queue {
    /// Empty. What is put in is held against the bound of `pressure`.
    pub fn new(packer: Packer, pressure: Arc<Pressure>) -> Self {
        Self {
            packer,
            pressure,
            events: VecDeque::new(),
            event_bytes: 0,
            records: VecDeque::new(),
            acknowledged: 0,
            ledger: Ledger::default(),
        }
    }

    /// Takes events in their order, and sheds those beyond the bound. Returns how many it shed.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>) -> u64 {
        let mut shed = 0;
        for event in events {
            self.ledger.received += 1;
            if self.pressure.try_hold(event.line.len()) {
                self.event_bytes += event.line.len();
                self.events.push_back(event);
            } else {
                shed += 1;
            }
        }
        self.ledger.shed.memory += shed;
        shed
    }

    /// Events that wait, packed ones included.
    pub fn len(&self) -> u64 {
        self.events.len() as u64 + self.records.iter().map(|record| record.events).sum::<u64>()
    }

    /// How many records Kinesis has taken so far: the sign of life that a part of an event is, too.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.records.is_empty()
    }

    /// Whether there is a record to send that gains nothing from waiting.
    pub fn has_full_record(&self) -> bool {
        !self.records.is_empty() || self.event_bytes >= self.packer.limits().target_bytes
    }

    /// When the oldest waiting event reached us.
    pub fn oldest(&self) -> Option<Instant> {
        let record = self.records.front().map(|record| record.oldest);
        record.or_else(|| self.events.front().map(|event| event.received))
    }

    /// Packs, and shows the records of the next request, at most `max_records`. They stay in the queue.
    pub fn request(&mut self, scope: Scope, max_records: usize) -> Vec<Record> {
        let old = self.records.len();
        self.packer.pack(&mut self.events, scope, &mut self.records);
        let packed: usize = self.records.range(old..).map(|record| record.data.len()).sum();
        let left: usize = self.events.iter().map(|event| event.line.len()).sum();
        // Splitting adds bytes; a bound that is exceeded by them sheds nothing, it only takes in nothing more.
        self.pressure.adjust(self.event_bytes, left + packed);
        self.event_bytes = left;
        let limits = self.packer.limits();
        let count = pack::fit(&self.records, &limits).min(max_records);
        self.records.iter().take(count).cloned().collect()
    }

    /// Takes out what was acknowledged of the request last shown: `answers[i]` tells of its record `i`.
    pub fn settle(&mut self, answers: &[bool]) {
        let mut index = 0;
        let Self { ledger, pressure, acknowledged: taken, records, .. } = self;
        records.retain(|record| {
            let done = answers.get(index).copied().unwrap_or(false);
            index += 1;
            if done {
                *taken += 1;
                ledger.delivered += record.events;
                pressure.release(record.data.len());
            }
            !done
        });
    }

    /// Puts the first record behind all others: order is carried by the numbers. Returns how many records there are.
    pub fn set_first_aside(&mut self) -> usize {
        if let Some(first) = self.records.pop_front() {
            self.records.push_back(first);
        }
        self.records.len()
    }

    /// Gives up the first record, and with a part the rest of its event, which nobody could read any more. Returns
    /// how many events that costs.
    pub fn give_up_first(&mut self) -> u64 {
        let Some(first) = self.records.pop_front() else {
            return 0;
        };
        let is_lost = |record: &Record| first.part_of.is_some() && record.part_of == first.part_of;
        let (lost, kept) = self.records.drain(..).partition::<Vec<_>, _>(is_lost);
        self.records = kept.into();
        let mut events = 0;
        for record in lost.iter().chain([&first]) {
            self.pressure.release(record.data.len());
            events += record.events;
        }
        self.ledger.shed.refused += events;
        events
    }
}

#[cfg(test)]
mod tests;
