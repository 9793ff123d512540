//! Pauses between invocations. Pure.

use std::time::Duration;

/// The golden ratio's fraction: its multiples, less their whole parts, lie more evenly than those of any other number.
const STEP: f64 = 0.618_033_988_749_894_9;

/// Returns endless pauses, shorter than `longest` and spread evenly, in an order that repeats in every run.
pub(super) fn even(longest: Duration) -> impl Iterator<Item = Duration> {
    (1_u32..).map(move |n| longest.mul_f64((f64::from(n) * STEP).fract()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::even;

    #[test]
    fn pauses_fall_equally_often_into_every_tenth() {
        let longest = Duration::from_millis(100);
        let mut tenths = [0; 10];
        for pause in even(longest).take(200) {
            tenths[usize::try_from(pause.as_millis()).unwrap() / 10] += 1;
        }
        assert!(tenths.iter().all(|count| (18..=22).contains(count)), "{tenths:?}");
    }
}
