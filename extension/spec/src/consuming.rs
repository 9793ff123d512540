//! Limits on the content of a record. Consumers reject records beyond them, and the extension never exceeds them.
//!
//! Any function that may write to the stream can write any bytes, so these limits bound a consumer's time and memory.
//! The consumers in Python and Node state the same numbers (`consumers_agree_on_the_format`).

/// The largest size of a record after decompression, in bytes. The extension packs at most 4 MiB into a record, or a
/// single event of at most [`RECORD_BYTES_MAX`](crate::limits::RECORD_BYTES_MAX).
pub const INFLATED_BYTES: usize = 16 * 1024 * 1024;
/// The maximum number of lines in a record. With aggregation they may be spread over the inner records.
pub const LINES: usize = 50_000;
/// The maximum number of events that the extension packs into a record. It is below [`LINES`] because older consumers
/// may allow fewer.
pub const EVENTS: usize = 40_000;
/// The largest `seq`: the largest integer that every JSON parser reads exactly (RFC 8259, section 6).
pub const NUMBER: u64 = (1 << 53) - 1;
/// The maximum number of parts of an event. The largest event has about 6,000 parts with the smallest
/// `MAX_RECORD_BYTES`.
pub const PARTS: u32 = 65_536;
/// The largest `source`, in bytes. Lambda limits all environment variables together to 4 KiB, and so every label.
pub const SOURCE_BYTES: usize = 16_384;
