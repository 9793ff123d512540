//! The demo's result, for people and for machines. Pure.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::Options;
use super::reports::Report;
use super::timeline;
use super::verification::Verification;

pub(super) fn text(reports: &[Report], verification: &Verification, troubles: &[String]) -> String {
    let timeline = timeline::draw(reports, |request| verification.delivered_ms(request));
    let mut text = format!("{timeline}\n{}", verification.text);
    for trouble in troubles {
        _ = write!(text, "\nNOT AS IT SHOULD BE: {trouble}\n");
    }
    text
}

/// The same facts as one document.
pub(super) fn json(
    reports: &[Report],
    verification: &Verification,
    troubles: &[String],
) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        timeline: &'a [Report],
        verification: &'a Value,
        troubles: &'a [String],
    }
    let document = Document { timeline: reports, verification: &verification.facts, troubles };
    serde_json::to_string_pretty(&document).context("the result makes no JSON")
}

/// From here on kinesis-local may need longer than Lambda leaves to the extension.
const MUCH_BYTES: u64 = 1 << 20;
/// About what an event has beside the line itself.
const ENVELOPE_BYTES: u64 = 160;

/// What may be the reason if something did not arrive: more was asked for than this machine takes.
pub(super) fn hint(options: &Options) -> Option<String> {
    let Options { lines, bytes, .. } = options;
    let asked = u64::from(*lines) * (u64::from(*bytes) + ENVELOPE_BYTES);
    (asked > MUCH_BYTES).then(|| {
        format!(
            "{lines} lines of {bytes} bytes an invocation may be more than kinesis-local takes in the \
             seconds that Lambda leaves to the extension; with fewer lines it keeps up"
        )
    })
}

/// What to type while the emulator goes on running.
pub(super) fn how_to_read(stream: &str, environment: &[(&str, String)], id: i32) -> String {
    let assignments: Vec<String> =
        environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "kinesis-local goes on running as process {id}; end it with\n  \
           kill {id}\n\
         read the stream with\n  \
           export {}\n  \
           cargo run --quiet --package kinesis-telemetry-stream -- read --stream {stream}\n\
         or with the AWS CLI (its Data is base64)\n  \
           aws kinesis get-records --shard-iterator \"$(aws kinesis get-shard-iterator \\\n    \
             --stream-name {stream} --shard-id shardId-000000000000 \\\n    \
             --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)\"",
        assignments.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::{Options, hint};

    #[test]
    fn only_a_request_for_much_telemetry_is_named_as_a_possible_reason() {
        let with =
            |lines, bytes| hint(&Options { invocations: 1, lines, bytes, ..Options::default() });
        assert_eq!(with(10, 120), None);
        assert_eq!(with(1000, 120), None);
        assert!(with(100_000, 120).unwrap().starts_with("100000 lines of 120 bytes an invocation"));
        assert!(with(100_000, 262_144).is_some());
    }
}
