//! Checks combinations of settings that are each valid but conflict with each other.

use std::collections::BTreeMap;

use crate::ENV_PREFIX;
use crate::choices::{Compression, Envelope, Flush};
use crate::packing::Combination;
use crate::params::Config;
use crate::params::variable::{
    FLUSH_TIMEOUT_MS, LABELS, MAX_RECORD_BYTES, RECORD_FORMAT, SAMPLE, TYPES,
};
use crate::problem::Problem;
use crate::selection::Sample;
use crate::types::Wanted;

/// Returns the settings that exclude each other. The format wins, and the others are set to their defaults.
pub(crate) fn exclusions(config: &mut Config) -> Vec<Problem> {
    let combination = Combination::of(config.record_format);
    let format = config.record_format.word();
    let mut problems = Vec::new();
    let mut exclude = |name: &str, value: &str, used: &str| {
        problems.push(Problem {
            variable: format!("{ENV_PREFIX}{name}"),
            value: value.to_owned(),
            wrong: format!("not possible with {RECORD_FORMAT}={format}"),
            remedy: format!("remove one of the two; {used} is used until then"),
        });
    };
    if !combination.compressions.contains(&config.compression) {
        exclude("COMPRESSION", config.compression.word(), Compression::None.word());
        config.compression = Compression::None;
    }
    if !combination.envelopes.contains(&config.envelope) {
        exclude("ENVELOPE", config.envelope.word(), Envelope::Event.word());
        config.envelope = Envelope::Event;
    }
    problems
}

/// Returns the settings that conflict with another one, of those that are set. Each value is used as it was set.
pub(crate) fn conflicts(config: &Config, ours: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let (Some(_), Envelope::None) = (&config.labels, config.envelope) {
        problems.push(Problem {
            variable: LABELS.to_owned(),
            value: "set".to_owned(),
            wrong: "no effect, because events carry no identity (ENVELOPE=none)".to_owned(),
            remedy: "remove it, or choose another envelope".to_owned(),
        });
    }
    if config.sample != Sample::All && config.types.wanted("function") == Wanted::Never {
        problems.push(Problem {
            variable: SAMPLE.to_owned(),
            value: ours.get("SAMPLE").cloned().unwrap_or_default(),
            wrong: format!(
                "no effect on the function's log lines, because {TYPES} does not select them"
            ),
            remedy: format!("remove it, or add function to {TYPES}"),
        });
    }
    let mut report = |name: &str, value: u64, wrong: String, remedy: &str| {
        if !ours.contains_key(name) {
            return;
        }
        problems.push(Problem {
            variable: format!("{ENV_PREFIX}{name}"),
            value: value.to_string(),
            wrong,
            remedy: remedy.to_owned(),
        });
    };
    let (buffer, flush) = (config.buffer_timeout.0, config.flush_timeout.0);
    if config.flush != Flush::Start && buffer > flush {
        report(
            "BUFFER_TIMEOUT_MS",
            buffer,
            format!(
                "above {FLUSH_TIMEOUT_MS}={flush}, so every invocation waits longer for its telemetry to arrive than for its delivery"
            ),
            "lower it, or set FLUSH=start",
        );
    }
    let (target, max) = (config.target_record_bytes.0, config.max_record_bytes.0);
    if target > max {
        report(
            "TARGET_RECORD_BYTES",
            target,
            format!("above {MAX_RECORD_BYTES}={max}, so records are filled to that limit"),
            "lower it, or remove it",
        );
    }
    if let Some(queue) = config.queue_max_bytes.map(|it| it.0).filter(|queue| *queue < 2 * max) {
        report(
            "QUEUE_MAX_BYTES",
            queue,
            format!("below twice {MAX_RECORD_BYTES}={max}, so one record can fill the queue"),
            "raise it, or lower the other",
        );
    }
    if config.max_request_bytes.0 < max {
        report(
            "MAX_REQUEST_BYTES",
            config.max_request_bytes.0,
            format!("below {MAX_RECORD_BYTES}={max}, so a request takes one record of that size"),
            "raise it, or lower the other",
        );
    }
    problems
}
