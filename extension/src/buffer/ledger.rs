//! Counts that must balance: every event was delivered, discarded or handed over, or is still held.

use std::fmt;

use serde_json::json;

use crate::buffer::ranges::Ranges;

/// Counts the events of this process by what happened to them. Events are counted whole, however many parts or records
/// they take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Events read from Lambda, whatever happened to them.
    pub read: u64,
    /// Events that were numbered and queued.
    pub received: u64,
    /// The extension's own events, which are ledgers.
    pub own: u64,
    /// Events left by an earlier process and adopted under their original numbers.
    pub adopted: u64,
    /// Events that were not numbered, because `TYPES` does not select them or because they are the extension's own log
    /// lines.
    pub filtered: u64,
    /// Events that Kinesis acknowledged.
    pub delivered: u64,
    /// Events that the dead-letter queue accepted.
    pub dead_lettered: u64,
    /// Events that were discarded, by reason.
    pub shed: Shed,
    /// Events left in the spill file for the next process.
    pub handed_over: u64,
    /// Batches of telemetry that were too large to read, with unknown content.
    pub refused_batches: u64,
    /// Log lines that the platform dropped, as it reports.
    pub logs_dropped: LogsDropped,
    /// Lines without a number, if the settings select invocations.
    pub selected: Option<Selected>,
}

/// Lines and invocations that the selection has not delivered, or not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Ordinary invocations outside the sample.
    pub sampled_out_invocations: u64,
    /// The lines of these invocations.
    pub sampled_out_events: u64,
    /// The bytes of these lines.
    pub sampled_out_bytes: u64,
    /// Lines that await a decision.
    pub undecided: u64,
    /// Discarded invocations for which a line that would have kept them came too late.
    pub late_remarkable: u64,
}

/// Events that were discarded. The log reports each of them as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// The bounds of memory and of the spill file were reached.
    pub memory: u64,
    /// Kinesis rejects this record for good.
    pub refused: u64,
    /// The spill file could not be read back.
    pub unreadable: u64,
    /// The environment ended before they could be delivered.
    pub end: u64,
    /// The numbers of those that this process numbered.
    pub ranges: Ranges,
}

/// Totals of the `platform.logsDropped` events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsDropped {
    /// The number of log lines.
    pub records: u64,
    /// The bytes of these lines.
    pub bytes: u64,
}

impl LogsDropped {
    /// Adds one more event.
    pub fn add(&mut self, more: Self) {
        self.records += more.records;
        self.bytes += more.bytes;
    }
}

impl Ledger {
    /// True if the counts agree with the number of events that are held.
    pub fn balances(&self, held: u64) -> bool {
        self.received + self.own + self.adopted
            == self.delivered + self.dead_lettered + self.shed.total() + self.handed_over + held
    }

    /// True if every event that was read was numbered or has a reason not to be.
    pub fn balances_read(&self) -> bool {
        let selected = self.selected.unwrap_or_default();
        self.read
            == self.received + self.filtered + selected.sampled_out_events + selected.undecided
    }

    /// Returns the ledger as the `record` of an event. It covers the numbers of `instance` up to and including `seq`,
    /// of which `held` are queued.
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
    /// Returns the sum over all reasons.
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
