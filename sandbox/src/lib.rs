//! A Lambda execution environment on this machine, with a fake Kinesis and SQS that inject faults.
//!
//! A [`Sandbox`] starts extensions and a function as real processes, with only the environment variables that Lambda gives
//! each of them. It serves them the Runtime, Extensions and Telemetry APIs with Lambda's replies, limits, order and timing, in
//! each [`Mode`]. It freezes the processes between invocations, delivers `platform.report` of one invocation during the next
//! one or before the end, ends processes with SHUTDOWN and SIGKILL, and resets the environment after a timeout or a crash.
//!
//! - [`Options`] selects what to run and how the platform behaves.
//! - [`Report`] is the result of init, an invocation or shutdown.
//! - [`Remote`] looks into an environment while it is busy, and plays programs that have no process.
//! - [`Recording::journal`] is the ground truth of telemetry: every event that was generated for an extension, and whether the
//!   extension acknowledged it.
//! - [`Kinesis`] is a stream that enforces the service's limits, fails requests by script or by seed ([`kinesis::faults`]), and
//!   tracks which requests are in flight. [`Sqs`] is a queue for dead letters.
//! - [`Credentials`] is the endpoint from which functions with `SnapStart` read their keys.
//!
//! The sandbox speaks HTTP and links no extension, so it runs any extension in any language. It does not model network latency
//! or the CPU share of a small function. [`Sandbox::pass`] lets hours pass in a freeze, by one clock or by both.
//! `extension/tests/it/rie` compares the sandbox with AWS's own emulator, and lists the intended differences. The README
//! shows how to run it.

mod api;
mod aws;
mod clock;
pub mod credentials;
mod environment;
mod http;
mod in_flight;
pub mod judge;
pub mod kinesis;
mod lines;
mod lock;
mod options;
mod process;
mod report;
mod sandbox;
pub mod sqs;
mod state;
mod telemetry;

pub use clock::Pause;
pub use credentials::Credentials;
pub use kinesis::Kinesis;
pub use options::{LogFormat, Mode, Options, Program};
pub use report::{Exit, Init, Invocation, Report, Shutdown, Status};
pub use sandbox::{Recording, Remote, Sandbox};
pub use sqs::Sqs;
pub use telemetry::JournalEntry;
