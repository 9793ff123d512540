//! `redrive`: dead letters back into the stream, as the records that they were.

mod letter;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_kinesis::error::ProvideErrorMetadata as _;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use xtask_aws_cli::Deployment;

use crate::aws::Aws;
use crate::client::{Target, region_of_arn};
use crate::deployment::Values;
use crate::say::{self, Progress};
use letter::{Key, Letter, Piece};

/// How long messages that were received stay hidden from others: until all pieces are there and were put.
const HIDDEN: Duration = Duration::from_mins(10);
/// `ReceiveMessage` and `DeleteMessageBatch`: most messages (SQS API reference).
const BATCH: i32 = 10;

pub(crate) async fn run(deployment: &Deployment, quiet: Duration) -> Result<ExitCode> {
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    let queue = Queue {
        client: aws_sdk_sqs::Client::new(&aws.config),
        aws,
        url: values.get("deadLetterQueueUrl")?.to_owned(),
    };
    let mut work = Work::default();
    let mut progress = Progress::default();
    let done = work.empty(&queue, quiet, &mut progress).await;
    progress.end();
    // Also after an error: nobody shall have to wait until they are visible again by themselves.
    let left = work.left();
    queue.show_again(&left).await;
    done?;
    say::out(&work.text(left.len()))?;
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What has been done, and what is being held.
#[derive(Default)]
struct Work {
    /// Records that lack pieces, so far.
    letters: BTreeMap<Key, Letter>,
    records: usize,
    bytes: usize,
    /// Messages that stay, with the reason.
    stay: Vec<Stay>,
}

struct Stay {
    handle: String,
    why: String,
}

impl Work {
    async fn empty(
        &mut self,
        queue: &Queue,
        quiet: Duration,
        progress: &mut Progress,
    ) -> Result<()> {
        loop {
            progress.say(&format!("{} records put back", self.records));
            let messages = queue.receive(quiet).await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                let handle = message.receipt_handle().unwrap_or_default().to_owned();
                match piece(&message) {
                    Err(why) => self.stay.push(Stay { handle, why }),
                    Ok(piece) => self.take(piece, handle, queue).await?,
                }
            }
        }
    }

    /// Puts a piece to the others of its record; with the last one the record goes back.
    async fn take(&mut self, piece: Piece, handle: String, queue: &Queue) -> Result<()> {
        let key = piece.key.clone();
        let letter = self.letters.entry(key.clone()).or_default();
        letter.add(piece, handle);
        let Some(data) = letter.data(&key) else { return Ok(()) };
        let letter = self.letters.remove(&key).expect("it was there just now");
        let put = match data {
            Ok(data) => queue.put(&key, data).await?,
            Err(why) => Err(why),
        };
        match put {
            Ok(bytes) => {
                queue.delete(&letter.handles).await?;
                self.records += 1;
                self.bytes += bytes;
            }
            Err(why) => {
                let stay = |handle| Stay { handle, why: format!("record {}: {why}", key.record) };
                self.stay.extend(letter.handles.into_iter().map(stay));
            }
        }
        Ok(())
    }

    /// Handles of the messages that stay.
    fn left(&self) -> Vec<String> {
        let stay = self.stay.iter().map(|it| it.handle.clone());
        stay.chain(self.letters.values().flat_map(|it| it.handles.clone())).collect()
    }

    fn text(&self, left: usize) -> String {
        let mut text =
            format!("{} records put back into the stream, {} bytes\n", self.records, self.bytes);
        for (key, letter) in &self.letters {
            _ = writeln!(text, "left: record {}: {}", key.record, letter.lacks(key));
        }
        let mut whys: Vec<&str> = self.stay.iter().map(|it| it.why.as_str()).collect();
        whys.dedup();
        for why in whys {
            _ = writeln!(text, "left: {why}");
        }
        if left > 0 {
            let what = "mend what is said above, and redrive again";
            _ = writeln!(text, "{left} messages are left in the queue; {what}");
        }
        text
    }
}

/// The queue, and the streams that its letters were for.
struct Queue {
    client: aws_sdk_sqs::Client,
    aws: Aws,
    url: String,
}

impl Queue {
    /// Some messages, or none where none came for so long.
    async fn receive(&self, quiet: Duration) -> Result<Vec<Message>> {
        let seconds = |it: Duration| i32::try_from(it.as_secs()).context("a wait of years");
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .message_attribute_names("All")
            .max_number_of_messages(BATCH)
            .wait_time_seconds(seconds(quiet)?)
            .visibility_timeout(seconds(HIDDEN)?)
            .send()
            .await
            .map_err(|e| {
                self.aws.explain(&format!("reading {}", self.url), "sqs:ReceiveMessage", &e)
            })?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Puts a record where it was to go, under its own key. What Kinesis refuses for good is the inner error.
    async fn put(&self, key: &Key, data: Vec<u8>) -> Result<Result<usize, String>> {
        let target = match region_of_arn(&key.stream) {
            Some(region) if region != self.aws.region => Target::of(&key.stream).await?,
            _ => Target::at(&key.stream, &self.aws),
        };
        let bytes = data.len();
        let put = target
            .client
            .put_record()
            .set_stream_name(target.name())
            .set_stream_arn(target.arn())
            .partition_key(&key.partition_key)
            .data(Blob::new(data))
            .send()
            .await;
        match put {
            Ok(_) => Ok(Ok(bytes)),
            Err(error)
                if matches!(
                    error.code(),
                    Some(
                        "ValidationException"
                            | "InvalidArgumentException"
                            | "ResourceNotFoundException"
                    )
                ) =>
            {
                Ok(Err(format!("{:#}", target.explain("PutRecord to", &error))))
            }
            Err(error) => Err(target.explain("PutRecord to", &error)),
        }
    }

    async fn delete(&self, handles: &[String]) -> Result<()> {
        for handles in handles.chunks(BATCH as usize) {
            let entry = |(id, handle): (usize, &String)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(id.to_string())
                    .receipt_handle(handle)
                    .build()
            };
            let entries = handles.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>();
            let answer = self
                .client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.context("a message without a handle")?))
                .send()
                .await
                .map_err(|e| {
                    self.aws.explain("deleting what was put back", "sqs:DeleteMessage", &e)
                })?;
            // They are in the stream by now, so that a further one of each makes a double that consumers know.
            if let Some(failed) = answer.failed().first() {
                anyhow::bail!(
                    "a message that was put back cannot be deleted ({}): redrive again, consumers know doubles by their identity",
                    failed.message().unwrap_or(failed.code())
                );
            }
        }
        Ok(())
    }

    /// Lets others see messages again. They will in any case, when their time is over.
    async fn show_again(&self, handles: &[String]) {
        for handle in handles {
            let change = self.client.change_message_visibility().queue_url(&self.url);
            _ = change.receipt_handle(handle).visibility_timeout(0).send().await;
        }
    }
}

/// What a message says it is.
fn piece(message: &Message) -> Result<Piece, String> {
    let id = message.message_id().unwrap_or("without an id");
    let attribute = |name: &str| {
        let value = message.message_attributes().and_then(|it| it.get(name)?.string_value());
        value.map(str::to_owned).ok_or_else(|| {
            format!("message {id} is no dead letter of the extension: it has no attribute {name}; read it, and delete it yourself")
        })
    };
    Piece::of(attribute, message.body().unwrap_or_default())
}
