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
//! Pure, and tested as such: [`lifecycle`] (what to do), [`flush`] (when), [`deadline`] (how long), [`intake`],
//! [`attribution`], [`event`] and [`pack`] (bytes to events to records to requests), [`keys`] (which shard), [`level`] (how
//! important), [`ledger`] and [`ranges`] (counts that must balance), [`stats`] and [`metrics`], [`backoff`], [`breaker`].
//! Touching the world: [`lambda`] (the Extensions and Telemetry APIs), [`listener`], [`kinesis`] and [`sqs`] through
//! [`aws`], [`spill`] (a file), [`log`], [`chance`], [`clock`], [`fault`], [`lazy`].
//! Between them: [`queue`] and [`pressure`] (what waits, within bounds), [`dispatcher`] (sends it to a [`sink`]), [`run`]
//! (the only loop), [`start`] (the parts, put together), [`config`] (the environment).

// What reads the records of the whole process in `tests/it` reads those of unit tests, too.
#[cfg(test)]
#[path = "../tests/it/consumer.rs"]
mod consumer;

pub mod attribution;
pub mod aws;
pub mod backoff;
pub mod breaker;
pub mod chance;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod dispatcher;
pub mod event;
pub mod fault;
pub mod flush;
pub mod intake;
pub mod keys;
pub mod kinesis;
pub mod lambda;
pub mod lazy;
pub mod ledger;
pub mod level;
pub mod lifecycle;
pub mod listener;
pub mod log;
pub mod metrics;
pub mod pack;
pub mod pressure;
pub mod queue;
pub mod ranges;
pub mod run;
pub mod sink;
pub mod spill;
pub mod sqs;
pub mod start;
pub mod stats;
