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

        /// The variables, with their prefix: for messages that tell people what to set.
        pub mod variable {$(
            #[doc = concat!("Sets `", stringify!($field), "`.")]
            pub const $env: &str = concat!(env_prefix!(), stringify!($env));
        )*}

        impl $name {
            /// The files in which parameters, words of choices and limits are declared, as the compiler names them.
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
    /// The extension's settings, as read from the environment of the function.
    pub struct Config {
        /// Kinesis data stream that receives the telemetry: its name or its ARN.
        /// Without it nothing is subscribed or delivered. An ARN also reaches a stream of another account.
        stream: Option<Stream> = "", STREAM;

        /// What is delivered: platform, function, extension, or single types such as platform.report.
        /// Of log lines only those from a level on with function:warn. A line whose level cannot be told is delivered.
        types: Types = "platform,function", TYPES;

        /// The share of ordinary invocations whose log lines are delivered, from 0 to 1. Platform events are always delivered.
        /// The hash of the X-Ray root trace id decides, so the functions of one trace decide alike (docs/selecting.md).
        sample: Sample = "1", SAMPLE;

        /// What makes an invocation remarkable: `failed`, `level:LEVEL` (a line of that level or a graver one), `slow:MS` (a longer run).
        /// The log lines of a remarkable invocation are always delivered. Without effect while SAMPLE is 1.
        keep: Keep = "failed,level:error", KEEP;

        /// When waiting events are sent.
        flush: Flush = "adaptive", FLUSH;

        /// Longest time that one flush may hold an invocation open.
        flush_timeout: Millis = "1000", FLUSH_TIMEOUT_MS, in (50, 60_000);

        /// How old a waiting event may get while an invocation is running; then it is sent.
        /// Where flushing is adaptive, invocations come often when less than half of it lies between them.
        max_age: Millis = "5000", MAX_AGE_MS, in (100, limits::MANAGED_FUNCTION_TIMEOUT_MS);

        /// Where flushing is at the start of the next invocation: fewest waiting events for which one sends them.
        max_batch_records_items: Count = "5", MAX_BATCH_RECORDS_ITEMS, in (1, 1_000_000);

        /// Telemetry API: longest time that Lambda buffers events before it hands them over.
        buffer_timeout: Millis = "100", BUFFER_TIMEOUT_MS, in limits::TELEMETRY_TIMEOUT_MS;

        /// Telemetry API: bytes that Lambda buffers before it hands them over.
        logs_buffer_max_bytes: Bytes = "262144", LOGS_BUFFER_MAX_BYTES, in limits::TELEMETRY_MAX_BYTES;

        /// Telemetry API: events that Lambda buffers before it hands them over.
        max_buffer_items_count: Count = "1000", MAX_BUFFER_ITEMS_COUNT, in limits::TELEMETRY_MAX_ITEMS;

        /// Longest time for registering and for subscribing. The init phase of a function is the upper bound, whatever is set.
        connection_timeout: Millis = "3600000", CONNECTION_TIMEOUT_MS, in (100, 3_600_000);

        /// Whether the connection to Kinesis is opened in the init phase, once all else is done, and not only for the first delivery.
        /// Not where much time may pass before that: with `SnapStart` and with provisioned concurrency.
        preconnect: bool = "true", PRECONNECT;

        /// How events are packed into Kinesis records.
        record_format: RecordFormat = "ndjson", RECORD_FORMAT;

        /// How the data of a record is compressed. Only `ndjson` records can be.
        compression: Compression = "none", COMPRESSION;

        /// How much of its identity an event carries along. The longer the lines, the less this costs.
        envelope: Envelope = "event", ENVELOPE;

        /// Constant members of every event's `source`: `account`, `region`, and names with values such as `team=payments`.
        /// They tell whose events a stream of many functions or accounts holds, and every event carries their bytes (with ENVELOPE=record, every record).
        labels: Option<Labels> = "", LABELS;

        /// What decides on the shard of a record. Order is carried by the numbers of the events, not by the shard.
        partition_key: PartitionKey = "instance", PARTITION_KEY;

        /// Largest Kinesis record, partition key included. More than 1 MiB needs a stream that allows it.
        max_record_bytes: Bytes = "1048576", MAX_RECORD_BYTES, in (4_096, limits::RECORD_BYTES_MAX);

        /// Largest request, partition keys included. Every region, partition and emulator takes the default.
        max_request_bytes: Bytes = "5242880", MAX_REQUEST_BYTES, in (1_048_576, limits::PUT_REQUEST_BYTES_MAX);

        /// Size at which a record counts as full, and is sent without waiting for more events.
        /// The default is ten of the units of 25 KB in which provisioned streams are billed (docs/cost.md).
        target_record_bytes: Bytes = "256000", TARGET_RECORD_BYTES, in (1_024, limits::RECORD_BYTES_MAX);

        /// Bytes of events held in memory; beyond that they go to the spill file.
        /// By default an eighth of the function's memory, at least 8 MiB and at most 128 MiB.
        queue_max_bytes: Option<Bytes> = "", QUEUE_MAX_BYTES, in (4_194_304, 4_294_967_296);

        /// Bytes of the file in /tmp for events that find no memory, or no time at a timeout; 0 for no file. Beyond it the least important events are given up and counted.
        /// By default an eighth of what is free there, at most 64 MiB. If `TMPDIR` is set, the file is in that folder, or in /tmp where nothing can be written there.
        spill_max_bytes: Option<Bytes> = "", SPILL_MAX_BYTES, in (0, 34_359_738_368);

        /// URL of the SQS queue that takes what could not be delivered by the end, and what the stream refuses for good.
        dead_letter_queue_url: Option<QueueUrl> = "", DEAD_LETTER_QUEUE_URL;

        /// Whether CloudWatch gets metrics of the extension. Each is billed.
        metrics: Metrics = "off", METRICS;

        /// What the extension says about itself in the function's log.
        log_level: Level = "warn", LOG_LEVEL;

        /// Whether a setting that cannot be used, or no stream at all, fails the function's init instead of being reported.
        strict: bool = "false", STRICT;

        /// Whether the extension does anything at all.
        enabled: bool = "true", ENABLED;
    }
}
