//! Limits of a record's content, which consumers hold against every record and the extension keeps by construction.
//!
//! Any function that may write to the stream can write any bytes, so a consumer bounds its time and memory by them. The
//! consumers state the same numbers (`consumers_agree_on_the_format`).

/// Most bytes of a record after decompression. The extension packs at most 4 MiB into a record, or a single event of at
/// most [`RECORD_BYTES_MAX`](crate::limits::RECORD_BYTES_MAX).
pub const INFLATED_BYTES: usize = 16 * 1024 * 1024;
/// Most lines of a record, which may be spread over the records of an aggregate.
pub const LINES: usize = 50_000;
/// Most events that the extension packs into a record: fewer than [`LINES`], because older consumers may allow fewer.
pub const EVENTS: usize = 40_000;
/// Largest `seq`: the largest integer that every JSON parser reads exactly (RFC 8259, section 6).
pub const NUMBER: u64 = (1 << 53) - 1;
/// Most parts of an event. The largest event has about 6,000 parts with the smallest `MAX_RECORD_BYTES`.
pub const PARTS: u32 = 65_536;
/// Most bytes of `source`. Lambda bounds all environment variables together, and so every label, to 4 KiB.
pub const SOURCE_BYTES: usize = 16_384;
