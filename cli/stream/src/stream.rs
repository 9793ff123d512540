//! Reads a stream: every shard to its tip, repeatedly.

mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::ShardIteratorType;
use kinesis_telemetry_consumer as consumer;
use kinesis_telemetry_terminal as terminal;
use tokio::time::sleep;

use crate::client::Target;
use shard::{Shard, patiently};

/// Pause between two reads of a shard, which serves five reads a second to all of its readers together.
const TURN: Duration = Duration::from_millis(250);

/// A Kinesis record, as far as a consumer needs it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The data as the stream holds it.
    pub data: Vec<u8>,
    /// The arrival at Kinesis, in milliseconds since 1970 (`ApproximateArrivalTimestamp`).
    pub arrived_ms: i64,
}

impl Record {
    /// Converts a record of the SDK.
    pub fn of(record: aws_sdk_kinesis::types::Record) -> Result<Self> {
        let arrived =
            record.approximate_arrival_timestamp.context("a record has no arrival time")?;
        let arrived_ms =
            arrived.to_millis().context("a record has an arrival time out of range")?;
        Ok(Self { data: record.data.into_inner(), arrived_ms })
    }
}

/// The position at which reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The oldest record of the stream.
    Oldest,
    /// The records that arrive from now on.
    Now,
    /// The records that have arrived since this time.
    At(SystemTime),
}

impl Start {
    /// Returns the type of shard iterator, and its timestamp.
    pub fn position(self) -> (ShardIteratorType, Option<DateTime>) {
        match self {
            Self::Oldest => (ShardIteratorType::TrimHorizon, None),
            Self::Now => (ShardIteratorType::Latest, None),
            Self::At(time) => (ShardIteratorType::AtTimestamp, Some(DateTime::from(time))),
        }
    }

    /// Replaces "now" by the current time, for a reader that begins later.
    #[must_use]
    pub fn fixed(self) -> Self {
        if self == Self::Now { Self::At(SystemTime::now()) } else { self }
    }
}

/// Reads all shards of a stream, including those that are added later.
pub struct Reader {
    target: Target,
    start: Start,
    shards: BTreeMap<String, Shard>,
}

impl Reader {
    /// Returns a reader that has read nothing yet.
    pub fn new(target: Target, start: Start) -> Self {
        Self { target, start, shards: BTreeMap::new() }
    }

    /// Takes a position in every new shard. Later reads return every record that arrives after it.
    pub async fn begin(&mut self) -> Result<()> {
        // Listed again each time, because splits and merges add shards.
        for id in shards(&self.target).await? {
            if !self.shards.contains_key(&id) {
                let shard = Shard::begin(&self.target, &id, self.start).await?;
                self.shards.insert(id, shard);
            }
        }
        // Shards that are added later hold no older records.
        self.start = Start::Oldest;
        Ok(())
    }

    /// Returns the number of shards, closed ones included.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Returns the distance of the slowest shard from the tip at the latest call of [`look`](Self::look), in milliseconds.
    pub fn behind_ms(&self) -> i64 {
        self.shards.values().map(|shard| shard.behind_ms).max().unwrap_or_default()
    }

    /// Reads the records that were added since the last call, at first all of them, shard by shard.
    pub async fn read_to_tip(&mut self) -> Result<Vec<Record>> {
        self.begin().await?;
        let mut records = Vec::new();
        for (id, shard) in &mut self.shards {
            while !shard.read(&self.target, id, &mut records).await? {}
        }
        Ok(records)
    }

    /// Reads at least every record that reached the stream by `until_ms`, and passes each on. It keeps one response of Kinesis in
    /// memory, at most 10 MB. `until_ms` is a time in the past, in milliseconds since 1970-01-01T00:00:00Z.
    pub async fn read_until(&mut self, until_ms: i64, mut take: impl FnMut(&Record)) -> Result<()> {
        let mut done = BTreeSet::new();
        let mut records = Vec::new();
        loop {
            // A shard that was split or merged continues in other shards.
            self.begin().await?;
            for (id, shard) in &mut self.shards {
                if done.contains(id) {
                    continue;
                }
                let is_at_tip = shard.read(&self.target, id, &mut records).await?;
                let is_later = records.last().is_some_and(|last| last.arrived_ms > until_ms);
                records.drain(..).for_each(|record| take(&record));
                if is_at_tip || is_later {
                    done.insert(id.clone());
                }
            }
            if self.shards.len() == done.len() {
                return Ok(());
            }
            sleep(TURN).await;
        }
    }

    /// Returns one response of records from each shard since the last call, and true if there are no more at present.
    pub async fn look(&mut self) -> Result<(Vec<Record>, bool)> {
        let mut records = Vec::new();
        let is_at_tip = self.look_by_shard(async |more| records.extend(more)).await?;
        Ok((records, is_at_tip))
    }

    /// Reads like [`look`](Self::look), and calls `take` with the records of each shard, at most 10 MB, before it reads the next
    /// shard.
    pub async fn look_by_shard(&mut self, mut take: impl AsyncFnMut(Vec<Record>)) -> Result<bool> {
        self.begin().await?;
        let mut is_at_tip = true;
        for (id, shard) in &mut self.shards {
            let mut records = Vec::new();
            is_at_tip &= shard.read(&self.target, id, &mut records).await?;
            take(records).await;
        }
        Ok(is_at_tip)
    }
}

/// Returns the IDs of a stream's shards, including closed ones.
pub async fn shards(target: &Target) -> Result<Vec<String>> {
    let mut shards = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let ask = || {
            let request = target.client.list_shards();
            // Kinesis refuses a call that holds both a token and the stream.
            match next.clone() {
                Some(token) => request.next_token(token),
                None => request.set_stream_name(target.name()).set_stream_arn(target.arn()),
            }
        };
        let page = patiently(|| ask().send()).await;
        let page = page.map_err(|e| target.explain("ListShards of", &e))?;
        shards.extend(page.shards().iter().map(|shard| shard.shard_id().to_owned()));
        match page.next_token {
            Some(token) => next = Some(token),
            None => return Ok(shards),
        }
    }
}

/// Prints the lines of a stream after decompression and de-aggregation. A terminal gets them without control characters.
pub async fn print_stream(stream: &str) -> Result<()> {
    let mut reader = Reader::new(Target::of(stream).await?, Start::Oldest);
    let mut records = Vec::new();
    for record in reader.read_to_tip().await? {
        // A damaged record is printed as it is.
        records.push(consumer::lines(&record.data).unwrap_or(record.data));
    }
    let mut out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    let written = records.iter().try_for_each(|record| {
        if is_terminal {
            out.write_all(terminal::json(&String::from_utf8_lossy(record)).as_bytes())?;
        } else {
            out.write_all(record)?;
        }
        // Ends the last line, so that the next record begins a new one.
        if record.last().is_some_and(|&last| last != b'\n') {
            out.write_all(b"\n")?;
        }
        Ok(())
    });
    match written.and_then(|()| out.flush()) {
        // A closed pipe, as in `read | head`, is not an error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("stdout cannot be written"),
    }
}
