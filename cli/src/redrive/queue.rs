//! The dead-letter queue, and which of its messages are being held.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry as Visibility,
    DeleteMessageBatchRequestEntry as Deletion, Message, QueueAttributeName,
};
use kinesis_telemetry_stream::Aws;
use tokio::time::sleep;

/// How long messages that were received stay hidden from others: until all pieces are there and were put.
const HIDDEN: Duration = Duration::from_mins(10);
/// `ReceiveMessage` and its like: most messages (SQS API reference).
const BATCH: usize = 10;
/// A wait for messages, in seconds. An interruption waits as long; none at all would ask some of the queue's servers only
/// ("Short and long polling", SQS developer guide).
const WAIT: i32 = 1;
/// How often the numbers of a queue are read, a second apart, before they count: they are approximate, and late.
const LOOKS: u32 = 10;

/// A queue. Every message that was received is held until it is deleted or shown to others again.
pub(super) struct Queue {
    client: aws_sdk_sqs::Client,
    aws: Aws,
    url: String,
    /// Receipt handles by message id.
    held: BTreeMap<String, String>,
}

impl Queue {
    pub(super) fn new(url: &str, aws: &Aws) -> Self {
        let client = aws_sdk_sqs::Client::new(&aws.config);
        Self { client, aws: aws.clone(), url: url.to_owned(), held: BTreeMap::new() }
    }

    /// Some messages, or none where none came for a second.
    pub(super) async fn receive(&mut self) -> Result<Vec<Message>> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .message_attribute_names("All")
            .max_number_of_messages(i32::try_from(BATCH)?)
            .wait_time_seconds(WAIT)
            .visibility_timeout(i32::try_from(HIDDEN.as_secs())?)
            .send()
            .await;
        let doing = format!("reading {}", self.url);
        let answer = answer.map_err(|e| self.aws.explain(&doing, "sqs:ReceiveMessage", &e))?;
        let mut messages = answer.messages.unwrap_or_default();
        // One that was hidden for too long comes again: only its handle is new.
        messages.retain(|it| {
            let handle = it.receipt_handle().unwrap_or_default().to_owned();
            self.held.insert(id(it), handle).is_none()
        });
        Ok(messages)
    }

    /// Deletes messages; gives those that cannot be deleted, which are still held, with the reason.
    pub(super) async fn delete(&mut self, ids: &[String]) -> Result<Vec<(String, String)>> {
        let mut failures = Vec::new();
        for ids in ids.chunks(BATCH) {
            let entry = |(n, id): (usize, &String)| {
                Deletion::builder().id(n.to_string()).receipt_handle(&self.held[id]).build()
            };
            let entries = ids.iter().enumerate().map(entry).collect::<Result<_, _>>();
            let delete = self.client.delete_message_batch().queue_url(&self.url);
            let answer = delete.set_entries(Some(entries.context("a message without a handle")?));
            let answer = answer.send().await.map_err(|e| {
                self.aws.explain("deleting what was put back", "sqs:DeleteMessage", &e)
            })?;
            for done in answer.successful() {
                if let Some(id) = nth(ids, done.id()) {
                    self.held.remove(id);
                }
            }
            failures.extend(answer.failed().iter().filter_map(|it| {
                let why = it.message().unwrap_or(it.code());
                Some((nth(ids, it.id())?.clone(), why.to_owned()))
            }));
        }
        Ok(failures)
    }

    /// Lets others see what is held. Gives how many messages that were, or why they cannot.
    pub(super) async fn show_again(&mut self) -> Result<usize> {
        let held = std::mem::take(&mut self.held);
        let handles: Vec<&String> = held.values().collect();
        let mut done = Ok(held.len());
        for handles in handles.chunks(BATCH) {
            let entry = |(n, handle): (usize, &&String)| {
                let entry = Visibility::builder().id(n.to_string()).receipt_handle(*handle);
                entry.visibility_timeout(0).build()
            };
            let entries = handles.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let change = self.client.change_message_visibility_batch().queue_url(&self.url);
            // One that is gone is no trouble, so that what fails inside of an answer is none.
            if let Err(error) = change.set_entries(Some(entries)).send().await {
                let (doing, takes) = ("showing messages again", "sqs:ChangeMessageVisibility");
                done = Err(self.aws.explain(doing, takes, &error));
            }
        }
        let wait = HIDDEN.as_secs() / 60;
        done.with_context(|| format!("what is left shows up within {wait} minutes only"))
    }

    /// How many messages there are, visible ones and those that somebody is holding, once there are none or time is over.
    pub(super) async fn counted(&self) -> Result<(u64, u64)> {
        let mut counted = self.count().await?;
        for _ in 1..LOOKS {
            if counted == (0, 0) {
                break;
            }
            sleep(Duration::from_secs(1)).await;
            counted = self.count().await?;
        }
        Ok(counted)
    }

    async fn count(&self) -> Result<(u64, u64)> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let ask = self.client.get_queue_attributes().queue_url(&self.url);
        let ask = ask.attribute_names(Visible).attribute_names(Hidden).send().await;
        let answer = ask
            .map_err(|e| self.aws.explain("counting what is left", "sqs:GetQueueAttributes", &e))?;
        let count = |name| answer.attributes()?.get(&name)?.parse().ok();
        count(Visible).zip(count(Hidden)).context("SQS does not say how many messages there are")
    }
}

/// A message's id, by which it is known also when it comes again.
pub(super) fn id(message: &Message) -> String {
    message.message_id().unwrap_or("without an id").to_owned()
}

fn nth<'a>(ids: &'a [String], n: &str) -> Option<&'a String> {
    ids.get(n.parse::<usize>().ok()?)
}
