//! The parameters, one stanza each: doc, field, type, default, variable, range.
//!
//! From a stanza come the field of [`Config`] and the [`Param`] that documents and other languages read. The default is
//! text, because text is what a README, a CDK property and the Lambda console show; a test proves that it parses.

use crate::choices::{Compression, Envelope, Flush, Level, Metrics, PartitionKey, RecordFormat};
use crate::labels::Labels;
use crate::limits;
use crate::param::{Param, Range};
use crate::reader::Reader;
use crate::selection::{Keep, Sample};
use crate::types::Types;
use crate::value::{Bytes, Count, Millis, QueueUrl, Stream, Value};

macro_rules! params {
    ($(#[doc = $struct_doc:literal])* pub struct $name:ident {$(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $default:literal, $env:ident $(, in $range:expr)?;
    )*}) => {
        $(#[doc = $struct_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {$(
            $(#[doc = $doc])+
            pub $field: $type,
        )*}

        /// Names of the variables, with their prefix, for messages that tell people which one to set.
        pub mod variable {$(
            #[doc = concat!("Sets `", stringify!($field), "`.")]
            pub const $env: &str = concat!(env_prefix!(), stringify!($env));
        )*}

        impl $name {
            /// The paths of the files that declare parameters, words of choices and limits, as the compiler states them.
            pub const DECLARED_IN: [&str; 7] = [
                file!(),
                crate::choices::DECLARED_IN,
                crate::labels::DECLARED_IN,
                crate::selection::DECLARED_IN,
                crate::types::DECLARED_IN,
                crate::value::DECLARED_IN,
                limits::DECLARED_IN,
            ];

            /// Every parameter, in the order in which documents show them.
            pub const PARAMS: &[Param] = &[$(Param {
                field: stringify!($field),
                name: stringify!($env),
                default: $default,
                range: params!(@range $($range)?),
                kind: <$type as Value>::KIND,
                doc: &[$($doc.trim_ascii_start()),+],
            }),*];

            pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
                let mut params = Self::PARAMS.iter();
                Self {$(
                    $field: reader.value(params.next().expect("a field has its parameter")),
                )*}
            }
        }
    };
    (@range) => { None };
    (@range $range:expr) => { Some(Range::of($range)) };
}

params! {
    /// The extension's settings, as read from the function's environment.
    pub struct Config {
        /// Kinesis data stream that receives the telemetry: its name or its ARN.
        /// Without it the extension neither subscribes nor delivers. An ARN also reaches a stream of another account.
        stream: Option<Stream> = "", STREAM;

        /// Which events are delivered: platform, function, extension, or single types such as platform.report.
        /// With function:warn, log lines of that level or a more severe one. Lines with an unknown level are delivered.
        types: Types = "platform,function", TYPES;

        /// The share of ordinary invocations whose log lines are delivered, from 0 to 1. Platform events are always delivered.
        /// The hash of the X-Ray root trace id decides, so all functions of one trace decide alike (docs/selecting.md).
        sample: Sample = "1", SAMPLE;

        /// The conditions that make an invocation remarkable: `failed`, `level:LEVEL` (a line of that level or a more severe one), `slow:MS` (it ran longer).
        /// The log lines of a remarkable invocation are always delivered. It has no effect while SAMPLE is 1.
        keep: Keep = "failed,level:error", KEEP;

        /// When queued events are sent.
        flush: Flush = "adaptive", FLUSH;

        /// Longest time that one flush may delay the end of an invocation.
        flush_timeout: Millis = "1000", FLUSH_TIMEOUT_MS, in (50, 60_000);

        /// Largest age of a queued event while an invocation is running. The extension sends an event that reaches it.
        /// With FLUSH=adaptive, invocations count as frequent when they are less than half of this apart.
        max_age: Millis = "5000", MAX_AGE_MS, in (100, limits::MANAGED_FUNCTION_TIMEOUT_MS);

        /// With FLUSH=start, the minimum number of queued events that an invocation sends at its start.
        max_batch_records_items: Count = "5", MAX_BATCH_RECORDS_ITEMS, in (1, 1_000_000);

        /// Telemetry API: longest time that Lambda buffers events before it hands them over.
        buffer_timeout: Millis = "100", BUFFER_TIMEOUT_MS, in limits::TELEMETRY_TIMEOUT_MS;

        /// Telemetry API: bytes that Lambda buffers before it hands them over.
        logs_buffer_max_bytes: Bytes = "262144", LOGS_BUFFER_MAX_BYTES, in limits::TELEMETRY_MAX_BYTES;

        /// Telemetry API: events that Lambda buffers before it hands them over.
        max_buffer_items_count: Count = "1000", MAX_BUFFER_ITEMS_COUNT, in limits::TELEMETRY_MAX_ITEMS;

        /// Longest time for registering and for subscribing. The function's init phase limits it further.
        connection_timeout: Millis = "3600000", CONNECTION_TIMEOUT_MS, in (100, 3_600_000);

        /// If true, the connection to Kinesis is opened at the end of the init phase and not with the first delivery.
        /// Ignored with `SnapStart` and with provisioned concurrency, where much time may pass between init and the first invocation.
        preconnect: bool = "true", PRECONNECT;

        /// How events are packed into Kinesis records.
        record_format: RecordFormat = "ndjson", RECORD_FORMAT;

        /// How the data of a record is compressed. Only `ndjson` records can be compressed.
        compression: Compression = "none", COMPRESSION;

        /// How much identity each event carries. The relative cost falls as lines get longer.
        envelope: Envelope = "event", ENVELOPE;

        /// Constant members of every event's `source`: `account`, `region`, and custom ones such as `team=payments`.
        /// They identify the owner of events in a stream of many functions or accounts. Every event (with ENVELOPE=record, every record) carries their bytes.
        labels: Option<Labels> = "", LABELS;

        /// Chooses the partition key and so the shard. Order comes from `seq`, not from the shard.
        partition_key: PartitionKey = "instance", PARTITION_KEY;

        /// Largest Kinesis record, including its partition key. More than 1 MiB needs a stream that allows it.
        max_record_bytes: Bytes = "1048576", MAX_RECORD_BYTES, in (4_096, limits::RECORD_BYTES_MAX);

        /// Largest request, including partition keys. Every region, partition and emulator accepts the default.
        max_request_bytes: Bytes = "5242880", MAX_REQUEST_BYTES, in (1_048_576, limits::PUT_REQUEST_BYTES_MAX);

        /// Size at which a record counts as full and is sent without waiting for more events.
        /// The default is ten payload units of 25 KB, in which provisioned streams are billed (docs/cost.md).
        target_record_bytes: Bytes = "256000", TARGET_RECORD_BYTES, in (1_024, limits::RECORD_BYTES_MAX);

        /// Largest size of the events held in memory. Events beyond it go to the spill file.
        /// By default an eighth of the function's memory, at least 8 MiB and at most 128 MiB.
        queue_max_bytes: Option<Bytes> = "", QUEUE_MAX_BYTES, in (4_194_304, 4_294_967_296);

        /// Largest size of the spill file in /tmp. It holds events that do not fit in memory, or that cannot be sent before a timeout. 0 disables it. If it is full, the least important events are discarded and counted.
        /// By default an eighth of the free space there, at most 64 MiB. If `TMPDIR` is set, the file is in that folder, or in /tmp if that folder is not writable.
        spill_max_bytes: Option<Bytes> = "", SPILL_MAX_BYTES, in (0, 34_359_738_368);

        /// URL of the SQS queue for records that are undelivered at shutdown or that the stream rejects for good.
        dead_letter_queue_url: Option<QueueUrl> = "", DEAD_LETTER_QUEUE_URL;

        /// Which metrics the extension publishes to CloudWatch. Each is billed.
        metrics: Metrics = "off", METRICS;

        /// How much the extension logs about itself in the function's log.
        log_level: Level = "warn", LOG_LEVEL;

        /// If true, an invalid setting or a missing stream fails the function's init instead of being reported.
        strict: bool = "false", STRICT;

        /// If false, the extension does nothing.
        enabled: bool = "true", ENABLED;
    }
}
