//! The age of a time, as text. Pure.

use std::time::SystemTime;

use kinesis_telemetry_stream::milliseconds;

/// Returns the milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    milliseconds(SystemTime::now())
}

/// Returns the age of a time: `12 s`, `5 min`, `3 h`. A time in the future, from another clock, is `0 s` old.
pub(crate) fn age(then_ms: i64, now_ms: i64) -> String {
    match now_ms.saturating_sub(then_ms).max(0) / 1000 {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_has_one_unit() {
        let of = |seconds: i64| age(0, seconds * 1000 + 999);
        assert_eq!([0, 119, 120, 7_199].map(of), ["0 s", "119 s", "2 min", "119 min"]);
        assert_eq!([7_200, 172_799, 172_800].map(of), ["2 h", "47 h", "2 days"]);
        assert_eq!(age(5_000, 0), "0 s");
    }
}
