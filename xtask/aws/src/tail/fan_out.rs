//! Enhanced fan-out: a consumer of one's own, registered for as long as it is needed, to which Kinesis pushes records.
//!
//! Source: `RegisterStreamConsumer` and `SubscribeToShard` in the Kinesis API reference.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use aws_sdk_kinesis::error::ProvideErrorMetadata as _;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream,
};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::sleep;

use super::Screen;
use crate::client::Target;
use crate::stream::{self, Record, Start};

/// Between two looks at whether the consumer is there; and until a subscription that broke is made again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often in a row a subscription may fail.
const FAILURES: u32 = 10;
/// It takes seconds.
const REGISTRATION: Duration = Duration::from_mins(1);

/// Shows what arrives until `end`, or all that was wanted is shown. The consumer is deregistered in any case.
pub(super) async fn follow(
    target: &Target,
    stream: &str,
    start: Start,
    screen: &mut Screen<'_>,
    end: impl Future<Output = ()>,
) -> Result<()> {
    let consumer = Consumer::register(target, stream).await?;
    let done = tokio::select! {
        done = consumer.follow(start, screen) => done,
        () = end => Ok(()),
    };
    let gone = consumer.deregister().await;
    done.and(gone)
}

struct Consumer<'a> {
    target: &'a Target,
    arn: String,
}

/// What a shard has given.
struct Batch {
    records: Vec<Record>,
    /// Shards that go on where this one ends.
    children: Vec<String>,
}

impl<'a> Consumer<'a> {
    async fn register(target: &'a Target, stream: &str) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("xtask-tail-{}-{now}", std::process::id());
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
            .context("Kinesis registers a consumer and does not name it")?
            .consumer_arn;
        eprintln!("registered the consumer {name}");
        Ok(Self { target, arn })
    }

    async fn deregister(&self) -> Result<()> {
        let client = &self.target.client;
        let gone = client.deregister_stream_consumer().consumer_arn(&self.arn).send().await;
        gone.map_err(|e| {
            self.target.explain(
                &format!(
                    "DeregisterStreamConsumer ({}, which is billed until it is gone) of",
                    self.arn
                ),
                &e,
            )
        })?;
        eprintln!("deregistered the consumer");
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
                        bail!("somebody has deregistered the consumer {}", self.arn)
                    }
                    _ => sleep(PAUSE).await,
                }
            }
        };
        let active = tokio::time::timeout(REGISTRATION, active).await;
        active.with_context(|| {
            format!("the consumer {} is not active within {REGISTRATION:?}", self.arn)
        })?
    }

    async fn follow(&self, start: Start, screen: &mut Screen<'_>) -> Result<()> {
        self.is_active().await?;
        let (sender, mut receiver) = mpsc::channel(100);
        let mut known = BTreeSet::new();
        // Ends with this function, and all subscriptions with it.
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
        for id in stream::shards(self.target).await? {
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
            // Nobody may be listening any more.
            _ = self.sender.send(Err(error)).await;
        }
    }

    /// A subscription lasts five minutes; then the next one begins where it ended.
    async fn until_closed(&self, start: Start) -> Result<()> {
        let mut position = beginning(start)?;
        let mut failures = 0;
        loop {
            let subscription = self
                .target
                .client
                .subscribe_to_shard()
                .consumer_arn(&self.consumer)
                .shard_id(&self.id)
                .starting_position(position.clone())
                .send()
                .await;
            let mut events = match subscription {
                Ok(subscription) => subscription.event_stream,
                Err(error) => {
                    failures += 1;
                    // The one before may live on for some seconds.
                    let passes = matches!(
                        error.code(),
                        Some("ResourceInUseException" | "LimitExceededException") | None
                    );
                    if !passes || failures >= FAILURES {
                        return Err(self.target.explain("SubscribeToShard of", &error));
                    }
                    sleep(PAUSE).await;
                    continue;
                }
            };
            loop {
                match events.recv().await {
                    Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event))) => {
                        failures = 0;
                        let records =
                            event.records.into_iter().map(record).collect::<Result<_>>()?;
                        let children: Vec<_> = event
                            .child_shards
                            .unwrap_or_default()
                            .into_iter()
                            .map(|it| it.shard_id)
                            .collect();
                        let is_closed = !children.is_empty();
                        if self.sender.send(Ok(Batch { records, children })).await.is_err()
                            || is_closed
                        {
                            return Ok(());
                        }
                        position = after(&event.continuation_sequence_number)?;
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    // A connection that broke, most often.
                    Err(error) => {
                        failures += 1;
                        if failures >= FAILURES {
                            return Err(self.target.explain("SubscribeToShard of", &error));
                        }
                        sleep(PAUSE).await;
                        break;
                    }
                }
            }
        }
    }
}

fn beginning(start: Start) -> Result<StartingPosition> {
    let position = StartingPosition::builder();
    let position = match start {
        Start::Oldest => position.r#type(ShardIteratorType::TrimHorizon),
        Start::Now => position.r#type(ShardIteratorType::Latest),
        Start::At(time) => {
            position.r#type(ShardIteratorType::AtTimestamp).timestamp(DateTime::from(time))
        }
    };
    position.build().context("a position without a type")
}

fn after(number: &str) -> Result<StartingPosition> {
    let position = StartingPosition::builder().r#type(ShardIteratorType::AfterSequenceNumber);
    position.sequence_number(number).build().context("a position without a type")
}

fn record(record: aws_sdk_kinesis::types::Record) -> Result<Record> {
    let arrived = record.approximate_arrival_timestamp.context("a record came without a time")?;
    let arrived_ms = arrived.to_millis().context("a record came with a time out of range")?;
    Ok(Record { data: record.data.into_inner(), arrived_ms })
}
