//! Estimates how long something usually takes from its latest durations.
//!
//! Pure.

use std::time::Duration;

/// The number of durations that are remembered.
const REMEMBERED: usize = 32;

/// The latest durations of something that happens again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Durations {
    latest: [Duration; REMEMBERED],
    /// The number of durations ever recorded.
    count: usize,
    usual: Option<Usual>,
}

/// Typical durations, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usual {
    pub(super) shortest: Duration,
    pub(super) median: Duration,
    /// One in eight takes longer, so a few outliers do not count.
    pub(super) long: Duration,
    pub(super) longest: Duration,
}

impl Durations {
    pub(super) fn record(&mut self, duration: Duration) {
        self.latest[self.count % REMEMBERED] = duration;
        self.count += 1;
        let mut sorted = self.latest;
        let sorted = &mut sorted[..self.count.min(REMEMBERED)];
        sorted.sort_unstable();
        let last = sorted.len() - 1;
        self.usual = Some(Usual {
            shortest: sorted[0],
            median: sorted[last / 2],
            long: sorted[last * 7 / 8],
            longest: sorted[last],
        });
    }

    /// Returns the typical durations; none if nothing was recorded.
    pub(super) fn usual(&self) -> Option<Usual> {
        self.usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_of(durations: impl IntoIterator<Item = u64>) -> Option<Usual> {
        let mut all = Durations::default();
        durations.into_iter().for_each(|ms| all.record(Duration::from_millis(ms)));
        all.usual()
    }

    #[test]
    fn a_few_outliers_change_only_the_extremes() {
        let usual = usual_of([10].repeat(28).into_iter().chain([1, 500, 600, 700])).unwrap();
        let [shortest, median, long, longest] = [1, 10, 10, 700].map(Duration::from_millis);
        assert_eq!(usual, Usual { shortest, median, long, longest });
        assert_eq!(usual_of([]), None);
    }

    #[test]
    fn old_durations_are_forgotten() {
        let old = [1_000].repeat(REMEMBERED);
        let new = [20].repeat(REMEMBERED);
        assert_eq!(usual_of(old.into_iter().chain(new.clone())), usual_of(new));
    }
}
