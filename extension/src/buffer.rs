//! Queued events and records, within bounds of memory and of a spill file, and the ledger that must balance.

pub mod ledger;
pub mod memory_budget;
pub mod queue;
pub mod ranges;
pub mod spill;
pub mod stats;
