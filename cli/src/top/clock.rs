//! Derives the time up to which the stream was read. Pure.

use std::collections::VecDeque;

/// Number of reads from which the difference of the clocks is derived: about a minute.
const LOOKS: usize = 60;

/// Derives from each read the time up to which every record was read, by the clock of Kinesis.
///
/// At the tip, a reader gets a record about a second after its arrival. A greater difference comes from the clocks.
#[derive(Debug, Default)]
pub(super) struct Clock {
    was_at_tip: bool,
    /// For each of the latest reads at the tip, its time minus the newest arrival in it.
    differences: VecDeque<i64>,
}

impl Clock {
    /// Returns the time up to which all records were read, after a read that began at `began_ms` by this machine's clock and
    /// ended `behind_ms` before the tip. `newest_ms` is the latest arrival in it.
    pub(super) fn looked(&mut self, began_ms: i64, behind_ms: i64, newest_ms: Option<i64>) -> i64 {
        let is_at_tip = behind_ms == 0;
        if let Some(newest_ms) = newest_ms.filter(|_| is_at_tip && self.was_at_tip) {
            self.differences.push_back(began_ms.saturating_sub(newest_ms));
            if self.differences.len() > LOOKS {
                self.differences.pop_front();
            }
        }
        self.was_at_tip = is_at_tip;
        let difference = self.differences.iter().min().copied().unwrap_or_default();
        began_ms.saturating_sub(difference).saturating_sub(behind_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_from_the_tip_is_subtracted() {
        let mut clock = Clock::default();
        assert_eq!(clock.looked(100_000, 60_000, Some(40_000)), 40_000);
        assert_eq!(clock.looked(101_000, 30_000, Some(71_000)), 71_000);
        assert_eq!(clock.looked(102_000, 0, Some(90_000)), 102_000);
    }

    #[test]
    fn a_clock_that_is_wrong_is_corrected() {
        for wrong_ms in [-300_000, 0, 300_000] {
            let mut clock = Clock::default();
            clock.looked(0, 0, None);
            let read_to_ms = clock.looked(400_000 + wrong_ms, 0, Some(399_500));
            assert_eq!(read_to_ms, 399_500, "{wrong_ms}");
            assert_eq!(clock.looked(430_000 + wrong_ms, 0, None), 429_500, "a stream at rest");
        }
    }
}
