//! Queued events and records, within bounds of memory and of a spill file, and the ledger that must balance.

pub(crate) mod ledger;
pub(crate) mod memory_budget;
pub(crate) mod queue;
pub(crate) mod ranges;
pub(crate) mod spill;
pub(crate) mod stats;
