//! The sizes of records and requests.

use extension_spec::{Config, limits};

/// The limits on a record and on a request. Bytes are counted as Kinesis counts them: data before base64, plus the
/// partition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest record, in bytes.
    pub record_bytes: usize,
    /// The size at which a record counts as full, in bytes.
    pub target_bytes: usize,
    /// The maximum number of bytes of events in a record before compression. It bounds the memory of the extension and
    /// of consumers.
    pub inflated_bytes: usize,
    /// The largest request, in bytes.
    pub request_bytes: usize,
    /// The maximum number of records in a request.
    pub request_records: usize,
}

/// The maximum number of bytes that a Firehose transformation can return in base64, and that any consumer can hold.
const MOST_INFLATED: usize = 4 * 1024 * 1024;

impl Limits {
    /// Returns the limits of these settings for a queue of `queue_bytes`. A target above the record limit is lowered to
    /// it. A request holds at least one record.
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
