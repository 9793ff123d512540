//! The commands against a server of ours that says what a test has it say: what AWS says rarely, and no emulator does.

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
