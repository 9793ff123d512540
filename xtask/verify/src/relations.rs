//! Relations between the times and durations of a life. Pure.

use std::collections::BTreeMap;

use crate::life::{Event, Life, REPORT, START};

/// The most by which two statements of one duration may differ, in milliseconds: times have whole milliseconds.
const TOLERANCE_MS: f64 = 1.0;

/// A relation, described in words that are true if it holds.
pub(crate) type Relation = &'static str;

/// Returns whether each relation holds for all events. A relation is omitted if its events or members are missing.
pub(crate) fn relations(life: &Life) -> BTreeMap<Relation, bool> {
    let mut all = BTreeMap::new();
    let mut relate = |relation: Relation, holds: Option<bool>| {
        if let Some(holds) = holds {
            *all.entry(relation).or_insert(true) &= holds;
        }
    };
    let first = |kind: &str| life.0.iter().find(|it| it.kind == kind);
    let (init_start, init_done, init_report) = (
        first("platform.initStart"),
        first("platform.initRuntimeDone"),
        first("platform.initReport"),
    );
    relate("initStart is before initRuntimeDone", in_order(init_start, init_done));
    relate("initRuntimeDone is before initReport", in_order(init_done, init_report));
    relate("initReport is before the first start", in_order(init_report, first(START)));

    for start in life.0.iter().filter(|it| it.kind == START) {
        let of_it = |it: &&Event| it.request_id() == start.request_id();
        let own = |kind: &str| life.0.iter().filter(of_it).find(|it| it.kind == kind);
        let (done, report) = (own("platform.runtimeDone"), own(REPORT));
        relate("start is before runtimeDone", in_order(Some(start), done));
        relate("runtimeDone is before report", in_order(done, report));
        for line in life.0.iter().filter(of_it).filter(|it| it.kind == "function") {
            relate("lines are after start", in_order(Some(start), Some(line)));
        }
        let Some(report) = report else { continue };
        let duration = metric(Some(report), "durationMs");
        let billed = metric(Some(report), "billedDurationMs");
        let both = billed.zip(duration);
        let function = metric(done, "durationMs");
        relate(
            "report lasts as long as runtimeDone, or longer",
            duration.zip(function).map(|(it, function)| it + TOLERANCE_MS >= function),
        );
        match metric(Some(report), "initDurationMs") {
            Some(init) => {
                relate(
                    "initDurationMs is that of initReport",
                    metric(init_report, "durationMs").map(|it| (it - init).abs() <= TOLERANCE_MS),
                );
                relate(
                    "the billed duration of a cold start includes its init",
                    both.map(|(billed, duration)| billed + TOLERANCE_MS >= duration + init),
                );
            }
            None => relate(
                "the billed duration of a warm start is its duration, rounded up",
                both.map(|(billed, duration)| (billed - duration.ceil()).abs() < 0.5),
            ),
        }
    }
    all
}

fn in_order(before: Option<&Event>, after: Option<&Event>) -> Option<bool> {
    Some(before?.time_ms? <= after?.time_ms?)
}

fn metric(event: Option<&Event>, name: &str) -> Option<f64> {
    event?.record["metrics"][name].as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLD: &str = r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.initStart","record":{}}
{"time":"2026-01-01T00:00:00.100Z","type":"platform.initReport","record":{"metrics":{"durationMs":100.2}}}
{"time":"2026-01-01T00:00:00.101Z","type":"platform.start","record":{"requestId":"a"}}
{"time":"2026-01-01T00:00:00.110Z","type":"platform.runtimeDone","record":{"requestId":"a","metrics":{"durationMs":9.1}}}
{"time":"2026-01-01T00:00:00.111Z","type":"platform.report","record":{"requestId":"a","metrics":{"durationMs":9.9,"billedDurationMs":111,"initDurationMs":100.2}}}
"#;

    fn broken(lines: &str) -> Vec<Relation> {
        let relations = relations(&Life::of_lines(lines)).into_iter();
        relations.filter(|(_, holds)| !holds).map(|(relation, _)| relation).collect()
    }

    #[test]
    fn a_cold_start_fulfils_every_relation_that_has_its_events() {
        assert_eq!(relations(&Life::of_lines(COLD)).len(), 6);
        assert_eq!(broken(COLD), [""; 0]);
    }

    #[test]
    fn what_is_out_of_order_or_does_not_add_up_is_named() {
        for (from, to, relation) in [
            ("00.111Z", "00.109Z", "runtimeDone is before report"),
            ("00.100Z", "00.102Z", "initReport is before the first start"),
            (
                "durationMs\":9.1",
                "durationMs\":19.1",
                "report lasts as long as runtimeDone, or longer",
            ),
            (
                "\"billedDurationMs\":111",
                "\"billedDurationMs\":10",
                "the billed duration of a cold start includes its init",
            ),
            ("durationMs\":100.2}", "durationMs\":50}", "initDurationMs is that of initReport"),
            (
                ",\"initDurationMs\":100.2",
                "",
                "the billed duration of a warm start is its duration, rounded up",
            ),
        ] {
            assert!(COLD.contains(from), "{from}");
            assert_eq!(broken(&COLD.replacen(from, to, 1)), [relation]);
        }
    }
}
