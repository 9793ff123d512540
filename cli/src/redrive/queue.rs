//! The dead-letter queue, and which of its messages are hidden from other readers.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry as Visibility,
    DeleteMessageBatchRequestEntry as Deletion, Message, QueueAttributeName,
};
use kinesis_telemetry_stream::Aws;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The time for which received messages stay hidden from other readers. It must suffice to receive all pieces and write them.
const HIDDEN: Duration = Duration::from_mins(10);
/// Largest number of messages in one call, such as `ReceiveMessage` (SQS API reference).
const BATCH: usize = 10;
/// The wait for messages in one call, in seconds. An interruption takes as long. Without a wait, SQS asks only some of the
/// queue's servers ("Short and long polling", SQS developer guide).
const WAIT: i32 = 1;
/// Number of times that the queue's counts are read, a second apart, before they are used. The counts are approximate and late.
const LOOKS: u32 = 10;
/// Largest number of held messages. SQS itself hides at most 120,000 (SQS developer guide, "Message quotas").
pub(super) const MOST_HELD: usize = 100_000;
/// Number of concurrent requests that make messages visible.
const AT_A_TIME: usize = 8;

/// A queue. Each received message is hidden until it is deleted or made visible again.
pub(super) struct Queue {
    client: aws_sdk_sqs::Client,
    aws: Aws,
    url: String,
    /// Receipt handles by message id.
    held: HashMap<String, String>,
}

impl Queue {
    pub(super) fn new(url: &str, aws: &Aws) -> Self {
        Self {
            client: aws_sdk_sqs::Client::new(&aws.config),
            aws: aws.clone(),
            url: url.to_owned(),
            held: HashMap::new(),
        }
    }

    /// Returns some messages that are not held yet, or none if none arrived for a second.
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
        // A message that was hidden for too long arrives again, with a new handle.
        messages.retain(|it| {
            let handle = it.receipt_handle().unwrap_or_default().to_owned();
            self.held.insert(id(it), handle).is_none()
        });
        Ok(messages)
    }

    /// Returns true if no more messages can be held.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MOST_HELD
    }

    /// Deletes messages. Returns those that cannot be deleted, which are still held, with the reason.
    pub(super) async fn delete(&mut self, ids: &[String]) -> Result<Vec<(String, String)>> {
        let mut failures = Vec::new();
        for ids in ids.chunks(BATCH) {
            let entry = |(n, id): (usize, &String)| {
                let handle = self.held.get(id)?;
                Some(Deletion::builder().id(n.to_string()).receipt_handle(handle).build())
            };
            let entries = ids.iter().enumerate().filter_map(entry).collect::<Result<_, _>>();
            let delete = self.client.delete_message_batch().queue_url(&self.url);
            let answer =
                delete.set_entries(Some(entries.context("a message has no receipt handle")?));
            let answer = answer.send().await.map_err(|e| {
                self.aws.explain("deleting messages that were put back", "sqs:DeleteMessage", &e)
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

    /// Makes all held messages visible again. Returns their number, or the reason why some stay hidden.
    pub(super) async fn show_again(&mut self) -> Result<usize> {
        let held = std::mem::take(&mut self.held);
        let mut done = Ok(held.len());
        let mut under_way = JoinSet::new();
        let mut handles = held.into_values().peekable();
        while handles.peek().is_some() || !under_way.is_empty() {
            if handles.peek().is_some() && under_way.len() < AT_A_TIME {
                let entry = |(n, handle): (usize, String)| {
                    let entry = Visibility::builder().id(n.to_string()).receipt_handle(handle);
                    entry.visibility_timeout(0).build()
                };
                let batch = handles.by_ref().take(BATCH).enumerate().map(entry);
                let change = self.client.change_message_visibility_batch().queue_url(&self.url);
                let batch = batch.collect::<Result<_, _>>()?;
                under_way.spawn(change.set_entries(Some(batch)).send());
            } else if let Some(answer) = under_way.join_next().await {
                let (doing, takes) =
                    ("making messages visible again", "sqs:ChangeMessageVisibility");
                match answer.context("a request has panicked")? {
                    Err(error) => done = Err(self.aws.explain(doing, takes, &error)),
                    Ok(answer) => {
                        // A sender fault means that the message is deleted or visible, which is fine.
                        if let Some(it) = answer.failed().iter().find(|it| !it.sender_fault()) {
                            done = Err(anyhow!("{doing} failed: {}", it.code()));
                        }
                    }
                }
            }
        }
        let wait = HIDDEN.as_secs() / 60;
        done.with_context(|| {
            format!("the remaining messages become visible only after up to {wait} minutes")
        })
    }

    /// Returns the numbers of visible and hidden messages, once both are 0 or the time is over.
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
        let answer = ask.map_err(|e| {
            self.aws.explain("counting the remaining messages", "sqs:GetQueueAttributes", &e)
        })?;
        let count = |name| answer.attributes()?.get(&name)?.parse().ok();
        count(Visible).zip(count(Hidden)).context("the response of SQS has no message counts")
    }
}

/// Returns a message's ID, which stays the same when the message arrives again.
pub(super) fn id(message: &Message) -> String {
    message.message_id().or(message.receipt_handle()).unwrap_or_default().to_owned()
}

fn nth<'a>(ids: &'a [String], n: &str) -> Option<&'a String> {
    ids.get(n.parse::<usize>().ok()?)
}
