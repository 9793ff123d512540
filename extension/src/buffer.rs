//! Queued events and records, bounded in memory and in a spill file, and the ledger that must balance.

pub(crate) mod ledger;
pub(crate) mod memory_budget;
pub(crate) mod queue;
pub(crate) mod ranges;
pub(crate) mod spill;
pub(crate) mod stats;
