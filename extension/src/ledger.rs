//! Counts that must balance: whatever came in was delivered, was shed, or is still held.

use std::fmt;

/// What happened to the events of this process. Events are counted whole, however many parts or records they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Numbered and taken in.
    pub received: u64,
    /// Not wanted (`TYPES`), or our own log lines: never numbered.
    pub filtered: u64,
    /// Acknowledged by Kinesis.
    pub delivered: u64,
    /// Given up, by reason.
    pub shed: Shed,
}

/// Events that were given up. Every one was said in the log as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// The memory bound was reached.
    pub memory: u64,
    /// Kinesis refuses this very record, whatever is tried.
    pub refused: u64,
}

impl Ledger {
    /// Whether the counts agree with what is held in fact.
    pub fn balances(&self, held: u64) -> bool {
        self.received == self.delivered + self.shed.total() + held
    }
}

impl Shed {
    /// All reasons together.
    pub fn total(&self) -> u64 {
        self.memory + self.refused
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, filtered, delivered, shed } = self;
        write!(f, "received {received}, delivered {delivered}, shed {}", shed.total())?;
        write!(f, " (memory {}, refused {}), filtered {filtered}", shed.memory, shed.refused)
    }
}
