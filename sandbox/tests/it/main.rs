//! The sandbox as Lambda, as the callers of its APIs see it.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

mod client;
mod credentials;
mod faults;
mod folder;
mod foreign;
mod kinesis;
mod lifecycle;
mod modes;
mod producer;
mod program;
mod refusals;
mod shards;
mod sqs;
mod telemetry;
mod telemetry_captures;
