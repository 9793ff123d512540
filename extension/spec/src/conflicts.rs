//! Settings that are each fine and work against each other.

use crate::ENV_PREFIX;
use crate::params::Config;
use crate::params::variable::{FLUSH_TIMEOUT_MS, MAX_RECORD_BYTES};
use crate::problem::Problem;
use crate::value::Flush;

/// What somebody has set that does not fit with the rest. Nothing is changed for it: each value is used as set.
pub(crate) fn conflicts(config: &Config, is_set: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |name: &str, value: u64, wrong: String, remedy: &str| {
        if !is_set(name) {
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
    if config.flush == Flush::End && buffer > flush {
        report(
            "BUFFER_TIMEOUT_MS",
            buffer,
            format!(
                "above {FLUSH_TIMEOUT_MS}={flush}, so every invocation waits longer for its telemetry than for its delivery"
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
    problems
}
