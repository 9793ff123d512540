//! A telemetry stream, read as a consumer reads it: `decode` and [`unpack`] know what a consumer must know, [`gather`] judges
//! the numbers of what came, [`stream`] reads; [`mod@verify`] compares a stream with the sandbox's journal.
//!
//! A package of its own because the demo builds it, and little is compiled for it: one SDK.

pub mod aws;
pub mod client;
mod compare;

mod http;
mod journal;
pub mod render;
pub mod report;
pub mod say;
pub mod stream;

pub mod verify;
