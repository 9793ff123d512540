//! A Lambda extension that delivers a function's telemetry to a Kinesis data stream.
//!
//! ```text
//!  Telemetry API ──POST──▶ listener ──bodies──▶ intake ──events──▶ queue ──pack──▶ dispatcher ──▶ kinesis
//!                           200 at once          seq, source        │ bounded       retries only failed records
//!                                                                   ├──▶ spill: a file in /tmp, when memory or time is short
//!                                                                   └──▶ sqs: dead letters, which the stream does not accept
//!  Extensions API ──INVOKE, SHUTDOWN──▶ run ──▶ lifecycle, flush, deadline: "deliver until then", then next
//! ```
//!
//! The modules form layers, and imports only go down. [`control`] (from the environment to the only loop) uses
//! [`ingest`] (bodies to numbered events). That uses [`delivery`] (records to Kinesis and SQS) and [`report`]
//! (metrics). These use [`policy`] (pure: when, and how long) and [`buffer`] (queued events within bounds), then
//! [`pack`] (events to records to requests), then [`event`], [`lambda`] (the Extensions and Telemetry APIs) and
//! [`base`] (clock, log, randomness).

mod base;
mod buffer;
mod control;
mod delivery;
mod event;
mod ingest;
mod lambda;
mod pack;
mod policy;
mod report;

// The program.
pub use control::main;

// The API for benchmarks, fuzzers, models and tests of this repository. No other crate depends on this one.
pub use base::clock::Moment;
pub use base::random::new_instance;
pub use buffer::ledger::Ledger;
pub use buffer::memory_budget::{BufferedBody, MemoryBudget};
pub use buffer::queue::{Destination, Queue};
pub use buffer::spill::{Read, Spill, SpillSettings, adopt};
pub use control::Environment;
pub use delivery::aws::credentials::Origin;
pub use delivery::aws::{Access, Connector, Roots};
pub use delivery::dispatcher::{Dispatcher, Outcome, Route};
pub use event::level::Importance;
pub use event::{Event, Source};
pub use ingest::intake::{Accepted, Intake};
pub use ingest::listener::Listener;
pub use ingest::selection::Selection;
pub use pack::partition_keys::PartitionKeys;
pub use pack::sink::{Answer, Failure, Sink};
pub use pack::{Limits, Packer, Packing, Record, Scope};
pub use policy::flush::{Backlog, Policy};
pub use policy::lifecycle::Event as LifecycleEvent;
