//! Types of the events that the extension itself adds to the stream.

/// What starts every type of ours.
pub const PREFIX: &str = "kinesis-telemetry.";
/// Input that is no JSON, or no event: delivered wrapped, never dropped.
pub const QUARANTINE: &str = "kinesis-telemetry.quarantine";
/// One piece of an event that is too large for a record.
pub const PART: &str = "kinesis-telemetry.part";
/// The first line of a record whose events carry no `source` of their own.
pub const RECORD: &str = "kinesis-telemetry.record";
/// What the extension has done with the events of its instance so far.
pub const LEDGER: &str = "kinesis-telemetry.ledger";
