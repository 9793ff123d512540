//! Ends the queue with its environment or its process: queued events are handed over or lost.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::Queue;
use super::pending::PendingRecord;
use crate::base::log;
use crate::buffer::spill::{Slice, SplitEvent};

/// How long lost events are counted at the end.
const COUNT: Duration = Duration::from_millis(50);

/// The numbers of events that were handed over and lost at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// They are in a file that the next process finds.
    pub handed_over: u64,
    /// They are lost.
    pub lost: u64,
}

impl Queue {
    /// Ends the queue. `has_successor` is true if another process of this environment follows and finds the saved
    /// events.
    pub fn end(&mut self, has_successor: bool) -> Leftovers {
        if !has_successor {
            self.count_undiscovered();
        }
        let held = self.held();
        let mut handed_over = if has_successor { self.spills.events_to_hand_over() } else { 0 };
        let is_kept = |pending: &PendingRecord| has_successor && self.is_saved(pending);
        // All parts of an event that are still queued must be kept together.
        let torn: HashSet<SplitEvent> = self
            .pending
            .iter()
            .filter(|it| it.record.part.is_some() && !is_kept(it))
            .map(|it| (it.record.span.instance.clone(), it.record.span.first))
            .collect();
        let kept: Vec<bool> = self.pending.iter().map(is_kept).collect();
        for (pending, is_kept) in std::mem::take(&mut self.pending).into_iter().zip(kept) {
            let record = &pending.record;
            if is_kept {
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
            self.memory.release(event.memory());
        }
        self.event_bytes = 0;
        let leftovers = Leftovers { handed_over, lost: held.saturating_sub(handed_over) };
        self.ledger.handed_over += leftovers.handed_over;
        self.ledger.shed.end += leftovers.lost;
        self.spills.close(has_successor && (handed_over > 0 || self.has_undiscovered()));
        leftovers
    }

    /// Counts the events in files as lost, as far as time allows, because no process follows that could read them.
    fn count_undiscovered(&mut self) {
        let slice = Slice { frames: usize::MAX, until: Instant::now() + COUNT };
        let found = self.spills.discover(slice);
        self.count_found(found);
        if self.has_undiscovered() {
            let bytes = self.spills.undiscovered_bytes();
            log::error(&format!(
                "{bytes} bytes of events that an earlier process left are lost, in addition to the counted events"
            ));
        }
    }
}
