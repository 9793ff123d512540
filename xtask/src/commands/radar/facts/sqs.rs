//! SQS.

use super::Subject::{Member, Operation};
use super::What::{Errors, Says};
use super::{Row, at};

const BATCH: &str = "sandbox/src/sqs/batch.rs";
const VALUE: &str = "extension/spec/src/value.rs";

pub(super) fn rows() -> Vec<Row> {
    let older_queues = "older queues have a MaximumMessageSize of 256 KiB";
    let attributes = Member("CreateQueueRequest", "Attributes");
    vec![
        (
            Operation("SendMessageBatch"),
            Says("to send up to # messages"),
            vec![
                at("extension/src/delivery/sqs.rs", "const ENTRIES: usize = #;"),
                at(BATCH, "const MAX_ENTRIES: usize = #;"),
            ],
        ),
        (
            Operation("SendMessageBatch"),
            Says("are both 1 MiB # bytes"),
            vec![
                at(BATCH, "const MAX_BYTES: usize = #;"),
                at("extension/src/delivery/sqs.rs", "const BATCH_BYTES: usize = #;")
                    .within(older_queues),
                at("extension/src/delivery/sqs/message.rs", "const LARGEST: usize = #;")
                    .within(older_queues),
            ],
        ),
        (attributes, Says("Default: # bytes"), vec![at(BATCH, "const MAX_BYTES: usize = #;")]),
        (
            Member("SendMessageBatchRequestEntry", "Id"),
            Says("This identifier can have up to # characters"),
            vec![at(BATCH, "const MAX_ID: usize = #;")],
        ),
        (
            Operation("SendMessageBatch"),
            Errors,
            vec![
                at(
                    "extension/src/delivery/aws/decision.rs",
                    "for (code, status, expected) in [#] { assert_eq!(of_code(",
                )
                .covers("the table has the errors of both services"),
            ],
        ),
        (
            Member("ReceiveMessageRequest", "MaxNumberOfMessages"),
            Says("Valid values: 1 to #."),
            vec![
                at("cli/src/redrive/queue.rs", "const BATCH: usize = #;"),
                at("consumers/python/dead_letters.py", "MaxNumberOfMessages=#,"),
            ],
        ),
        (
            Member("ChangeMessageVisibilityRequest", "VisibilityTimeout"),
            Says("Maximum: # hours"),
            vec![
                at("cli/src/redrive/queue.rs", "const HIDDEN: Duration = Duration::from_mins(#);")
                    .times(60)
                    .within("long enough for every piece to come"),
            ],
        ),
        (
            Member("CreateQueueRequest", "QueueName"),
            Says("A queue name can have up to # characters"),
            vec![
                at(VALUE, "[A-Za-z0-9_-]{1,#}("),
                at(VALUE, "(1..=#).contains(&name.len()) && name.bytes().all(is_name)"),
            ],
        ),
        (
            attributes,
            Says("seconds (# days)"),
            vec![
                at("cdk/lib/kinesis-telemetry.ts", "retentionPeriod: Duration.days(#)"),
                at("docs/deploying.md", "They wait for at most # days"),
            ],
        ),
    ]
}
