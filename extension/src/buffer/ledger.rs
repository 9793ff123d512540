//! Counts that must balance: whatever came in was delivered, was given up, was handed over, or is still held.

use std::fmt;

use serde_json::json;

use crate::buffer::ranges::Ranges;

/// What happened to the events of this process. Events are counted whole, however many parts or records they take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Read from Lambda, whatever became of it.
    pub read: u64,
    /// Numbered and taken in.
    pub received: u64,
    /// Our own events, ledgers that is.
    pub own: u64,
    /// Left by a process before us, and taken over under the numbers that it gave them.
    pub adopted: u64,
    /// Not wanted (`TYPES`), or our own log lines: never numbered.
    pub filtered: u64,
    /// Acknowledged by Kinesis.
    pub delivered: u64,
    /// Taken by the dead-letter queue.
    pub dead_lettered: u64,
    /// Given up, by reason.
    pub shed: Shed,
    /// Left in the spill file for the process that comes after us.
    pub handed_over: u64,
    /// Batches of telemetry that were too large to be read: nobody knows what was in them.
    pub refused_batches: u64,
    /// What the platform says it has dropped itself.
    pub logs_dropped: LogsDropped,
    /// Lines without a number, if the settings select invocations.
    pub selected: Option<Selected>,
}

/// What the selection of invocations has not delivered, or not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Ordinary invocations outside of the sample.
    pub sampled_out_invocations: u64,
    /// Their lines.
    pub sampled_out_events: u64,
    /// The bytes of these lines.
    pub sampled_out_bytes: u64,
    /// Lines that wait for a decision.
    pub undecided: u64,
    /// Discarded invocations of which a line that would have kept them came late.
    pub late_remarkable: u64,
}

/// Events that were given up. Every one was said in the log as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// The bounds of memory and of the spill file were reached.
    pub memory: u64,
    /// Kinesis refuses this very record, whatever is tried.
    pub refused: u64,
    /// The spill file could not be read again.
    pub unreadable: u64,
    /// The environment ended before they could be delivered anywhere.
    pub end: u64,
    /// Which events of this process they were.
    pub ranges: Ranges,
}

/// Sums over the events `platform.logsDropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsDropped {
    /// Log lines.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl LogsDropped {
    /// One more such event.
    pub fn add(&mut self, more: Self) {
        self.records += more.records;
        self.bytes += more.bytes;
    }
}

impl Ledger {
    /// Whether the counts agree with what is held in fact.
    pub fn balances(&self, held: u64) -> bool {
        self.received + self.own + self.adopted
            == self.delivered + self.dead_lettered + self.shed.total() + self.handed_over + held
    }

    /// True if every event that was read was numbered, or has a reason to have no number.
    pub fn balances_read(&self) -> bool {
        let selected = self.selected.unwrap_or_default();
        self.read
            == self.received + self.filtered + selected.sampled_out_events + selected.undecided
    }

    /// As the `record` of an event: all of `instance` up to and with number `seq`, of which `held` wait.
    pub fn record(&self, instance: &str, seq: u64, held: u64) -> serde_json::Value {
        let Self { received, own, adopted, filtered, delivered, dead_lettered, shed, .. } = self;
        let mut record = json!({
            "instance": instance,
            "upTo": seq,
            "extension": crate::base::VERSION,
            "received": received,
            "own": own,
            "adopted": adopted,
            "filtered": filtered,
            "delivered": delivered,
            "deadLettered": dead_lettered,
            "shed": {
                "memory": shed.memory,
                "refused": shed.refused,
                "unreadable": shed.unreadable,
                "end": shed.end,
            },
            "handedOver": self.handed_over,
            "held": held,
            "refusedBatches": self.refused_batches,
            "shedRanges": shed.ranges.record(),
            "logsDropped": {
                "records": self.logs_dropped.records,
                "bytes": self.logs_dropped.bytes,
            },
        });
        if let (Some(selected), Some(members)) = (self.selected, record.as_object_mut()) {
            members.insert("read".to_owned(), self.read.into());
            members.insert("undecided".to_owned(), selected.undecided.into());
            members.insert("lateRemarkable".to_owned(), selected.late_remarkable.into());
            let sampled_out = json!({
                "invocations": selected.sampled_out_invocations,
                "events": selected.sampled_out_events,
                "bytes": selected.sampled_out_bytes,
            });
            members.insert("sampledOut".to_owned(), sampled_out);
        }
        record
    }
}

impl Shed {
    /// All reasons together.
    pub fn total(&self) -> u64 {
        self.memory + self.refused + self.unreadable + self.end
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, own, adopted, filtered, delivered, dead_lettered, shed, .. } = self;
        write!(f, "received {received}, own {own}, adopted {adopted}, delivered {delivered}, ")?;
        write!(f, "dead-lettered {dead_lettered}, shed {} (", shed.total())?;
        write!(f, "memory {}, refused {}, ", shed.memory, shed.refused)?;
        write!(f, "unreadable {}, end {}), ", shed.unreadable, shed.end)?;
        write!(f, "handed over {}, filtered {filtered}", self.handed_over)?;
        if let Some(Selected { sampled_out_events, undecided, .. }) = self.selected {
            write!(f, ", sampled out {sampled_out_events}, undecided {undecided}")?;
        }
        Ok(())
    }
}
