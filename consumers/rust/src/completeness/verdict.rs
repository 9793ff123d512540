//! The verdict about a period: one line of JSON. Pure.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::Completeness;
use crate::ranges::{self, Range};

/// Most instances that are listed, those with the most missing events first.
const INSTANCES: usize = 20;
/// Most ranges of missing numbers that are listed of an instance.
const RANGES: usize = 20;
/// Most characters of a name. The names of functions are shorter.
const NAME: usize = 140;
/// 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can state.
const LATEST_MS: u64 = 253_402_300_799_999;

/// Says whether any event of a period is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The stream, as it was named.
    pub stream: String,
    /// The beginning of the period (RFC 3339).
    pub since: String,
    /// Its end.
    pub until: String,
    /// True if no due event is missing and no number has two events.
    pub complete: bool,
    /// The number of due events that did not arrive and that no ledger explains.
    pub missing_events: u64,
    /// The number of due events that a ledger reports as shed.
    pub shed_events: u64,
    /// The number of events and parts that arrived again.
    pub duplicates: u64,
    /// The number of events that arrived under the number of a different event. The extension never writes them. They are
    /// found among the latest half a million events.
    pub conflicting: u64,
    /// The number of instances of which an event arrived.
    pub instances: usize,
    /// The number of events that arrived, each counted once.
    pub events: u64,
    /// The number of events without an identity (`ENVELOPE=none`), which cannot be judged.
    pub anonymous: u64,
    /// The number of records and lines that cannot be read.
    pub unreadable: u64,
    /// The instances that miss events: the 20 that miss most.
    pub incomplete: Vec<Incomplete>,
}

/// An instance that misses events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// The name of its function, if an event names it.
    pub function: Option<String>,
    /// Its name.
    pub instance: String,
    /// Ranges of the numbers that are missing, each with its first and last one: the first 20. A range that a ledger
    /// explains in part is among them.
    pub missing: Vec<Range>,
    /// The number of missing events.
    pub events: u64,
}

impl Verdict {
    /// Returns the value of the metric `MissingEvents`: the missing and the conflicting events together. It is 0 if and only if the
    /// period is complete. Of two different events under one number at least one is not what the extension wrote.
    pub const fn metric(&self) -> u64 {
        self.missing_events.saturating_add(self.conflicting)
    }
}

impl Completeness {
    /// Judges what was added. `stream` is the name of the stream.
    pub fn verdict(&self, stream: &str) -> Verdict {
        let mut verdict = Verdict {
            stream: stream.to_owned(),
            since: time(self.period.since_ms),
            until: time(self.period.until_ms),
            duplicates: self.duplicates,
            conflicting: self.conflicting,
            instances: self.instances.len(),
            events: self.events,
            anonymous: self.anonymous,
            unreadable: self.unreadable,
            ..Verdict::default()
        };
        let mut incomplete: Vec<(u64, &str, Option<&String>, Vec<Range>)> = Vec::new();
        for (name, index) in &self.names {
            let numbers = &self.instances[*index];
            let found = numbers.judge();
            let events = ranges::count(&found.missing).saturating_add(found.uncounted);
            let shed = ranges::count(&found.shed) - found.uncounted;
            verdict.missing_events = verdict.missing_events.saturating_add(events);
            verdict.shed_events = verdict.shed_events.saturating_add(shed);
            if events == 0 {
                continue;
            }
            let mut missing = found.missing;
            if found.uncounted > 0 {
                missing.extend(found.shed);
                missing.sort_unstable();
            }
            missing.truncate(RANGES);
            incomplete.push((events, name, numbers.function.as_ref(), missing));
            // Never more than twice as many as are listed.
            if incomplete.len() == 2 * INSTANCES {
                worst(&mut incomplete);
            }
        }
        worst(&mut incomplete);
        let listed =
            |(events, instance, function, missing): (u64, &str, Option<&String>, _)| Incomplete {
                function: function.map(|it| short(it)),
                instance: short(instance),
                missing,
                events,
            };
        verdict.complete = verdict.metric() == 0;
        verdict.incomplete = incomplete.into_iter().map(listed).collect();
        verdict
    }
}

/// Keeps the instances that miss most events, in this order.
fn worst<A, B>(incomplete: &mut Vec<(u64, &str, A, B)>) {
    incomplete.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    incomplete.truncate(INSTANCES);
}

/// Returns the beginning of a name that anyone may have written.
fn short(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

pub(super) fn time(ms: i64) -> String {
    let ms = u64::try_from(ms).unwrap_or_default().min(LATEST_MS);
    let time = UNIX_EPOCH + Duration::from_millis(ms);
    humantime::format_rfc3339_millis(time).to_string()
}
