//! What the commands make of answers that no emulator gives: refusals, expired positions, shards that are split, too many readers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod refusals;
mod server;
mod tail;

/// The stream of the stage that is deployed.
const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
