//! A Lambda extension that delivers a function's telemetry to a Kinesis data stream.
//!
//! ```text
//!  Telemetry API ──POST──▶ listener ──bodies──▶ intake ──events──▶ queue ──pack──▶ dispatcher ──▶ kinesis
//!                           200 at once          seq, source        │ bounded       only what failed, again
//!                                                                   ├──▶ spill: a file in /tmp, for want of memory or time
//!                                                                   └──▶ sqs: dead letters, what the stream does not take
//!  Extensions API ──INVOKE, SHUTDOWN──▶ run ──▶ lifecycle, flush, deadline: "deliver until then", then next
//! ```
//!
//! The rooms are layers, and imports only go down: [`control`] (from an environment to the only loop) uses [`ingest`]
//! (bodies to numbered events), which uses [`delivery`] (records to Kinesis and SQS) and [`report`] (ledgers, metrics); these use
//! [`policy`] (pure: when, and how long) and [`buffer`] (queued events within bounds), then [`pack`] (events to records to
//! requests), then [`event`], [`lambda`] (the Extensions and Telemetry APIs) and [`base`] (clock, log, randomness).

pub mod base;
pub mod buffer;
pub mod control;
pub mod delivery;
pub mod event;
pub mod ingest;
pub mod lambda;
pub mod pack;
pub mod policy;
pub mod report;
