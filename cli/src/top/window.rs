//! A window of values by slot of time. Pure.

use std::collections::VecDeque;

/// Values by slot, the oldest first. Slots that are too old are dropped.
#[derive(Clone, Debug)]
pub(super) struct Window<T> {
    slot_ms: i64,
    /// Number of slots that are kept, including the newest.
    kept: i64,
    slots: VecDeque<(i64, T)>,
}

impl<T: Default> Window<T> {
    /// Returns a window that keeps the values of the latest `kept` slots of `slot_ms` each.
    pub(super) fn new(slot_ms: i64, kept: i64) -> Self {
        Self { slot_ms: slot_ms.max(1), kept, slots: VecDeque::new() }
    }

    /// Returns the index of the slot that contains a time.
    pub(super) fn slot(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.slot_ms)
    }

    /// Returns the time at which a slot begins, in milliseconds since 1970.
    pub(super) fn begin_ms(&self, slot: i64) -> i64 {
        slot.saturating_mul(self.slot_ms)
    }

    /// Returns the value of the slot that contains a time, or `None` if that slot is too old.
    pub(super) fn at(&mut self, at_ms: i64) -> Option<&mut T> {
        let slot = self.slot(at_ms);
        let newest = self.slots.back().map_or(slot, |(newest, _)| slot.max(*newest));
        let oldest = newest.saturating_sub(self.kept);
        while self.slots.front().is_some_and(|(it, _)| *it <= oldest) {
            self.slots.pop_front();
        }
        if slot <= oldest {
            return None;
        }
        let index = self.slots.partition_point(|(it, _)| *it < slot);
        if self.slots.get(index).is_none_or(|(it, _)| *it != slot) {
            self.slots.insert(index, (slot, T::default()));
        }
        self.slots.get_mut(index).map(|(_, value)| value)
    }

    /// Returns the values of the slots from `first` to `last`.
    pub(super) fn within(&self, first: i64, last: i64) -> impl Iterator<Item = &T> {
        let slots = self.slots.iter().filter(move |(it, _)| (first..=last).contains(it));
        slots.map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_kept_in_order_and_old_ones_are_dropped() {
        let mut window = Window::<u32>::new(10, 3);
        for at_ms in [5, 25, 19, 12, 29] {
            *window.at(at_ms).unwrap() += 1;
        }
        assert_eq!(window.within(0, 2).copied().collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(window.within(1, 1).sum::<u32>(), 2);
        *window.at(45).unwrap() += 1;
        assert!(window.at(15).is_none());
        assert_eq!(window.within(i64::MIN, i64::MAX).copied().collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn times_before_1970_and_in_the_far_future_are_valid() {
        let mut window = Window::<u32>::new(10, 3);
        assert!(window.at(i64::MIN).is_some());
        assert!(window.at(i64::MAX).is_some());
        assert!(window.at(-5).is_none());
    }
}
