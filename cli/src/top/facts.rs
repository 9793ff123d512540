//! Reads what platform events and ledgers state about an invocation or an instance. Pure.

use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer, Event};
use serde_json::Value;

use super::numbers::ShedRange;

/// Largest number of ranges that are read from a ledger. The extension writes at most a hundred.
const RANGES: usize = 200;

/// The facts that one event states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// True if the event is about an invocation.
    pub(super) is_invocation: bool,
    /// True if the invocation failed.
    pub(super) is_failure: bool,
    /// True if an environment was initialized.
    pub(super) is_cold_start: bool,
    pub(super) memory: Option<Memory>,
    /// Log lines that Lambda dropped.
    pub(super) dropped: u64,
    pub(super) ledger: Option<Ledger>,
}

/// The memory high-water mark of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) used_mb: u64,
    pub(super) size_mb: u64,
}

/// The counts of a valid ledger that `top` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// The last number of the range, which begins with 1.
    pub(super) up_to: u64,
    pub(super) shed: u64,
    pub(super) ranges: Vec<ShedRange>,
    pub(super) dropped: u64,
    pub(super) sampled_out: u64,
}

impl Facts {
    /// Reads an event. Members that are absent or of another type count as absent.
    pub(super) fn of(event: &Event) -> Self {
        let kind = event.kind.strip_prefix("platform.").unwrap_or_default();
        if kind.is_empty() && event.kind != event_type::LEDGER {
            return Self::default();
        }
        let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
        let (record, metrics) = (&parsed["record"], &parsed["record"]["metrics"]);
        let is_failure =
            || matches!(record["status"].as_str(), Some("failure" | "error" | "timeout"));
        match kind {
            "start" => Self { is_invocation: true, ..Self::default() },
            "runtimeDone" => {
                Self { is_invocation: true, is_failure: is_failure(), ..Self::default() }
            }
            "report" => Self {
                is_invocation: true,
                is_failure: is_failure(),
                is_cold_start: ["initDurationMs", "restoreDurationMs"]
                    .iter()
                    .any(|it| metrics[it].is_number()),
                memory: Memory::of(metrics),
                ..Self::default()
            },
            "initReport" | "restoreReport" => Self { is_cold_start: true, ..Self::default() },
            "logsDropped" => Self { dropped: count(&record["droppedRecords"]), ..Self::default() },
            "" => Self { ledger: Ledger::of(event, record), ..Self::default() },
            _ => Self::default(),
        }
    }
}

impl Memory {
    fn of(metrics: &Value) -> Option<Self> {
        let used_mb = metrics["maxMemoryUsedMB"].as_u64()?;
        Some(Self { used_mb, size_mb: count(&metrics["memorySizeMB"]) })
    }

    /// Returns the used percentage of the memory size, if the size is known.
    pub(super) fn percent(self) -> Option<u64> {
        (self.size_mb > 0).then(|| self.used_mb.saturating_mul(100) / self.size_mb)
    }

    /// Returns the one that is closer to its memory size.
    pub(super) fn higher(self, other: Self) -> Self {
        let key = |it: Self| (it.percent(), it.used_mb);
        if key(other) > key(self) { other } else { self }
    }
}

impl Ledger {
    /// Returns the ledger in an event with this `record`. Returns `None` if the extension cannot have written it.
    fn of(event: &Event, record: &Value) -> Option<Self> {
        let ledger = consumer::Ledger::of(event)?;
        let shed = record["shed"].as_object().into_iter().flat_map(|it| it.values());
        let ranges = ledger.shed_ranges().take(RANGES);
        Some(Self {
            up_to: ledger.up_to(),
            shed: shed.map(count).fold(0, u64::saturating_add),
            ranges: ranges
                .map(|((first, last), events)| ShedRange { first, last, events })
                .collect(),
            dropped: count(&record["logsDropped"]["records"]),
            sampled_out: count(&record["sampledOut"]["events"]),
        })
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The number of every event.
    const SEQ: u64 = 10_000;

    fn facts(kind: &str, record: &str) -> Facts {
        let line = format!("{{\"type\":\"{kind}\",\"record\":{record}}}");
        let mut event = Event::without_identity(&line).unwrap();
        event.source.seq = SEQ;
        Facts::of(&event)
    }

    #[test]
    fn a_report_has_failure_cold_start_and_memory() {
        let report = facts(
            "platform.report",
            r#"{"status":"timeout","metrics":{"initDurationMs":1.5,"memorySizeMB":128,"maxMemoryUsedMB":84}}"#,
        );
        let memory = Some(Memory { used_mb: 84, size_mb: 128 });
        let expected = Facts {
            is_invocation: true,
            is_failure: true,
            is_cold_start: true,
            memory,
            ..Facts::default()
        };
        assert_eq!(report, expected);
        let lean = facts("platform.report", r#"{"status":"success","metrics":{"durationMs":1}}"#);
        assert_eq!(lean, Facts { is_invocation: true, ..Facts::default() });
    }

    #[test]
    fn every_failure_status_is_recognized() {
        for (status, is_failure) in
            [("success", false), ("failure", true), ("error", true), ("timeout", true)]
        {
            let record = format!("{{\"status\":\"{status}\"}}");
            assert_eq!(facts("platform.runtimeDone", &record).is_failure, is_failure, "{status}");
        }
    }

    #[test]
    fn a_ledger_has_the_events_that_never_arrive() {
        let ledger = facts(
            "kinesis-telemetry.ledger",
            r#"{"upTo":9,"shed":{"memory":2,"refused":1,"unreadable":0,"end":0},"shedRanges":[{"first":3,"last":5,"events":3}],
               "logsDropped":{"records":7,"bytes":70},"sampledOut":{"invocations":2,"events":40,"bytes":1}}"#,
        );
        let ranges = vec![ShedRange { first: 3, last: 5, events: 3 }];
        let expected = Ledger { up_to: 9, shed: 3, ranges, dropped: 7, sampled_out: 40 };
        assert_eq!(ledger.ledger, Some(expected));
    }

    #[test]
    fn hostile_members_count_as_absent() {
        for record in ["null", "[]", "\"x\"", "-1", r#"{"status":[],"metrics":"x","upTo":-1}"#] {
            for kind in ["platform.report", "platform.logsDropped", "platform.restoreReport"] {
                let facts = facts(kind, record);
                assert_eq!((facts.is_failure, facts.memory, facts.dropped), (false, None, 0));
            }
            assert_eq!(facts("kinesis-telemetry.ledger", record).ledger, None, "{record}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(facts("platform.start", &deep).is_invocation);
    }

    #[test]
    fn a_ledger_is_read_up_to_its_bound_of_ranges() {
        let range = |n| format!("{{\"first\":{n},\"last\":{n},\"events\":1}}");
        let ranges = (1..=1_000).map(range).collect::<Vec<_>>().join(",");
        let record = format!("{{\"upTo\":1000,\"shedRanges\":[{ranges}]}}");
        let ledger = facts("kinesis-telemetry.ledger", &record).ledger.unwrap();
        assert_eq!(ledger.ranges.len(), RANGES);
    }

    #[test]
    fn an_implausible_ledger_counts_as_absent() {
        let most = (1_u64 << 53) - 1;
        for (up_to, range) in [
            (most, json!({ "first": 1, "last": most, "events": most })),
            (SEQ, json!({ "first": 1, "last": 2, "events": 2 })),
            (9, json!({ "first": 8, "last": 10, "events": 3 })),
            (9, json!({ "first": 8, "last": 9, "events": 3 })),
        ] {
            let record = json!({ "upTo": up_to, "shed": { "memory": 1 }, "shedRanges": [range] });
            let ledger = facts("kinesis-telemetry.ledger", &record.to_string()).ledger;
            assert_eq!(ledger, None, "{record}");
        }
    }

    #[test]
    fn log_lines_have_no_facts() {
        assert_eq!(facts("function", r#"{"status":"error"}"#), Facts::default());
        assert_eq!(facts("platform.", "{}"), Facts::default());
    }

    #[test]
    fn the_memory_closest_to_its_size_is_the_highest() {
        let memory = |used_mb, size_mb| Memory { used_mb, size_mb };
        assert_eq!(memory(500, 1024).higher(memory(120, 128)), memory(120, 128));
        assert_eq!(memory(9, 0).higher(memory(1, 128)), memory(1, 128));
        assert_eq!(memory(1, 128).percent(), Some(0));
    }
}
