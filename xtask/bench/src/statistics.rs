//! Summarises measurements. Pure.

use std::time::Duration;

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Returns the quantile of this share, 0.5 for the median. `None` if there are no values.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (values.len() as f64 * share).ceil() as usize;
    values.get(index.max(1) - 1).copied()
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::{median, quantile};

    #[test]
    fn a_quantile_is_a_value_that_occurred() {
        let hundred = || (1..=100).map(f64::from);
        assert_eq!(quantile(hundred(), 0.99), Some(99.0));
        assert_eq!(median(hundred()), Some(50.0));
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(quantile([7.0], 0.99), Some(7.0));
        assert_eq!(median([]), None);
    }
}
