//! The sandbox as Lambda, seen by whoever calls its APIs.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

mod client;
mod folder;
mod foreign;
mod kinesis;
mod lifecycle;
mod program;
mod refusals;
mod telemetry;
mod telemetry_captures;
