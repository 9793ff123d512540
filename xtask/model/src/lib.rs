//! Models that run the extension's own code without a Lambda and without AWS.
//!
//! The binaries print tables that documents quote: `costs` (docs/cost.md) and `simulation` (docs/flushing.md). `fixtures` writes
//! records for the tests of `consumers`. [`typical`] makes the events that all of them use.

#![allow(missing_docs, reason = "a tool of this repository; each module says what it computes")]

pub mod flow;
pub mod life;
pub mod logged;
pub mod million;
pub mod price;
pub mod typical;
