//! Recognizes events that arrive again, and other events under the same number. Pure.

use std::hash::{BuildHasher as _, RandomState};

use crate::unpack::Event;

/// The number of events and parts that are remembered, at 16 bytes each. A retry arrives within seconds of the first
/// attempt.
const REMEMBERED: usize = 1 << 19;

/// Fingerprints of the latest events. A later event takes the place of an earlier one.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    /// The hash of an identity, and that of the event. The keys of the hash are random, so a writer cannot choose what collides.
    slots: Vec<(u64, u64)>,
    hasher: RandomState,
}

/// The knowledge about an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// No knowledge: the identity is new, or it arrived long ago.
    Unknown,
    /// The identity belongs to the same event.
    Same,
    /// Another event.
    Other,
}

impl Fingerprints {
    /// Remembers an event of this instance, unless another one has its identity.
    pub(super) fn add(&mut self, instance: usize, event: &Event) -> Seen {
        let Event { text, source, .. } = event;
        // Parts that disagree on how many there are do not belong together. 0 is an empty slot.
        let identity =
            self.hasher.hash_one((instance, source.seq, source.part, source.parts)).max(1);
        let content = self.hasher.hash_one(text);
        if self.slots.is_empty() {
            self.slots = vec![(0, 0); REMEMBERED];
        }
        let at = usize::try_from(identity % REMEMBERED as u64).unwrap_or_default();
        match &mut self.slots[at] {
            (known, same) if *known == identity && *same == content => Seen::Same,
            (known, _) if *known == identity => Seen::Other,
            slot => {
                *slot = (identity, content);
                Seen::Unknown
            }
        }
    }
}
