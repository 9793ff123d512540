//! Kinesis Data Streams.

use super::Subject::{Member, Operation, Shape};
use super::What::{Enum, Errors, Max, Names, Says};
use super::{KIB, MIB, Row, at, reads};

const LIMITS: &str = "extension/spec/src/limits.rs";
const REQUEST: &str = "sandbox/src/kinesis/request.rs";
const STREAM_TS: &str = "cdk/lib/stream.ts";
const CONSUMING: &str = "docs/consuming.md";

pub(super) fn rows() -> Vec<Row> {
    [writing(), errors(), streams(), reading()].into_iter().flatten().collect()
}

fn writing() -> Vec<Row> {
    let every_region = "what every region, partition and emulator takes";
    vec![
        (
            Shape("PutRecordsRequestEntryList"),
            Max,
            vec![
                at(LIMITS, "const PUT_RECORDS: usize = #;"),
                at(REQUEST, "const MAX_RECORDS: usize = #;"),
                at("extension/src/delivery/aws/connector.rs", "record, and accepts # records."),
            ],
        ),
        (
            Operation("PutRecords"),
            Says("up to a limit of # MiB for the entire request"),
            vec![
                at(LIMITS, "const PUT_REQUEST_BYTES_MAX: u64 = #;").times(MIB),
                at(REQUEST, "const MAX_REQUEST: usize = #;").times(MIB),
                at("extension/spec/src/params.rs", "max_request_bytes: Bytes = \"#\"")
                    .times(MIB)
                    .within(every_region),
                at("cli/src/redrive/streams.rs", "const MOST_BYTES: usize = #;")
                    .times(MIB)
                    .within(every_region),
            ],
        ),
        (
            Shape("MaxRecordSizeInKiB"),
            Max,
            vec![
                at(LIMITS, "const RECORD_BYTES_MAX: u64 = #;").times(KIB),
                at(REQUEST, "const LARGEST_RECORD: usize = #;").times(KIB),
            ],
        ),
        (Shape("Data"), Max, vec![at(LIMITS, "const RECORD_BYTES_MAX: u64 = #;")]),
        (
            Operation("GetRecords"),
            Says("Each data record can be up to # MiB in size by default"),
            vec![
                at(LIMITS, "const RECORD_BYTES: u64 = #;").times(MIB),
                at(REQUEST, "const MAX_RECORD: usize = #;").times(MIB),
                at("extension/spec/src/params.rs", "max_record_bytes: Bytes = \"#\"").times(MIB),
                at(STREAM_TS, "maxRecordSize?.toKibibytes() ?? #,").times(KIB),
                at(STREAM_TS, "@default # MiB"),
                at(CONSUMING, "The default of `MAX_RECORD_BYTES`, # MiB,"),
            ],
        ),
        (
            Shape("PartitionKey"),
            Max,
            vec![
                at(LIMITS, "const PARTITION_KEY_CHARS: usize = #;"),
                at(REQUEST, "(1..=#).contains(&partition_key"),
                at(REQUEST, "must be 1 to # characters"),
                at("extension/src/buffer/spill/frame.rs", "two keys of at most # characters"),
                at("extension/src/ingest/intake.rs", "1 to # characters"),
                at("extension/src/ingest/intake.rs", "(1..=#).contains(&text.len())")
                    .within("a request's id has no more, and becomes a key"),
            ],
        ),
        (
            Operation("PutRecords"),
            Says("writes up to # records per second"),
            vec![
                at(LIMITS, "const SHARD_RECORDS_PER_SECOND: u64 = #;"),
                at(
                    "sandbox/src/kinesis/shards.rs",
                    "const REAL: Self = Self { bytes: 1_000_000, records: # }",
                ),
            ],
        ),
        (
            // AWS writes MB here and MiB for `CreateStream`; the smaller one is safe.
            Operation("PutRecords"),
            Says("up to a maximum data write total of # MB per second"),
            vec![
                at(LIMITS, "const SHARD_BYTES_PER_SECOND: u64 = #;").times(1_000_000),
                at("sandbox/src/kinesis/shards.rs", "const REAL: Self = Self { bytes: #,")
                    .times(1_000_000),
            ],
        ),
    ]
}

fn errors() -> Vec<Row> {
    vec![
        (
            Operation("PutRecords"),
            Errors,
            vec![
                at(
                    "extension/src/delivery/aws/decision.rs",
                    "for (code, status, expected) in [#] { assert_eq!(of_code(",
                )
                .covers("the table has the errors of both services"),
                at("sandbox/src/kinesis/faults/fault.rs", "const KMS_ERRORS: [&str; 6] = [#];")
                    .within("the errors of keys alone"),
            ],
        ),
        (
            Member("PutRecordsResultEntry", "ErrorCode"),
            Names("`ErrorCodes` can be either #."),
            vec![
                at(
                    "sandbox/src/kinesis/faults/fault.rs",
                    "fn code(self) -> &'static str { match self {# Self::Kms",
                ),
                at("extension/src/delivery/kinesis.rs", "is_throttled: code == #,")
                    .within("any other code may pass by itself as well"),
            ],
        ),
    ]
}

fn streams() -> Vec<Row> {
    vec![
        (
            Shape("StreamName"),
            Max,
            vec![
                at("extension/spec/src/value.rs", "[A-Za-z0-9_.-]{1,#}$\""),
                at("extension/spec/src/value.rs", "the name of a stream (1 to # of"),
                at(
                    "extension/spec/src/value.rs",
                    "(1..=#).contains(&name.len()) && name.bytes().all(|byte|",
                ),
            ],
        ),
        (
            Shape("RecordDistributionStrategy"),
            Enum,
            vec![at(STREAM_TS, "export enum RecordDistribution {#}")],
        ),
        (
            Shape("StreamMode"),
            Enum,
            vec![
                reads(
                    STREAM_TS,
                    "const isOnDemand = mode === kinesis.StreamMode.ON_DEMAND;",
                    &["PROVISIONED", "ON_DEMAND"],
                ),
                at("docs/deploying.md", "StreamMode: # }").within("one of them"),
            ],
        ),
        (
            Shape("StreamStatus"),
            Enum,
            vec![reads(
                "cli/src/doctor/stream.rs",
                "StreamStatus::Active | StreamStatus::Updating =>",
                &["CREATING", "DELETING", "ACTIVE", "UPDATING"],
            )],
        ),
        (
            Shape("EncryptionType"),
            Enum,
            vec![reads("cli/src/doctor/stream.rs", "Some(&EncryptionType::Kms)", &["NONE", "KMS"])],
        ),
        (
            Operation("PutRecords"),
            Says("data records are accessible for # hours"),
            vec![
                at(STREAM_TS, "@default Duration.hours(#)"),
                at(STREAM_TS, "stated.retention ?? Duration.hours(#)"),
            ],
        ),
        (
            Operation("DecreaseStreamRetentionPeriod"),
            Says("The minimum value of a stream's retention period is # hours"),
            vec![at("xtask/src/project/stages.rs", "`RetentionPeriodHours`: # to")],
        ),
        (
            Operation("IncreaseStreamRetentionPeriod"),
            Says("The maximum value of a stream's retention period is # hours"),
            vec![at("xtask/src/project/stages.rs", "to #. pub(crate) retention_hours")],
        ),
        (
            Operation("IncreaseStreamRetentionPeriod"),
            Says("hours (# days)"),
            vec![at(STREAM_TS, "is kept, 1 to # days")],
        ),
    ]
}

fn reading() -> Vec<Row> {
    let shard = "cli/stream/src/stream/shard.rs";
    vec![
        (
            Operation("GetRecords"),
            Says("This operation has a limit of # transactions per second per shard"),
            vec![
                at(shard, "A shard serves # reads a second"),
                at("docs/operating.md", "of a shard with other consumers (# requests a second)"),
            ],
        ),
        (
            Operation("GetShardIterator"),
            Says("A shard iterator expires # minutes after"),
            vec![at(shard, "An iterator is valid for # minutes")],
        ),
        (
            Operation("RegisterStreamConsumer"),
            Says("at a rate of up to # MiB per second for every shard"),
            vec![at(CONSUMING, "gives a consumer # MB/s of each shard")],
        ),
        (
            Shape("ConsumerStatus"),
            Enum,
            vec![reads(
                "cli/src/tail/fan_out.rs",
                "Some(ConsumerStatus::Active) => return Ok(())",
                &["CREATING", "DELETING", "ACTIVE"],
            )],
        ),
    ]
}
