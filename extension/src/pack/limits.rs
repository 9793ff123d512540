//! What a record and a request may hold.

use extension_spec::{Config, limits};

/// What a record and a request may hold. Bytes are counted as Kinesis counts them: data before base64, plus the
/// partition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest record.
    pub record_bytes: usize,
    /// Size at which a record counts as full.
    pub target_bytes: usize,
    /// Most bytes of events in a record, however much they shrink: memory of ours until then, and of its consumers.
    pub inflated_bytes: usize,
    /// Largest request.
    pub request_bytes: usize,
    /// Most records in a request.
    pub request_records: usize,
}

/// What a Firehose transformation can hand back in base64, and what any consumer can hold.
const MOST_INFLATED: usize = 4 * 1024 * 1024;

impl Limits {
    /// From the settings, for a queue of so many bytes. A target above the limit is the limit; a request takes at least
    /// one record.
    pub fn new(config: &Config, queue_bytes: usize) -> Self {
        let record_bytes = config.max_record_bytes.size();
        let target_bytes = config.target_record_bytes.size().min(record_bytes);
        Self {
            record_bytes,
            target_bytes,
            inflated_bytes: MOST_INFLATED.min(queue_bytes / 4),
            request_bytes: config.max_request_bytes.size().max(record_bytes),
            request_records: limits::PUT_RECORDS,
        }
    }
}
