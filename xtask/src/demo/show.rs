//! The demo's result, for people and for machines. Pure.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

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

/// What to type while the emulator goes on running.
pub(super) fn how_to_read(stream: &str, environment: &[(&str, String)], id: i32) -> String {
    let assignments: Vec<String> =
        environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "kinesis-local goes on running as process {id}; end it with\n  \
           kill {id}\n\
         read the stream with\n  \
           export {}\n  \
           cargo run --quiet --package xtask-aws -- read --stream {stream}\n\
         or with the AWS CLI (its Data is base64)\n  \
           aws kinesis get-records --shard-iterator \"$(aws kinesis get-shard-iterator \\\n    \
             --stream-name {stream} --shard-id shardId-000000000000 \\\n    \
             --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)\"",
        assignments.join(" ")
    )
}
