//! Types of the events that the extension itself adds to the stream.

/// The prefix of every type that the extension adds.
pub const PREFIX: &str = "kinesis-telemetry.";
/// Input that is not JSON or not an event. It is wrapped and delivered, never dropped.
pub const QUARANTINE: &str = "kinesis-telemetry.quarantine";
/// One part of an event that is too large for a record.
pub const PART: &str = "kinesis-telemetry.part";
/// The first line of a record whose events carry no `source` of their own.
pub const RECORD: &str = "kinesis-telemetry.record";
/// A summary of the instance's events so far: received, delivered and lost.
pub const LEDGER: &str = "kinesis-telemetry.ledger";
