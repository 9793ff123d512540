//! Finds lost events in the ledgers of a function's instances. Pure.

use extension_spec::variable;
use kinesis_telemetry_consumer::{Event, Ledger};
use kinesis_telemetry_stream::{counted, thousands};
use serde_json::Value;

use super::finding::{Finding, Verdict};
use super::recent::Recent;

/// Number of queued events that is worth a note. A ledger is written while events are in transit, so it nearly always counts some.
const MANY: u64 = 1_000;

/// The counts of a ledger that indicate problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// The number of the ledger's last event. The ledger with the largest one of an instance is used.
    pub(super) up_to: u64,
    shed_memory: u64,
    shed_refused: u64,
    shed_unreadable: u64,
    shed_end: u64,
    held: u64,
    logs_dropped: u64,
    refused_batches: u64,
}

impl Counts {
    /// Reads a ledger. Returns `None` if the event is not a ledger, or not one that the extension can have written.
    ///
    /// Counts that are missing or not numbers are 0, because any writer to the stream can send anything.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let ledger = Ledger::of(event)?;
        let event: Value = serde_json::from_str(&event.text).unwrap_or_default();
        let record = &event["record"];
        let count = |value: &Value| value.as_u64().unwrap_or_default();
        Some(Self {
            up_to: ledger.up_to(),
            shed_memory: count(&record["shed"]["memory"]),
            shed_refused: count(&record["shed"]["refused"]),
            shed_unreadable: count(&record["shed"]["unreadable"]),
            shed_end: count(&record["shed"]["end"]),
            held: count(&record["held"]),
            logs_dropped: count(&record["logsDropped"]["records"]),
            refused_batches: count(&record["refusedBatches"]),
        })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            up_to: 0,
            shed_memory: self.shed_memory.saturating_add(other.shed_memory),
            shed_refused: self.shed_refused.saturating_add(other.shed_refused),
            shed_unreadable: self.shed_unreadable.saturating_add(other.shed_unreadable),
            shed_end: self.shed_end.saturating_add(other.shed_end),
            held: self.held.saturating_add(other.held),
            logs_dropped: self.logs_dropped.saturating_add(other.logs_dropped),
            refused_batches: self.refused_batches.saturating_add(other.refused_batches),
        }
    }
}

/// Returns findings from the last ledgers of a function's instances; none if there are no ledgers.
pub(super) fn findings(function: &str, recent: &Recent) -> Vec<Finding> {
    let Some(instances) = recent.ledgers.get(function).filter(|it| !it.is_empty()) else {
        return Vec::new();
    };
    let sum = instances.values().copied().fold(Counts::default(), Counts::plus);
    let ledgers = format!("last ledgers of {}", counted(instances.len(), "instance"));
    let finding = |what: &str| format!("{function}: {what} ({ledgers})");
    let mut verdicts: Vec<_> =
        troubles(&sum).map(|(what, remedy)| Verdict::broken(finding(&what), remedy)).collect();
    if verdicts.is_empty() {
        verdicts.push(Verdict::well(finding("no event was lost")));
    }
    if sum.held >= MANY {
        let what = format!("{} were queued; check that the number falls", events(sum.held));
        verdicts.push(Verdict::note(finding(&what)));
    }
    verdicts.into_iter().map(|it| Finding::new("ledger", it)).collect()
}

/// Returns each kind of loss with its remedy.
fn troubles(sum: &Counts) -> impl Iterator<Item = (String, String)> {
    let cases = [
        (
            sum.shed_memory,
            format!("{} discarded for lack of memory", events(sum.shed_memory)),
            format!(
                "raise {} or {}, or deliver less with {}",
                variable::QUEUE_MAX_BYTES,
                variable::SPILL_MAX_BYTES,
                variable::TYPES
            ),
        ),
        (
            sum.shed_refused,
            format!("{} discarded because the stream rejected them", events(sum.shed_refused)),
            format!(
                "the function's log has the reason; {} keeps such records in a queue",
                variable::DEAD_LETTER_QUEUE_URL
            ),
        ),
        (
            sum.shed_unreadable,
            format!("{} lost in the spill file", events(sum.shed_unreadable)),
            "the function's log has the reason; check that /tmp has space".to_owned(),
        ),
        (
            sum.shed_end,
            format!("{} lost when an environment ended", events(sum.shed_end)),
            format!("set {} to keep such records", variable::DEAD_LETTER_QUEUE_URL),
        ),
        (
            sum.logs_dropped,
            format!("{} dropped by Lambda", number(sum.logs_dropped, "log line")),
            format!(
                "log less, or raise {} and the function's memory",
                variable::LOGS_BUFFER_MAX_BYTES
            ),
        ),
        (
            sum.refused_batches,
            format!("{} too large to be read", number(sum.refused_batches, "batch of telemetry")),
            format!("lower {}, or raise the function's memory", variable::LOGS_BUFFER_MAX_BYTES),
        ),
    ];
    let present = cases.into_iter().filter(|(count, ..)| *count > 0);
    present.map(|(_, what, remedy)| (what, remedy))
}

fn events(count: u64) -> String {
    number(count, "event")
}

fn number(count: u64, noun: &str) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match noun.strip_prefix("batch") {
        Some(rest) if count != 1 => format!("{} batches{rest}", thousands(count)),
        _ => counted(count, noun),
    }
}
