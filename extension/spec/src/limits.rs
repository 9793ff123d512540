//! AWS's limits, with their source.

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

/// Telemetry API, "Buffering": `timeoutMs`, in milliseconds.
pub const TELEMETRY_TIMEOUT_MS: (u64, u64) = (25, 30_000);
/// Telemetry API, "Buffering": `maxBytes`.
pub const TELEMETRY_MAX_BYTES: (u64, u64) = (262_144, 1_048_576);
/// Telemetry API, "Buffering": `maxItems`.
pub const TELEMETRY_MAX_ITEMS: (u64, u64) = (1_000, 10_000);
/// Telemetry API, "Subscribing": the port that listeners must not use.
pub const TELEMETRY_RESERVED_PORT: u16 = 9001;
/// Telemetry API, "Subscribing": the versions of the event schema, newest first.
pub const TELEMETRY_SCHEMAS: [&str; 3] = ["2025-01-29", "2022-12-13", "2022-07-01"];

/// Lambda execution environment, "Init phase": longest init of an on-demand function, in milliseconds.
pub const INIT_MS: u64 = 10_000;
/// Lambda, `CreateFunction`, `Timeout`: the longest timeout of a function, in milliseconds.
pub const FUNCTION_TIMEOUT_MS: u64 = 1_800_000;
/// Lambda, `CreateFunction`, `Timeout`: the longest timeout of a function on managed instances, in milliseconds.
/// Synchronous invocations end earlier.
pub const MANAGED_FUNCTION_TIMEOUT_MS: u64 = 5_400_000;
/// `PutRecords`: the maximum number of records in one request.
pub const PUT_RECORDS: usize = 500;
/// `PutRecords`: the largest request in bytes, counting data before base64 and partition keys. AWS raised the limit
/// from 5 MiB in 2025; older regions, partitions and emulators may still reject larger requests.
pub const PUT_REQUEST_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Kinesis, `MaxRecordSizeInKiB`: a stream's default in bytes, counting data before base64 and the partition key.
pub const RECORD_BYTES: u64 = 1024 * 1024;
/// Kinesis, `MaxRecordSizeInKiB`: the largest setting of a stream, in bytes.
pub const RECORD_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Kinesis, `PartitionKey`: the maximum number of Unicode characters. The minimum is 1.
pub const PARTITION_KEY_CHARS: usize = 256;
/// Dead letters: the maximum number of pieces per record that a reader accepts. The largest record makes 55 pieces of
/// base64, because the extension cuts it into messages of 256 KiB. A reader also accepts versions that cut smaller
/// pieces.
pub const DEAD_LETTER_PIECES: usize = 1_000;
/// Kinesis: bytes that a shard accepts per second.
pub const SHARD_BYTES_PER_SECOND: u64 = 1_000_000;
/// Kinesis: records that a shard accepts per second.
pub const SHARD_RECORDS_PER_SECOND: u64 = 1_000;
/// Kinesis pricing, provisioned streams: the size of a PUT payload unit, in which records are billed, in bytes.
pub const PAYLOAD_UNIT_BYTES: u64 = 25 * 1024;
