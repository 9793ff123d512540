//! Runs the commands against a scripted server, for responses that are rare in AWS and that no emulator gives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod completeness;
mod doctor;
mod environment;
mod fleet;
mod formats;
mod functions;
mod hostile_letters;
mod invoke;
mod pictures;
mod preflight;
mod proxy;
#[cfg(target_os = "linux")]
mod pseudo_terminal;
mod queue;
mod redrive;
mod refusals;
mod server;
mod silence;
mod snapshots;
mod tail;
mod terminal;
mod top;
