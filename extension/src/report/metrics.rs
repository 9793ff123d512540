//! Metrics for CloudWatch, as log lines in the embedded metric format.
//!
//! Pure. CloudWatch creates metrics from such a line when Lambda writes it to the function's log, and bills each
//! metric. So there are few, and none has a dimension. Source: CloudWatch, "Embedded metric format".

use std::time::Duration;

use extension_spec::{EXTENSION_NAME, Metrics, metric};
use serde_json::{Map, Value, json};

use crate::buffer::ledger::Ledger;
use crate::buffer::stats::Stats;

/// The first member of a metrics line, by which the extension recognises its own lines. They are never delivered.
pub(super) const MARK: &str = "extension";

/// Makes lines of the changes since the last one.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    kind: Metrics,
    ledger: Ledger,
    stats: Stats,
}

impl Meter {
    /// Creates a meter for these metrics.
    pub(crate) fn new(kind: Metrics) -> Self {
        Self { kind, ledger: Ledger::default(), stats: Stats::default() }
    }

    /// Returns a line if there is anything to report. `lags` are those since the last line, `now_ms` is since 1970.
    pub(crate) fn line(
        &mut self,
        ledger: &Ledger,
        stats: &Stats,
        lags: &[Duration],
        held: u64,
        now_ms: u64,
    ) -> Option<String> {
        if self.kind == Metrics::Off || (*ledger == self.ledger && *stats == self.stats) {
            return None;
        }
        let mut metrics = vec![
            (metric::RECEIVED, "Count", json!(ledger.received - self.ledger.received)),
            (metric::DELIVERED, "Count", json!(ledger.delivered - self.ledger.delivered)),
            (metric::SHED, "Count", json!(ledger.shed.total() - self.ledger.shed.total())),
        ];
        if !lags.is_empty() {
            let lags: Vec<u64> = lags.iter().map(|lag| milliseconds(*lag)).collect();
            metrics.push((metric::DELIVERY_LAG, "Milliseconds", json!(lags)));
        }
        if self.kind == Metrics::All {
            metrics.extend(self.more(ledger, stats, held));
        }
        (self.ledger, self.stats) = (ledger.clone(), stats.clone());
        Some(line(&metrics, now_ms))
    }

    fn more(
        &self,
        ledger: &Ledger,
        stats: &Stats,
        held: u64,
    ) -> [(&'static str, &'static str, Value); 11] {
        let (ledger_before, before) = (&self.ledger, &self.stats);
        let dropped = ledger.logs_dropped.records - ledger_before.logs_dropped.records;
        let flushing = milliseconds(stats.flushing.saturating_sub(before.flushing));
        [
            ("Retried", "Count", json!(stats.retried - before.retried)),
            ("Spilled", "Count", json!(stats.spilled - before.spilled)),
            ("DeadLettered", "Count", json!(ledger.dead_lettered - ledger_before.dead_lettered)),
            ("Held", "Count", json!(held)),
            (metric::LOGS_DROPPED, "Count", json!(dropped)),
            ("Calls", "Count", json!(stats.calls - before.calls)),
            ("FailedCalls", "Count", json!(stats.failed_calls - before.failed_calls)),
            ("Records", "Count", json!(stats.records - before.records)),
            ("Bytes", "Bytes", json!(stats.bytes - before.bytes)),
            ("PayloadUnits", "Count", json!(stats.payload_units - before.payload_units)),
            ("FlushTime", "Milliseconds", json!(flushing)),
        ]
    }
}

fn line(metrics: &[(&'static str, &'static str, Value)], now_ms: u64) -> String {
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let about = json!({
        "Timestamp": now_ms,
        "CloudWatchMetrics": [
            { "Namespace": metric::NAMESPACE, "Dimensions": [[]], "Metrics": definitions }
        ],
    });
    let mut members = Map::new();
    members.insert("_aws".to_owned(), about);
    members.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())));
    let rest = Value::Object(members).to_string();
    // Written by hand, because the mark comes first.
    format!("{{\"{MARK}\":\"{EXTENSION_NAME}\",{}", &rest[1..])
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(received: u64) -> (Ledger, Stats) {
        let ledger = Ledger { received, delivered: received, ..Ledger::default() };
        let mut stats = Stats::default();
        stats.calls = received;
        (ledger, stats)
    }

    fn value(line: &str) -> Value {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_line_reports_the_changes_since_the_last_one() {
        let mut meter = Meter::new(Metrics::Basic);
        let (ledger, stats) = counted(5);
        let lags = [Duration::from_millis(7), Duration::from_millis(9)];
        let line = meter.line(&ledger, &stats, &lags, 0, 1_790_000_000_000).unwrap();
        let first = value(&line);
        assert_eq!((&first["Received"], &first["DeliveryLag"]), (&json!(5), &json!([7, 9])));
        let definition = &first["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(definition["Dimensions"], json!([[]]), "one metric for all functions");
        assert_eq!(definition["Metrics"].as_array().unwrap().len(), 4, "each is billed");
        let (ledger, stats) = counted(8);
        let second = value(&meter.line(&ledger, &stats, &[], 0, 0).unwrap());
        assert_eq!((&second["Received"], second.get("DeliveryLag")), (&json!(3), None));
        assert_eq!(meter.line(&ledger, &stats, &[], 0, 0), None, "nothing has changed");
    }

    #[test]
    fn every_published_metric_has_a_definition_and_a_value() {
        let (ledger, stats) = counted(5);
        let line = Meter::new(Metrics::All).line(&ledger, &stats, &[Duration::ZERO], 3, 0).unwrap();
        let line = value(&line);
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert!(metrics.len() > 10);
        for metric in metrics {
            assert!(line.get(metric["Name"].as_str().unwrap()).is_some(), "{metric}");
        }
    }

    #[test]
    fn every_metric_is_documented_with_its_unit() {
        let documented = include_str!("../../../docs/reference.md");
        let (ledger, stats) = counted(5);
        let line = Meter::new(Metrics::All).line(&ledger, &stats, &[Duration::ZERO], 3, 0).unwrap();
        let line = value(&line);
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
            let (name, unit) = (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap());
            assert!(documented.contains(&format!("| `{name}` | {unit} | ")), "{name}");
        }
    }

    #[test]
    fn no_line_is_printed_unless_metrics_are_enabled() {
        let (ledger, stats) = counted(5);
        assert_eq!(Meter::new(Metrics::Off).line(&ledger, &stats, &[], 0, 0), None);
    }
}
