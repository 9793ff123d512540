//! Enhanced fan-out: a registered consumer of its own, to which Kinesis pushes records. It is deregistered at the end.
//!
//! Source: `RegisterStreamConsumer` and `SubscribeToShard` in the Kinesis API reference.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use aws_sdk_kinesis::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardError;
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream,
};
use kinesis_telemetry_stream::{Record, Start, Target};
use kinesis_telemetry_terminal::note;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{sleep, timeout};

use super::Screen;

/// The pause between two checks that the consumer exists, and before a broken subscription is renewed.
const PAUSE: Duration = Duration::from_secs(1);
/// Number of consecutive failures after which a subscription is abandoned.
const FAILURES: u32 = 10;
/// Time without an event after which a subscription counts as dead. Kinesis sends its position every few seconds, even without
/// records. A machine that was asleep is not notified of connections that were closed in that time.
const SILENCE: Duration = Duration::from_secs(35);
/// Longest time until the consumer is active. Registration takes seconds.
const REGISTRATION: Duration = Duration::from_mins(1);

/// Shows records until `end`, or until `show` has enough. The consumer is always deregistered.
pub(super) async fn follow(
    target: &Target,
    stream: &str,
    start: Start,
    screen: &mut Screen<'_>,
    end: impl Future<Output = ()>,
) -> Result<()> {
    let arn = arn(target, stream).await?;
    let consumer = Consumer::register(target, &arn).await?;
    let done = tokio::select! {
        done = consumer.follow(start, screen) => done,
        () = end => Ok(()),
    };
    let gone = consumer.deregister().await;
    done.and(gone)
}

/// Returns the ARN of a stream. Consumers can be registered only by ARN.
async fn arn(target: &Target, stream: &str) -> Result<String> {
    if stream.starts_with("arn:") {
        return Ok(stream.to_owned());
    }
    let answer = target.client.describe_stream_summary().stream_name(stream).send().await;
    let answer = answer.map_err(|e| target.explain("DescribeStreamSummary of", &e))?;
    let summary = answer
        .stream_description_summary
        .context("the response of Kinesis has no description of the stream")?;
    Ok(summary.stream_arn)
}

type Events = EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>;

struct Consumer<'a> {
    target: &'a Target,
    arn: String,
}

/// The records of a shard.
struct Batch {
    records: Vec<Record>,
    /// Shards that continue where this one ends.
    children: Vec<String>,
}

impl<'a> Consumer<'a> {
    async fn register(target: &'a Target, stream: &str) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("kinesis-telemetry-tail-{}-{now}", std::process::id());
        let answer = target
            .client
            .register_stream_consumer()
            .stream_arn(stream)
            .consumer_name(&name)
            .send()
            .await
            .map_err(|e| target.explain("RegisterStreamConsumer of", &e))?;
        let arn = answer
            .consumer
            .context("the response of Kinesis does not name the registered consumer")?
            .consumer_arn;
        note(&format!("registered the consumer {name}"));
        Ok(Self { target, arn })
    }

    async fn deregister(&self) -> Result<()> {
        let client = &self.target.client;
        let gone = client.deregister_stream_consumer().consumer_arn(&self.arn).send().await;
        gone.map_err(|e| {
            self.target.explain(
                &format!(
                    "DeregisterStreamConsumer ({}, which is billed until it is deleted) of",
                    self.arn
                ),
                &e,
            )
        })?;
        note("deregistered the consumer");
        Ok(())
    }

    async fn is_active(&self) -> Result<()> {
        let describe =
            || self.target.client.describe_stream_consumer().consumer_arn(&self.arn).send();
        let active = async {
            loop {
                let answer = describe()
                    .await
                    .map_err(|e| self.target.explain("DescribeStreamConsumer of", &e))?;
                let status = answer.consumer_description.map(|it| it.consumer_status);
                match status {
                    Some(ConsumerStatus::Active) => return Ok(()),
                    Some(ConsumerStatus::Deleting) => {
                        bail!("the consumer {} was deregistered by another tool", self.arn)
                    }
                    _ => sleep(PAUSE).await,
                }
            }
        };
        let active = tokio::time::timeout(REGISTRATION, active).await;
        active.with_context(|| {
            format!("the consumer {} did not become active within {REGISTRATION:?}", self.arn)
        })?
    }

    async fn follow(&self, start: Start, screen: &mut Screen<'_>) -> Result<()> {
        self.is_active().await?;
        let (sender, mut receiver) = mpsc::channel(100);
        let mut known = BTreeSet::new();
        // Dropping the set at the end of this function ends all subscriptions.
        let mut shards = tokio::task::JoinSet::new();
        let mut subscribe = |id: String, start: Start| {
            if known.insert(id.clone()) {
                let shard = Shard {
                    target: self.target.clone(),
                    consumer: self.arn.clone(),
                    id,
                    sender: sender.clone(),
                };
                shards.spawn(shard.follow(start));
            }
        };
        for id in kinesis_telemetry_stream::shards(self.target).await? {
            subscribe(id, start);
        }
        while let Some(batch) = receiver.recv().await {
            let Batch { records, children } = batch?;
            for record in &records {
                if screen.show(record)? {
                    return Ok(());
                }
            }
            for child in children {
                subscribe(child, Start::Oldest);
            }
        }
        Ok(())
    }
}

/// One shard of the stream.
struct Shard {
    target: Target,
    consumer: String,
    id: String,
    sender: Sender<Result<Batch>>,
}

impl Shard {
    async fn follow(self, start: Start) {
        if let Err(error) = self.until_closed(start).await {
            // The receiver may no longer exist.
            _ = self.sender.send(Err(error)).await;
        }
    }

    /// Subscribes until the shard is closed. A subscription lasts five minutes; the next one begins where it ended.
    async fn until_closed(&self, start: Start) -> Result<()> {
        // If the first subscription must be retried, records that arrive before it are shown, too.
        let later = start.fixed();
        let mut position = beginning(start)?;
        let mut failures = 0;
        loop {
            match self.subscription(&position).await {
                Ok(mut events) => {
                    if position.r#type == ShardIteratorType::Latest {
                        position = beginning(later)?;
                    }
                    match self.listen(&mut events, &mut position).await? {
                        Received::All => return Ok(()),
                        Received::Some => failures = 0,
                        Received::Nothing => failures += 1,
                    }
                }
                Err(error) if failures < FAILURES && passes(error.code()) => failures += 1,
                Err(error) => return Err(self.target.explain("SubscribeToShard of", &error)),
            }
            if failures >= FAILURES {
                bail!(
                    "{FAILURES} consecutive subscriptions to the shard {} ended without a record",
                    self.id
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn subscription(
        &self,
        position: &StartingPosition,
    ) -> Result<Events, SdkError<SubscribeToShardError>> {
        let subscribe = self.target.client.subscribe_to_shard().consumer_arn(&self.consumer);
        let subscribe = subscribe.shard_id(&self.id).starting_position(position.clone());
        subscribe.send().await.map(|it| it.event_stream)
    }

    /// Passes on pushed records and advances `position`, until the subscription ends or fails.
    async fn listen(
        &self,
        events: &mut Events,
        position: &mut StartingPosition,
    ) -> Result<Received> {
        let mut received = Received::Nothing;
        // After a timeout, an error or the end, another subscription follows.
        while let Ok(Ok(Some(event))) = timeout(SILENCE, events.recv()).await {
            let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else { continue };
            let records = event.records.into_iter().map(Record::of).collect::<Result<_>>()?;
            let children = event.child_shards.unwrap_or_default().into_iter();
            let children: Vec<_> = children.map(|it| it.shard_id).collect();
            let is_closed = !children.is_empty();
            if self.sender.send(Ok(Batch { records, children })).await.is_err() || is_closed {
                return Ok(Received::All);
            }
            *position = after(&event.continuation_sequence_number)?;
            received = Received::Some;
        }
        Ok(received)
    }
}

/// The end of a subscription.
enum Received {
    Nothing,
    Some,
    /// The subscription reached the end of the shard, or the receiver has enough.
    All,
}

/// Returns true for temporary errors: the previous subscription is still active, the connection broke, or Kinesis throttles.
fn passes(code: Option<&str>) -> bool {
    let passing = [
        "ResourceInUseException",
        "LimitExceededException",
        "InternalFailure",
        "ServiceUnavailable",
        "ThrottlingException",
    ];
    code.is_none_or(|code| passing.contains(&code))
}

fn beginning(start: Start) -> Result<StartingPosition> {
    let (kind, time) = start.position();
    let position = StartingPosition::builder().r#type(kind).set_timestamp(time);
    position.build().context("the position has no type")
}

fn after(number: &str) -> Result<StartingPosition> {
    let position = StartingPosition::builder().r#type(ShardIteratorType::AfterSequenceNumber);
    position.sequence_number(number).build().context("the position has no type")
}
