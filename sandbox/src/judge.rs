//! Judges which log lines of a function had to arrive, where only some invocations are delivered.
//!
//! The judge sees what the platform generated, and the settings. It knows the rule of docs/selecting.md and nothing of the
//! extension's code.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::JournalEntry;

/// The levels of JSON lines, mildest first.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// The settings that select invocations.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The share of ordinary invocations that is delivered, from 0 to 1.
    pub sample: f64,
    /// True if a failed invocation is remarkable.
    pub failed: bool,
    /// The mildest level that makes an invocation remarkable: 0 for trace to 5 for fatal.
    pub level: Option<u8>,
    /// The run, in milliseconds, beyond which an invocation is remarkable.
    pub slow_ms: Option<f64>,
}

/// An invocation as the platform saw it.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Its X-Ray root trace id, or its request id without one.
    pub id: String,
    /// The start of the invocation, in milliseconds since 1970.
    pub start_ms: u64,
    /// The status of its function; none if the platform never stated one. Then every line must arrive.
    pub status: Option<String>,
    /// The run time of the function, in milliseconds.
    pub duration_ms: f64,
    /// True if telemetry went missing while the invocation was undecided, so that every line of it must arrive.
    pub is_kept: bool,
    /// True if telemetry went missing when the invocation may have been undecided, so that every line of it may arrive.
    pub may_be_kept: bool,
}

/// A log line as the function wrote it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its text, different from that of every other line.
    pub text: String,
    /// The index of its invocation; none for a line of init.
    pub invocation: Option<usize>,
    /// The time at which the line was written, in milliseconds since 1970.
    pub time_ms: u64,
    /// Its level, if it states one: 0 for trace to 5 for fatal.
    pub level: Option<u8>,
}

/// The telemetry that an environment generated.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// The invocations in their order.
    pub invocations: Vec<Invocation>,
    /// The lines in any order.
    pub lines: Vec<Line>,
}

/// The differences between the expected and the delivered telemetry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Lines that had to arrive and did not.
    pub missing: Vec<String>,
    /// The invocations of these lines.
    pub incomplete: BTreeSet<usize>,
    /// Lines that arrived although nothing allowed it.
    pub leaked: Vec<String>,
    /// The number of lines that had no reason to arrive.
    pub ordinary: usize,
}

impl Judge {
    /// Reads what an environment generated, in that order. Levels are read from JSON lines alone.
    pub fn of<'a>(journal: impl IntoIterator<Item = &'a JournalEntry>) -> Self {
        let mut judge = Self::default();
        for entry in journal {
            let text = entry.event.get();
            let event: Value = serde_json::from_str(text).expect("the sandbox generates JSON");
            let record = &event["record"];
            let of_record = |name: &str| record[name].as_str().map(str::to_owned);
            let time_ms = milliseconds(event["time"].as_str().unwrap_or_default());
            match event["type"].as_str() {
                Some("platform.start") => {
                    let trace = record["tracing"]["value"].as_str().unwrap_or_default();
                    let mut members = trace.split(';');
                    let root = members.find_map(|member| member.strip_prefix("Root="));
                    let id = root.map(str::to_owned).or_else(|| of_record("requestId"));
                    let (id, start_ms) = (id.unwrap_or_default(), time_ms);
                    judge.invocations.push(Invocation { id, start_ms, ..Invocation::default() });
                }
                Some("platform.runtimeDone") => {
                    if let Some(last) = judge.invocations.last_mut() {
                        last.status = of_record("status");
                        let duration = &record["metrics"]["durationMs"];
                        last.duration_ms = duration.as_f64().unwrap_or_default();
                    }
                }
                Some("function") => judge.lines.push(Line {
                    text: text.to_owned(),
                    invocation: judge.invocations.len().checked_sub(1),
                    time_ms,
                    level: LEVELS
                        .iter()
                        .zip(0..)
                        .find_map(|(word, level)| (record["level"] == *word).then_some(level)),
                }),
                _ => {}
            }
        }
        judge
    }

    /// Judges what arrived.
    pub fn judge(&self, rules: &Rules, arrived: &BTreeSet<String>) -> Judgement {
        let must: Vec<bool> =
            (0..self.invocations.len()).map(|index| self.must_arrive(rules, index)).collect();
        let mut judgement = Judgement::default();
        for line in &self.lines {
            let has_arrived = arrived.contains(&line.text);
            let is_required = line.invocation.is_none_or(|index| must[index]);
            if is_required {
                if !has_arrived {
                    judgement.missing.push(line.text.clone());
                    judgement.incomplete.extend(line.invocation);
                }
            } else if !self.may_arrive(rules, line, &must) {
                judgement.ordinary += 1;
                if has_arrived {
                    judgement.leaked.push(line.text.clone());
                }
            }
        }
        judgement
    }

    /// True if every line of this invocation must arrive.
    fn must_arrive(&self, rules: &Rules, index: usize) -> bool {
        let invocation = &self.invocations[index];
        let has_level = |line: &Line| line.invocation == Some(index) && is_remarkable(rules, line);
        let has_failed = invocation.status.as_deref().is_some_and(|status| status != "success");
        is_sampled(&invocation.id, rules.sample)
            || invocation.is_kept
            || invocation.status.is_none()
            || (rules.failed && has_failed)
            || rules.slow_ms.is_some_and(|slow| invocation.duration_ms > slow)
            || self.lines.iter().any(has_level)
    }

    /// True if a line of an ordinary invocation may arrive all the same: its outcome is unknown, or a line
    /// that was written within the millisecond of a start may be of either of two invocations.
    fn may_arrive(&self, rules: &Rules, line: &Line, must: &[bool]) -> bool {
        let Some(own) = line.invocation else { return true };
        let is_open = |index: usize| {
            let invocation = &self.invocations[index];
            let may_be_remarkable = |other: &Line| {
                is_remarkable(rules, other) && self.owners_at(other.time_ms).any(|it| it == index)
            };
            must[index] || invocation.may_be_kept || self.lines.iter().any(may_be_remarkable)
        };
        is_open(own) || self.owners_at(line.time_ms).any(is_open)
    }

    /// True if the function of this invocation had finished by then.
    fn has_ended(&self, index: usize, time_ms: u64) -> bool {
        let Invocation { start_ms, duration_ms, status, .. } = &self.invocations[index];
        let elapsed = Duration::from_millis(time_ms.saturating_sub(*start_ms));
        status.is_some() && elapsed.as_secs_f64() * 1_000.0 > *duration_ms
    }

    /// Returns the invocations that a line may belong to by its time: the one that ran, and in the millisecond of its start
    /// the one before.
    fn owners_at(&self, time_ms: u64) -> impl Iterator<Item = usize> {
        let begins = move |index: &usize| self.invocations[*index].start_ms == time_ms;
        let indices = (0..self.invocations.len()).filter(begins);
        let running = self.invocations.iter().rposition(|it| it.start_ms <= time_ms);
        // Between an end and the next start.
        let next = running.filter(|index| self.has_ended(*index, time_ms)).map(|index| index + 1);
        let next = next.filter(|next| *next < self.invocations.len());
        let around = indices.flat_map(|index| [index.checked_sub(1), Some(index)]).flatten();
        around.chain(running).chain(next)
    }
}

/// Returns milliseconds since 1970.
fn milliseconds(time: &str) -> u64 {
    let time = humantime::parse_rfc3339(time).expect("the sandbox states times");
    let since = time.duration_since(std::time::UNIX_EPOCH).expect("which are after 1970");
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn is_remarkable(rules: &Rules, line: &Line) -> bool {
    line.level.zip(rules.level).is_some_and(|(level, lowest)| level >= lowest)
}

/// True if an id is part of the sample: the first eight bytes of its SHA-256 are a fraction of 2^64 below the share.
pub fn is_sampled(id: &str, share: f64) -> bool {
    let hash = Sha256::digest(id);
    let fraction = hash[..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    #[expect(clippy::cast_precision_loss, reason = "a share has fewer digits")]
    let fraction = fraction as f64 / 2_f64.powi(64);
    fraction < share
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { sample: 0.0, failed: true, level: Some(4), slow_ms: Some(100.0) };

    fn invocation(status: &str, duration_ms: f64, start_ms: u64) -> Invocation {
        let status = Some(status.to_owned());
        Invocation { id: "r".to_owned(), start_ms, status, duration_ms, ..Invocation::default() }
    }

    fn line(text: &str, invocation: usize, time_ms: u64, level: u8) -> Line {
        let (text, invocation) = (text.to_owned(), Some(invocation));
        Line { text, invocation, time_ms, level: Some(level) }
    }

    fn judge() -> Judge {
        Judge {
            invocations: vec![
                invocation("success", 10.0, 1_000),
                invocation("error", 10.0, 2_000),
                invocation("success", 101.0, 3_000),
                invocation("success", 10.0, 4_000),
            ],
            lines: vec![
                line("ordinary", 0, 1_005, 2),
                line("failed", 1, 2_005, 2),
                line("at the start of the failed one", 0, 2_000, 2),
                line("slow", 2, 3_005, 2),
                line("an error", 3, 4_001, 4),
                line("next to an error", 3, 4_002, 0),
            ],
        }
    }

    #[test]
    fn lines_of_remarkable_invocations_are_missed() {
        let judgement = judge().judge(&RULES, &BTreeSet::new());
        assert_eq!(judgement.missing, ["failed", "slow", "an error", "next to an error"]);
        assert_eq!(judgement.incomplete, [1, 2, 3].into());
        assert_eq!((judgement.ordinary, judgement.leaked.len()), (1, 0));
    }

    #[test]
    fn only_lines_without_a_reason_leak() {
        let all = judge().lines.into_iter().map(|line| line.text).collect();
        let judgement = judge().judge(&RULES, &all);
        assert_eq!(
            (&*judgement.missing, &*judgement.leaked),
            (&[][..], &["ordinary".to_owned()][..])
        );
    }

    #[test]
    fn a_share_is_decided_by_the_hash_of_the_id() {
        // `printf 1-5759e988-bd862e3fe1be46a994272793 | sha256sum` begins with ea21, which is 0.9145 of 2^16.
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        assert!(is_sampled(id, 0.9147) && !is_sampled(id, 0.9145));
        let ids = (0..10_000).map(|n| format!("id-{n}"));
        let sampled = ids.filter(|id| is_sampled(id, 0.05)).count();
        assert!((400..600).contains(&sampled), "{sampled}");
    }
}
