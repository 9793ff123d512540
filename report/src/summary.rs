//! The figures of a report for its verdict and its tiles.

use crate::model::{Instance, Report};
use crate::ranges;

/// Figures about all invocations and instances.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The number of events that arrived, each counted once.
    pub(crate) events: u64,
    /// Event numbers that did not arrive and that no ledger explains.
    pub(crate) missing: u64,
    /// Event numbers that did not arrive and that a ledger explains.
    pub(crate) explained: u64,
    /// Instances with numbers in `missing` or with conflicting events.
    pub(crate) incomplete: usize,
    pub(crate) conflicting: u64,
    pub(crate) duplicates: u64,
    pub(crate) sampled_out: u64,
    pub(crate) without_ledger: usize,
    pub(crate) functions: usize,
    pub(crate) failures: usize,
    pub(crate) cold_starts: usize,
    pub(crate) duration: Percentiles,
    pub(crate) extension: Percentiles,
    pub(crate) lag: Percentiles,
}

/// Percentiles, which are `None` if there are no values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
}

impl Summary {
    pub(crate) fn of(report: &Report) -> Self {
        let invocations = &report.invocations;
        let mut functions: Vec<&str> = invocations.iter().map(|it| it.function.as_str()).collect();
        functions.extend(report.instances.iter().map(|it| it.function.as_str()));
        functions.sort_unstable();
        functions.dedup();
        let mut summary = Self {
            functions: functions.len(),
            failures: invocations.iter().filter(|it| it.outcome.is_failure()).count(),
            cold_starts: invocations.iter().filter(|it| it.init_ms.is_some()).count(),
            duration: Percentiles::of(invocations.iter().filter_map(|it| it.duration_ms)),
            extension: Percentiles::of(invocations.iter().filter_map(|it| it.extension_ms)),
            #[expect(clippy::cast_precision_loss)] // Exact for 285 000 years.
            lag: Percentiles::of(invocations.iter().filter_map(|it| it.lag_ms).map(|ms| ms as f64)),
            ..Self::default()
        };
        for instance in &report.instances {
            let missing = missing(instance);
            let explained = ranges::count(&explained(instance)).saturating_sub(instance.uncounted);
            summary.events = summary.events.saturating_add(instance.events);
            summary.missing = summary.missing.saturating_add(missing);
            summary.explained = summary.explained.saturating_add(explained);
            summary.conflicting = summary.conflicting.saturating_add(instance.conflicting);
            summary.duplicates = summary.duplicates.saturating_add(instance.duplicates);
            summary.sampled_out = summary.sampled_out.saturating_add(instance.sampled_out);
            summary.incomplete += usize::from(missing > 0 || instance.conflicting > 0);
            summary.without_ledger += usize::from(!instance.has_ledger);
        }
        summary
    }

    /// Returns true if every event number arrived or is explained, no event conflicts, and every record could be read.
    pub(crate) fn is_complete(&self, report: &Report) -> bool {
        self.incomplete == 0 && report.unreadable == 0
    }
}

/// Returns true if every event number arrived or is explained, and no event conflicts.
pub fn is_complete(report: &Report) -> bool {
    Summary::of(report).incomplete == 0
}

impl Percentiles {
    /// Computes nearest-rank percentiles.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.filter(|it| it.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| (values.len() * percent).div_ceil(100).checked_sub(1);
        let at = |percent| rank(percent).and_then(|index| values.get(index).copied());
        Self { p50: at(50), p99: at(99) }
    }
}

/// Returns the ranges of an instance that did not arrive and that a ledger explains.
pub(crate) fn explained(instance: &Instance) -> Vec<(u64, u64)> {
    ranges::without(&instance.missing, &unexplained(instance))
}

/// Returns the count of an instance's events that did not arrive and that no ledger explains.
pub(crate) fn missing(instance: &Instance) -> u64 {
    ranges::count(&unexplained(instance)).saturating_add(instance.uncounted)
}

/// Returns the ranges of an instance that did not arrive and that no ledger explains.
pub(crate) fn unexplained(instance: &Instance) -> Vec<(u64, u64)> {
    ranges::without(&instance.missing, &instance.explained)
}

#[cfg(test)]
mod tests {
    use super::Percentiles;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let of = |values: &[f64]| Percentiles::of(values.iter().copied());
        assert_eq!(of(&[]), Percentiles::default());
        assert_eq!(of(&[3.0]), Percentiles { p50: Some(3.0), p99: Some(3.0) });
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(of(&hundred), Percentiles { p50: Some(50.0), p99: Some(99.0) });
        assert_eq!(of(&[f64::NAN, 1.0]).p99, Some(1.0));
    }
}
