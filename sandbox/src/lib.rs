//! A Lambda execution environment on this machine, and faults for it.
//!
//! A [`Sandbox`] starts an extension and a function as real processes, with only the environment that Lambda gives each
//! of them, and serves them the Runtime, Extensions and Telemetry APIs with the replies, limits, order and timing of
//! Lambda, in each [`Mode`]: it freezes them between invocations, delivers `platform.report` of one invocation during the next, or before
//! the end, ends them with SHUTDOWN and SIGKILL, and resets the environment after a timeout or a crash. Beside it stands
//! a small [`Kinesis`] that enforces the real limits, refuses what a script or a seed tells it to refuse, and knows
//! what is in flight when; a small [`Sqs`], for what Kinesis never took; and an endpoint for [`Credentials`].
//!
//! It speaks HTTP only and links no extension, so it runs any extension, in any language. What it does not model: the
//! network's latency, and the CPU share of a small function. [`Sandbox::pass`] lets hours pass in a freeze, by one clock or
//! by both. `extension/tests/it/rie` holds it against AWS's own emulator, and says where it is meant to differ.
//!
//! - [`Options`] says what to run and how the platform behaves.
//! - [`Report`] is what happened in init, an invocation or shutdown.
//! - [`Remote`] looks into an environment while it is busy, and plays the parts that have no process.
//! - [`Recording::journal`] is the ground truth of telemetry: every event that was generated for an extension, and
//!   whether the extension acknowledged it.

mod api;
mod aws;
mod clock;
pub mod credentials;
mod environment;
mod http;
mod in_flight;
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
