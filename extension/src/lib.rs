//! A Lambda extension that delivers a function's telemetry to a Kinesis data stream.
//!
//! ```text
//!  Telemetry API ──POST──▶ listener ──bodies──▶ intake ──events──▶ queue ──pack──▶ dispatcher ──▶ kinesis
//!                           200 at once          seq, source        │ bounded       only what failed, again
//!  Extensions API ──INVOKE, SHUTDOWN──▶ run ──▶ lifecycle, flush, deadline: "deliver until then", then next
//! ```
//!
//! Pure, and tested as such: [`lifecycle`] (what to do), [`flush`] (when), [`deadline`] (how long), [`intake`],
//! [`attribution`], [`event`] and [`pack`] (bytes to events to records to requests), [`ledger`] (counts that must balance), [`backoff`], [`breaker`].
//! Touching the world: [`lambda`] (the Extensions and Telemetry APIs), [`listener`], [`kinesis`], [`log`], [`chance`].
//! Between them: [`queue`] and [`pressure`] (what waits, within a bound), [`dispatcher`] (sends it), [`run`] (the only
//! loop), [`start`] (the parts, put together), [`config`] (the environment).

pub mod attribution;
pub mod backoff;
pub mod breaker;
pub mod chance;
pub mod config;
pub mod deadline;
pub mod dispatcher;
pub mod event;
pub mod flush;
pub mod intake;
pub mod kinesis;
pub mod lambda;
pub mod ledger;
pub mod lifecycle;
pub mod listener;
pub mod log;
pub mod pack;
pub mod pressure;
pub mod queue;
pub mod run;
pub mod start;
