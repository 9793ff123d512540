//! Reads a stream: every shard to its tip, again and again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::ShardIteratorType;

use crate::client::Target;
use crate::decode;

/// A Kinesis record, as far as a consumer needs it.
#[derive(Clone, Debug)]
pub struct Record {
    /// As it is in the stream.
    pub data: Vec<u8>,
    /// When Kinesis took it, in milliseconds since 1970 (`ApproximateArrivalTimestamp`).
    pub arrived_ms: i64,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that there is.
    Oldest,
    /// With what arrives from now on.
    Now,
    /// With what has arrived since.
    At(SystemTime),
}

/// Where reading has come to in each shard, so that the next look begins there.
pub struct Reader {
    target: Target,
    start: Start,
    /// `None` when a closed shard has been read to its end.
    iterators: BTreeMap<String, Option<String>>,
}

impl Reader {
    /// Reads nothing yet.
    pub fn new(target: Target, start: Start) -> Self {
        Self { target, start, iterators: BTreeMap::new() }
    }

    /// Takes a position in every shard that is new. What arrives after that is found, however late it is read.
    pub async fn begin(&mut self) -> Result<()> {
        // Asked again each time: a stream that is split or merged meanwhile has new shards.
        for shard in shards(&self.target).await? {
            if !self.iterators.contains_key(&shard) {
                let iterator = self.position(&shard).await?;
                self.iterators.insert(shard, Some(iterator));
            }
        }
        // Shards that come later hold nothing that is older.
        self.start = Start::Oldest;
        Ok(())
    }

    /// How many shards there are, closed ones included.
    pub fn shards(&self) -> usize {
        self.iterators.len()
    }

    /// What has been added since the last call (at first: everything), shard by shard.
    pub async fn read_to_tip(&mut self) -> Result<Vec<Record>> {
        self.begin().await?;
        let mut records = Vec::new();
        for iterator in self.iterators.values_mut() {
            *iterator = shard_to_tip(&self.target, iterator.take(), &mut records).await?;
        }
        Ok(records)
    }

    async fn position(&self, shard: &str) -> Result<String> {
        let target = &self.target;
        let (kind, time) = match self.start {
            Start::Oldest => (ShardIteratorType::TrimHorizon, None),
            Start::Now => (ShardIteratorType::Latest, None),
            Start::At(time) => (ShardIteratorType::AtTimestamp, Some(DateTime::from(time))),
        };
        target
            .client
            .get_shard_iterator()
            .set_stream_name(target.name())
            .set_stream_arn(target.arn())
            .shard_id(shard)
            .shard_iterator_type(kind)
            .set_timestamp(time)
            .send()
            .await
            .map_err(|e| target.explain("GetShardIterator of", &e))?
            .shard_iterator
            .with_context(|| format!("Kinesis gave no iterator for shard {shard}"))
    }
}

/// Ids of the shards that a stream has, closed ones included.
pub async fn shards(target: &Target) -> Result<Vec<String>> {
    let mut shards = Vec::new();
    let mut next = None;
    loop {
        // Kinesis refuses a call that holds both a token and the stream.
        let request = match next.take() {
            Some(token) => target.client.list_shards().next_token(token),
            None => target
                .client
                .list_shards()
                .set_stream_name(target.name())
                .set_stream_arn(target.arn()),
        };
        let page = request.send().await.map_err(|e| target.explain("ListShards of", &e))?;
        shards.extend(page.shards().iter().map(|shard| shard.shard_id().to_owned()));
        match page.next_token {
            Some(token) => next = Some(token),
            None => return Ok(shards),
        }
    }
}

/// Reads one shard on from `iterator`; returns where to go on, or `None` at a closed shard's end.
async fn shard_to_tip(
    target: &Target,
    mut iterator: Option<String>,
    records: &mut Vec<Record>,
) -> Result<Option<String>> {
    while let Some(position) = iterator.take() {
        let page = target
            .client
            .get_records()
            .shard_iterator(position)
            .set_stream_arn(target.arn())
            .send()
            .await
            .map_err(|e| target.explain("GetRecords of", &e))?;
        let at_tip = page.millis_behind_latest.unwrap_or(0) == 0;
        for record in page.records {
            let Some(arrived) = record.approximate_arrival_timestamp else {
                bail!("a record came without ApproximateArrivalTimestamp");
            };
            let arrived_ms =
                arrived.to_millis().context("a record came with a time out of range")?;
            records.push(Record { data: record.data.into_inner(), arrived_ms });
        }
        iterator = page.next_shard_iterator;
        // An empty page is no tip: Kinesis gives such pages while it walks over an empty stretch.
        if at_tip {
            break;
        }
    }
    Ok(iterator)
}

/// `read`: the stream's lines as they are, whatever their records were made to.
pub async fn print(stream: &str) -> Result<()> {
    let mut reader = Reader::new(Target::of(stream).await?, Start::Oldest);
    let mut records = Vec::new();
    for record in reader.read_to_tip().await? {
        // What cannot be undone is shown as it is.
        records.push(decode::lines(&record.data).unwrap_or(record.data));
    }
    let mut out = io::stdout().lock();
    let written = records.iter().try_for_each(|record| {
        out.write_all(record)?;
        // A record that does not end its last line must not swallow the next record's first.
        if record.last().is_some_and(|&last| last != b'\n') {
            out.write_all(b"\n")?;
        }
        Ok(())
    });
    match written.and_then(|()| out.flush()) {
        // `read | head` is a proper use, not a failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("stdout cannot be written"),
    }
}
