//! Limits of a record, and the types of events that the extension adds.
//!
//! The consumers in Python and Node state the same numbers, and the extension keeps to them (`consumers_agree_on_the_format`).

/// Most bytes of a record after decompression. The extension packs at most 4 MiB into a record, or a single event of at most
/// 10 MiB.
pub(crate) const MAX_INFLATED_BYTES: usize = 16 * 1024 * 1024;
/// Most lines of a record, which may be spread over the records of an aggregate. The extension packs at most 40,000.
pub(crate) const MAX_LINES: usize = 50_000;
/// Largest `seq`: the largest integer that every JSON parser reads exactly (RFC 8259, section 6).
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;
/// Most parts of an event. The largest event has about 6,000 parts with the smallest `MAX_RECORD_BYTES`.
pub(crate) const MAX_PARTS: u32 = 65_536;
/// Most bytes of `source`. Lambda bounds all environment variables together, and so every label, to 4 KiB.
pub(crate) const MAX_SOURCE_BYTES: usize = 16_384;

/// One piece of an event that is too large for a record.
pub(crate) const PART: &str = "kinesis-telemetry.part";
/// The first line of a record whose events carry no `source` of their own.
pub(crate) const RECORD: &str = "kinesis-telemetry.record";
/// An account of what the extension has done with the events of its instance so far.
pub(crate) const LEDGER: &str = "kinesis-telemetry.ledger";
