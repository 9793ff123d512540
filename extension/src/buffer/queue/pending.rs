//! Records on their way: which go out next, and what becomes of them.

use std::time::Instant;

use crate::pack::sink::Answer;
use crate::pack::{Record, Scope};

use super::Queue;
use crate::buffer::spill::FrameId;

/// A record that was not acknowledged yet.
#[derive(Debug)]
pub(super) struct PendingRecord {
    id: u64,
    pub(super) record: Record,
    /// It was refused, and goes out again no sooner than this.
    not_before: Option<Instant>,
    /// Whether it has the key under which it goes out.
    pub(super) has_key: bool,
    /// Kinesis will never take it; the dead-letter queue may.
    pub(super) is_refused: bool,
    /// The frame of a file in which it lies, too.
    pub(super) frame: Option<FrameId>,
}

/// Where records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The Kinesis stream.
    Stream,
    /// The dead-letter queue, for what the stream has refused for good.
    DeadLetters,
    /// The same for everything that waits, at the end.
    LastResort,
}

/// What goes out together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The records, in their order.
    pub records: Vec<Record>,
    /// By which the queue knows them again.
    ids: Vec<u64>,
    /// Without records: when one that was refused goes out again.
    pub until: Option<Instant>,
}

impl PendingRecord {
    pub(super) fn new(id: u64, record: Record, frame: Option<FrameId>) -> Self {
        Self { id, record, not_before: None, has_key: false, is_refused: false, frame }
    }

    fn is_for(&self, destination: Destination) -> bool {
        match destination {
            Destination::Stream => !self.is_refused,
            Destination::DeadLetters => self.is_refused,
            Destination::LastResort => true,
        }
    }
}

impl Queue {
    /// Packs, and shows the records of the next request, at most `max_records`. They stay in the queue.
    pub fn request(
        &mut self,
        destination: Destination,
        scope: Scope,
        max_records: usize,
        now: Instant,
    ) -> Request {
        if destination != Destination::DeadLetters {
            // What keeps files from being read goes out first, whatever it was waiting for.
            let scope = if self.load(now) { Scope::All } else { scope };
            let request_bytes = self.packer.limits().request_bytes;
            let is_due = |it: &&PendingRecord| it.not_before.is_none_or(|due| due <= now);
            let bytes = |it: &PendingRecord| it.record.size();
            let ready: usize = self.pending.iter().filter(is_due).map(bytes).sum();
            let all: usize = self.pending.iter().map(bytes).sum();
            // Beside what a shard has refused another request is made, and no more: what is packed can only be
            // delivered, and not be given up for something that is more important.
            if ready < request_bytes && all < 2 * request_bytes {
                self.pack(scope);
            }
        }
        let limits = self.packer.limits();
        let max_records = max_records.min(limits.request_records);
        let mut request = Request::default();
        let mut bytes = 0;
        let Self { pending, keys, memory, .. } = self;
        for pending in pending.iter_mut().filter(|it| it.is_for(destination)) {
            if request.records.len() >= max_records {
                break;
            }
            if let Some(due) = pending.not_before.filter(|due| *due > now) {
                request.until = Some(request.until.map_or(due, |until| until.min(due)));
                continue;
            }
            if !pending.has_key && destination == Destination::Stream {
                let before = pending.record.data.len();
                keys.assign(&mut pending.record, limits.record_bytes, now);
                memory.adjust(before, pending.record.data.len());
                pending.has_key = true;
            }
            bytes += pending.record.size();
            if bytes > limits.request_bytes && !request.records.is_empty() {
                break;
            }
            request.ids.push(pending.id);
            request.records.push(pending.record.clone());
        }
        if !request.records.is_empty() {
            request.until = None;
        } else if destination != Destination::DeadLetters && self.must_discover() {
            // Behind many frames of records that were acknowledged there may be others.
            request.until = Some(now);
        }
        request
    }

    /// Takes out what was acknowledged of a request: `answers[i]` tells of its record `i`. What was not goes out again
    /// at `again`, under another key if its shard has no room.
    pub fn settle(
        &mut self,
        request: &Request,
        destination: Destination,
        answers: &[Answer],
        again: Instant,
        now: Instant,
    ) {
        if destination == Destination::Stream {
            self.stats.calls += 1;
        }
        let mut told = request.ids.iter().zip(answers).peekable();
        let mut kept = std::collections::VecDeque::with_capacity(self.pending.len());
        for mut pending in std::mem::take(&mut self.pending) {
            let Some((_, answer)) = told.next_if(|(id, _)| **id == pending.id) else {
                kept.push_back(pending);
                continue;
            };
            match answer {
                Ok(()) => self.acknowledge(pending, destination, now),
                Err(refusal) if refusal.is_final => {
                    crate::base::log::error(&format!("a dead letter is lost: {}", refusal.trouble));
                    self.refuse(pending);
                }
                Err(refusal) => {
                    pending.not_before = Some(again);
                    self.stats.retried += u64::from(destination == Destination::Stream);
                    if refusal.is_throttled {
                        self.keys.throttled(&pending.record.key, now);
                        pending.has_key = false;
                    }
                    kept.push_back(pending);
                }
            }
        }
        self.pending = kept;
    }

    fn acknowledge(&mut self, pending: PendingRecord, destination: Destination, now: Instant) {
        let PendingRecord { record, frame, .. } = pending;
        let events = record.events + u64::from(self.take_part(&record));
        match destination {
            Destination::Stream => {
                self.acknowledged += 1;
                self.stats.taken(&record, now);
                self.ledger.delivered += events;
            }
            Destination::DeadLetters | Destination::LastResort => {
                self.ledger.dead_lettered += events;
            }
        }
        self.forget(&record, frame);
    }

    /// Nobody takes it, now or ever.
    fn refuse(&mut self, pending: PendingRecord) {
        let PendingRecord { record, frame, .. } = pending;
        let events = record.events + u64::from(self.take_part(&record));
        self.ledger.shed.refused += events;
        self.note_shed(&record.span, events);
        self.forget(&record, frame);
    }

    /// Whether this was the last part of its event that waited.
    fn take_part(&mut self, record: &Record) -> bool {
        if record.part.is_none() {
            return false;
        }
        let event = (record.span.instance.clone(), record.span.first);
        let Some(left) = self.parts.get_mut(&event) else { return false };
        *left -= 1;
        if *left > 0 {
            return false;
        }
        self.parts.remove(&event);
        true
    }

    fn forget(&mut self, record: &Record, frame: Option<FrameId>) {
        self.memory.release(record.data.len());
        if let Some(frame) = frame {
            self.spills.release_frame(frame);
        }
    }

    /// Cuts the only record of a request in two, because it may be too large. Returns whether it can be cut.
    pub fn halve(&mut self, request: &Request) -> bool {
        let Some(at) = self.position(request) else { return false };
        let PendingRecord { record, frame, .. } = &self.pending[at];
        let frame = *frame;
        let Some((first, second)) = record.halves() else { return false };
        self.pending[at].record = first;
        if let Some(frame) = frame {
            self.spills.share_frame(frame);
        }
        let half = PendingRecord::new(self.next_id, second, frame);
        self.next_id += 1;
        self.pending.insert(at + 1, half);
        true
    }

    /// Puts the only record of a request behind all others: order is carried by the numbers. Returns how many records
    /// there are.
    pub fn set_aside(&mut self, request: &Request) -> usize {
        if let Some(at) = self.position(request) {
            let pending = self.pending.remove(at).expect("it was found there");
            self.pending.push_back(pending);
        }
        self.pending.len()
    }

    /// Gives up the only record of a request, and with a part the rest of its event, which nobody could read any more.
    /// With a dead-letter queue it waits for that. Returns how many events that costs.
    pub fn give_up(&mut self, request: &Request) -> u64 {
        let Some(at) = self.position(request) else { return 0 };
        let first = self.pending[at].record.clone();
        let is_lost = |record: &Record| {
            let is_same_event = record.part.is_some() && record.span == first.span;
            *record == first || (first.part.is_some() && is_same_event)
        };
        if self.has_dead_letters {
            let lost = self.pending.iter_mut().filter(|it| is_lost(&it.record));
            return lost.fold(u64::from(first.part.is_some()), |events, pending| {
                pending.is_refused = true;
                pending.not_before = None;
                events + pending.record.events
            });
        }
        let (lost, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|it| is_lost(&it.record));
        self.pending = kept.into();
        let mut events = 0;
        for PendingRecord { record, frame, .. } in lost {
            events += record.events;
            self.forget(&record, frame);
        }
        if first.part.is_some() {
            // Its other parts may lie in a file, or be in the stream already: the event is lost in any case.
            let event = (first.span.instance.clone(), first.span.first);
            events += u64::from(self.parts.remove(&event).is_some());
        }
        self.ledger.shed.refused += events;
        self.note_shed(&first.span, events);
        events
    }

    fn position(&self, request: &Request) -> Option<usize> {
        let id = request.ids.first()?;
        self.pending.iter().position(|pending| pending.id == *id)
    }

    /// Whether anything waits for this destination.
    pub fn has_any_for(&self, destination: Destination) -> bool {
        match destination {
            Destination::Stream => !self.is_drained(),
            Destination::DeadLetters => self.pending.iter().any(|pending| pending.is_refused),
            Destination::LastResort => {
                self.held() > 0 || !self.pending.is_empty() || self.has_spilled()
            }
        }
    }

    /// Every record may go out at once again: it goes elsewhere now.
    pub fn forget_refusals(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.not_before = None);
    }
}
