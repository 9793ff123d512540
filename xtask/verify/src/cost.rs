//! Computes the cost of invocations from Lambda's own reports. Pure.

use serde_json::Value;

use crate::life::{Life, REPORT};

/// Lambda's report of an invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reported {
    pub(crate) duration_ms: f64,
    pub(crate) billed_ms: f64,
    pub(crate) memory_mb: f64,
    /// The duration of the init before it, if it was a cold start.
    pub(crate) init_ms: Option<f64>,
}

impl Reported {
    /// Reads the report at the end of a log, in either log format of Lambda's.
    pub(crate) fn of_log(log: &str) -> Option<Self> {
        log.lines().rev().find_map(|line| Self::of_json(line).or_else(|| Self::of_text(line)))
    }

    fn of_json(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let metrics = &event["record"]["metrics"];
        Some(Self {
            duration_ms: metrics["durationMs"].as_f64()?,
            billed_ms: metrics["billedDurationMs"].as_f64()?,
            memory_mb: metrics["maxMemoryUsedMB"].as_f64()?,
            init_ms: metrics["initDurationMs"].as_f64(),
        })
    }

    /// `REPORT RequestId: … Duration: 1.50 ms Billed Duration: 2 ms … Init Duration: 30.10 ms`, between tabulators.
    fn of_text(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.strip_prefix("REPORT ")?.split('\t').map(str::trim).collect();
        let number = |name: &str| {
            let (number, _) =
                fields.iter().find_map(|it| it.strip_prefix(name))?.split_once(' ')?;
            number.parse().ok()
        };
        Some(Self {
            duration_ms: number("Duration: ")?,
            billed_ms: number("Billed Duration: ")?,
            memory_mb: number("Max Memory Used: ")?,
            init_ms: number("Init Duration: "),
        })
    }
}

/// A number of a function with the layer, and of the same function without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) what: &'static str,
    /// The median, and of how many.
    pub(crate) with: Option<(f64, usize)>,
    pub(crate) without: Option<(f64, usize)>,
}

/// Compares the reports of a function with the layer with those of a function without it.
pub(crate) fn costs(with: &[Reported], without: &[Reported]) -> Vec<Cost> {
    type Number = fn(&Reported) -> Option<f64>;
    let numbers: [(&str, Number); 5] = [
        ("init (ms)", |it| it.init_ms),
        ("memory used at most (MB)", |it| Some(it.memory_mb)),
        ("duration of a warm invocation (ms)", |it| it.init_ms.is_none().then_some(it.duration_ms)),
        ("billed for a warm invocation (ms)", |it| it.init_ms.is_none().then_some(it.billed_ms)),
        ("billed for a cold start (ms)", |it| it.init_ms.map(|_| it.billed_ms)),
    ];
    let cost = |(what, number): (&'static str, Number)| {
        let of = |reports: &[Reported]| median(reports.iter().filter_map(number).collect());
        Cost { what, with: of(with), without: of(without) }
    };
    numbers.into_iter().map(cost).collect()
}

/// Returns how long extensions held each invocation after the function had ended, in milliseconds.
pub(crate) fn held(lives: &[Life]) -> Vec<f64> {
    let reports = lives.iter().flat_map(|life| life.0.iter().filter(|it| it.kind == REPORT));
    let spans = reports.flat_map(|it| it.record["spans"].as_array().into_iter().flatten());
    let overhead = spans.filter(|it| it["name"] == "extensionOverhead");
    overhead.filter_map(|it| it["durationMs"].as_f64()).collect()
}

/// Returns the median, and of how many it is.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<(f64, usize)> {
    numbers.sort_by(f64::total_cmp);
    let count = numbers.len();
    let upper = *numbers.get(count / 2)?;
    let lower = numbers[(count - 1) / 2];
    Some((f64::midpoint(lower, upper), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"time":"2026-08-09T12:34:51.694Z","type":"platform.report","record":{"requestId":"6d68","status":"success","metrics":{"durationMs":693.92,"billedDurationMs":694,"memorySizeMB":128,"maxMemoryUsedMB":84,"initDurationMs":397.68}}}"#;

    #[test]
    fn the_report_of_a_log_is_read_in_both_formats() {
        let cold = Reported {
            duration_ms: 693.92,
            billed_ms: 694.0,
            memory_mb: 84.0,
            init_ms: Some(397.68),
        };
        let log = format!("{{\"level\":\"INFO\"}}\n{JSON}\n");
        assert_eq!(Reported::of_log(&log), Some(cold));
        let text = "START RequestId: 6d68 Version: $LATEST\nline\nEND RequestId: 6d68\nREPORT RequestId: 6d68\tDuration: 693.92 ms\tBilled Duration: 694 ms\tMemory Size: 128 MB\tMax Memory Used: 84 MB\t";
        assert_eq!(Reported::of_log(text), Some(Reported { init_ms: None, ..cold }));
        let text = format!("{text}Init Duration: 397.68 ms\t\n");
        assert_eq!(Reported::of_log(&text), Some(cold));
        assert_eq!(Reported::of_log("line\nREPORT RequestId: 6d68\tDuration: soon\n"), None);
    }

    #[test]
    fn cold_starts_and_warm_invocations_are_counted_apart() {
        let warm = Reported { duration_ms: 2.0, billed_ms: 2.0, memory_mb: 20.0, init_ms: None };
        let cold = Reported { init_ms: Some(30.0), billed_ms: 33.0, ..warm };
        let slower = Reported { billed_ms: 5.0, ..warm };
        let costs = costs(&[cold, warm, slower], &[warm]);
        let of = |what: &str| costs.iter().find(|it| it.what.starts_with(what)).unwrap();
        assert_eq!((of("init").with, of("init").without), (Some((30.0, 1)), None));
        assert_eq!(of("billed for a warm").with, Some((3.5, 2)));
        assert_eq!(of("billed for a cold").with, Some((33.0, 1)));
        assert_eq!(of("memory").with, Some((20.0, 3)));
    }

    #[test]
    fn held_time_is_the_extensions_overhead() {
        let report = r#"{"type":"platform.report","record":{"spans":[{"name":"extensionOverhead","durationMs":7.5},{"name":"other","durationMs":1}]}}"#;
        assert_eq!(held(&[Life::of_lines(report)]), [7.5]);
        assert_eq!(median(Vec::new()), None);
    }
}
