//! The SQS client: `SendMessageBatch`, for records that the stream does not accept.
//!
//! A message contains a record, or a piece of one, with everything needed to put it unchanged into the stream.

mod message;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use extension_spec::{QueueUrl, variable};

use crate::delivery::aws::decision::{self, Service};
use crate::delivery::aws::{self, Access, Connector};
use crate::pack::Record;
use crate::pack::sink::{Answer, Failure, Refusal, Sink, Trouble};
use message::Message;

/// `SendMessageBatch`: the maximum number of entries.
const ENTRIES: usize = 10;
/// `SendMessageBatch`: the maximum number of bytes of all entries. The limit is 1 MiB today, but every queue accepts
/// this size.
const BATCH_BYTES: usize = 256 * 1024;

/// A client for one queue.
#[derive(Debug)]
pub(crate) struct Sqs {
    client: Client,
    queue: QueueUrl,
    connector: Connector,
    /// The stream for which the records were meant.
    stream: String,
}

impl Sqs {
    /// Builds the client without opening a connection.
    pub(crate) fn new(queue: QueueUrl, stream: String, access: &Access) -> Self {
        let config = access.config("SQS", queue.region(), aws::variable);
        Self { client: Client::new(&config), queue, connector: access.connector.clone(), stream }
    }

    async fn send(&self, messages: &[Message]) -> Result<Vec<Answer>, Failure> {
        let entry = |(index, message): (usize, &Message)| {
            let mut entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(&message.body);
            for (name, value) in &message.attributes {
                let value = MessageAttributeValue::builder()
                    .data_type("String")
                    .string_value(value)
                    .build()
                    .map_err(|error| decision::of_request(&error))?;
                entry = entry.message_attributes(*name, value);
            }
            if self.queue.is_fifo() {
                // Messages that a FIFO queue drops as duplicates are also duplicates in the stream.
                entry = entry
                    .message_group_id(&message.group)
                    .message_deduplication_id(&message.identity);
            }
            entry.build().map_err(|error| decision::of_request(&error))
        };
        let entries = messages.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.send_message_batch().queue_url(self.queue.as_str());
        let service = Service {
            name: "sqs",
            kind: "queue",
            resource: self.queue.as_str(),
            permission: "sqs:SendMessage",
            setting: variable::DEAD_LETTER_QUEUE_URL,
            endpoint: "sqs",
            is_renewable: false,
        };
        let output = request
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| decision::of_call(&error, &service))?;
        let mut answers: Vec<Answer> = messages.iter().map(|_| Err(no_answer())).collect();
        for taken in output.successful() {
            set(&mut answers, taken.id(), Ok(()));
        }
        for failed in output.failed() {
            let (code, message) = (failed.code(), failed.message());
            let trouble = decision::of_item("sqs refused a message", code, message, &service);
            let is_final = failed.sender_fault();
            set(&mut answers, failed.id(), Err(Refusal { trouble, is_throttled: false, is_final }));
        }
        Ok(answers)
    }
}

impl Sink for Sqs {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        let mut answers: Vec<Answer> = records.iter().map(|_| Ok(())).collect();
        let mut messages = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let of_record = Message::of(record, &self.stream);
            messages.extend(of_record.into_iter().map(|message| (index, message)));
        }
        let mut has_sent = false;
        while !messages.is_empty() {
            let mut bytes = 0;
            let fits = |(_, message): &&(usize, Message)| {
                bytes += message.size();
                bytes <= BATCH_BYTES
            };
            let count = messages.iter().take(ENTRIES).take_while(fits).count().max(1);
            let (indices, batch): (Vec<usize>, Vec<Message>) = messages.drain(..count).unzip();
            let sent = match self.send(&batch).await {
                Ok(sent) => sent,
                // Messages of earlier batches were accepted, and are not sent again.
                Err(failure) if has_sent => {
                    let rest = messages.iter().map(|(index, _)| *index);
                    for index in indices.into_iter().chain(rest) {
                        answers[index] = Err(Refusal::for_now(failure.trouble.clone()));
                    }
                    return Ok(answers);
                }
                Err(failure) => return Err(failure),
            };
            has_sent = true;
            // A record was accepted if all its pieces were.
            for (index, answer) in indices.into_iter().zip(sent) {
                if answer.is_err() {
                    answers[index] = answer;
                }
            }
        }
        Ok(answers)
    }

    fn reset(&self) {
        self.connector.reset();
    }

    fn max_records(&self) -> usize {
        ENTRIES
    }
}

fn set(answers: &mut [Answer], id: &str, answer: Answer) {
    let place = id.parse::<usize>().ok().and_then(|index| answers.get_mut(index));
    if let Some(place) = place {
        *place = answer;
    }
}

fn no_answer() -> Refusal {
    Refusal::for_now(Trouble::new("sqs gave no answer for a message"))
}
