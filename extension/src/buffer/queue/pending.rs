//! Chooses the records of the next request, and applies the answers.

use std::time::Instant;

use crate::pack::sink::Answer;
use crate::pack::{Record, Scope};

use super::Queue;
use crate::buffer::spill::FrameId;

/// A record that is not acknowledged yet.
#[derive(Debug)]
pub(super) struct PendingRecord {
    id: u64,
    pub(super) record: Record,
    /// After a rejection, the time before which the record is not sent again.
    not_before: Option<Instant>,
    /// True if the record has the key under which it is sent.
    pub(super) has_key: bool,
    /// True if Kinesis will never accept it, so that only the dead-letter queue may.
    pub(super) is_refused: bool,
    /// The frame of a file that also holds the record.
    pub(super) frame: Option<FrameId>,
}

/// A destination of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The Kinesis stream.
    Stream,
    /// The dead-letter queue, for records that the stream has rejected for good.
    DeadLetters,
    /// The dead-letter queue at the end, for all queued records.
    LastResort,
}

/// The records of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The records in order.
    pub records: Vec<Record>,
    /// The ids by which the queue finds the records.
    ids: Vec<u64>,
    /// If there are no records: when a rejected one is sent again.
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
    /// Packs events, and returns the records of the next request, at most `max_records`. They stay in the queue.
    pub fn request(
        &mut self,
        destination: Destination,
        scope: Scope,
        max_records: usize,
        now: Instant,
    ) -> Request {
        if destination != Destination::DeadLetters {
            // Records that keep files from being read are sent first, whatever they were waiting for.
            let scope = if self.load(now) { Scope::All } else { scope };
            let request_bytes = self.packer.limits().request_bytes;
            let is_due = |it: &&PendingRecord| it.not_before.is_none_or(|due| due <= now);
            let bytes = |it: &PendingRecord| it.record.size();
            let ready: usize = self.pending.iter().filter(is_due).map(bytes).sum();
            let all: usize = self.pending.iter().map(bytes).sum();
            // Besides throttled records, one more request is packed, but not more: a packed event can no longer be
            // discarded in favour of a more important one.
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
            // Many frames with acknowledged records may precede others.
            request.until = Some(now);
        }
        request
    }

    /// Removes the acknowledged records of a request: `answers[i]` is the answer for its record `i`. The others are
    /// sent again at `again`, under another key if their shard is throttled.
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
        let mut answered = request.ids.iter().zip(answers).peekable();
        let mut kept = std::collections::VecDeque::with_capacity(self.pending.len());
        for mut pending in std::mem::take(&mut self.pending) {
            let Some((_, answer)) = answered.next_if(|(id, _)| **id == pending.id) else {
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

    /// Discards a record that no destination accepts.
    fn refuse(&mut self, pending: PendingRecord) {
        let PendingRecord { record, frame, .. } = pending;
        let events = record.events + u64::from(self.take_part(&record));
        self.ledger.shed.refused += events;
        self.note_shed(&record.span, events);
        self.forget(&record, frame);
    }

    /// Returns true if this was the last queued part of its event.
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

    /// Splits the only record of a request in two, because it may be too large. Returns true if it can be split.
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

    /// Moves the only record of a request behind all others, which is safe because numbers carry the order. Returns the
    /// number of records.
    pub fn set_aside(&mut self, request: &Request) -> usize {
        if let Some(at) = self.position(request) {
            let pending = self.pending.remove(at).expect("it was found there");
            self.pending.push_back(pending);
        }
        self.pending.len()
    }

    /// Discards the only record of a request. If it holds a part, the rest of its event is discarded too, because it
    /// would be unreadable. With a dead-letter queue the record waits for that instead. Returns the number of events
    /// that this loses.
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
            // Other parts may be in a file or in the stream already. The event is lost in any case.
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

    /// True if any record or event is queued for this destination.
    pub fn has_any_for(&self, destination: Destination) -> bool {
        match destination {
            Destination::Stream => !self.is_drained(),
            Destination::DeadLetters => self.pending.iter().any(|pending| pending.is_refused),
            Destination::LastResort => {
                self.held() > 0 || !self.pending.is_empty() || self.has_spilled()
            }
        }
    }

    /// Makes every record ready to be sent at once, because it goes to another destination now.
    pub fn forget_refusals(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.not_before = None);
    }
}
