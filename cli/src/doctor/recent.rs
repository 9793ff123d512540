//! The newest records of a stream: their age, and the ledgers in them.
//!
//! A shard serves five requests a second to all of its readers together, so this module makes only a few.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use aws_sdk_kinesis::error::ProvideErrorMetadata as _;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::ShardIteratorType;
use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer};
use kinesis_telemetry_stream::{Aws, Record, Target, is_throttled, shards};
use tokio::time::timeout;

use super::finding::Verdict;
use super::ledger::Counts;
use crate::age::{age, now_ms};
use crate::fleet;

/// The length of the period that is read; it ends now.
const WINDOW: Duration = Duration::from_mins(15);
/// The period to which reading skips if there are too many records.
const NEWEST: Duration = Duration::from_secs(20);
/// Largest number of responses that are read from a shard: in the window, and after the skip to the newest records.
const PAGES: [(Duration, usize); 2] = [(WINDOW, 4), (NEWEST, 2)];
/// Largest number of shards that are read.
const SHARDS: usize = 32;
/// Size in bytes of the records that are searched for ledgers.
const BYTES: usize = 24 << 20;
/// Number of instances whose ledgers are kept.
const INSTANCES: usize = 10_000;
/// Longest time for all reads together.
const LIMIT: Duration = Duration::from_secs(5);

/// The findings in the newest records of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// The arrival of the newest record, in milliseconds since 1970.
    newest_ms: Option<i64>,
    /// The distance between the last record that was read and the newest one (`MillisBehindLatest`).
    behind_ms: i64,
    /// The number of the stream's shards, if not all of them were read.
    of_shards: Option<usize>,
    /// True if other readers use up the read capacity of a shard.
    is_busy: bool,
    /// True if Kinesis did not answer in time.
    is_late: bool,
    bytes: usize,
    /// The last ledger of each instance, by function.
    pub(super) ledgers: BTreeMap<String, BTreeMap<String, Counts>>,
}

/// Reads the newest records of a stream.
pub(super) async fn read(arn: &str, aws: &Aws) -> Result<Recent> {
    let target = Target::at(arn, aws);
    let recent = RefCell::new(Recent::default());
    let all = async {
        let mut ids = shards(&target).await?;
        recent.borrow_mut().of_shards = (ids.len() > SHARDS).then_some(ids.len());
        // The newest shards have the highest numbers.
        let ids = ids.split_off(ids.len().saturating_sub(SHARDS));
        let read = fleet::each(4, &ids, async |id| shard(&target, id, &recent).await, |_| ());
        read.await.into_iter().collect::<Result<()>>()
    };
    let read = timeout(LIMIT, Box::pin(all)).await;
    let mut recent = recent.into_inner();
    match read {
        Ok(read) => read?,
        Err(_) if recent.newest_ms.is_some() => recent.is_late = true,
        Err(_) => bail!(
            "reading the stream takes longer than {} s at {}",
            LIMIT.as_secs(),
            aws.place("KINESIS")
        ),
    }
    Ok(recent)
}

/// Reads a shard: the window, and the newest records if there are too many before them.
async fn shard(target: &Target, id: &str, recent: &RefCell<Recent>) -> Result<()> {
    let mut behind_ms = 0;
    for (since, pages) in PAGES {
        let request = target.client.get_shard_iterator().shard_id(id);
        let request = request.set_stream_name(target.name()).set_stream_arn(target.arn());
        let request = request.shard_iterator_type(ShardIteratorType::AtTimestamp);
        let request = request.timestamp(DateTime::from(SystemTime::now() - since));
        let mut iterator = match request.send().await {
            Ok(answer) => answer.shard_iterator,
            Err(error) if is_throttled(error.code()) => {
                recent.borrow_mut().is_busy = true;
                return Ok(());
            }
            Err(error) => return Err(target.explain("GetShardIterator of", &error)),
        };
        for _ in 0..pages {
            let Some(at) = iterator else { break };
            let request = target.client.get_records().shard_iterator(at);
            let page = match request.set_stream_arn(target.arn()).send().await {
                Ok(page) => page,
                Err(error) if is_throttled(error.code()) => {
                    recent.borrow_mut().is_busy = true;
                    return Ok(());
                }
                Err(error) => return Err(target.explain("GetRecords of", &error)),
            };
            behind_ms = page.millis_behind_latest.unwrap_or_default();
            iterator = page.next_shard_iterator;
            for record in page.records {
                recent.borrow_mut().add(&Record::of(record)?);
            }
            if behind_ms == 0 || iterator.is_none() {
                return Ok(());
            }
        }
    }
    let mut recent = recent.borrow_mut();
    recent.behind_ms = recent.behind_ms.max(behind_ms);
    Ok(())
}

impl Recent {
    fn add(&mut self, record: &Record) {
        self.newest_ms = self.newest_ms.max(Some(record.arrived_ms));
        self.bytes += record.data.len();
        if self.bytes > BYTES {
            return;
        }
        for event in consumer::record(&record.data).into_iter().flatten() {
            if event.kind != event_type::LEDGER || self.ledgers.len() > INSTANCES {
                continue;
            }
            let Some(function) = event.source.function.clone() else { continue };
            let Some(counts) = Counts::of(&event) else { continue };
            let instances = self.ledgers.entry(function).or_default();
            let has_room = instances.len() < INSTANCES;
            match instances.get_mut(&event.source.instance) {
                Some(known) if known.up_to > counts.up_to => {}
                Some(known) => *known = counts,
                None if has_room => _ = instances.insert(event.source.instance, counts),
                None => {}
            }
        }
    }

    /// Returns the age of the newest record, and the limits of this finding.
    pub(super) fn verdict(&self) -> Verdict {
        let age_of_newest = match self.newest_ms {
            Some(newest) => format!("{} old", age(newest, now_ms())),
            None => format!("no record in the last {} minutes", WINDOW.as_secs() / 60),
        };
        let limits = [
            (self.behind_ms > 0).then(|| {
                let behind = age(0, self.behind_ms);
                format!("the stream is busy, so reading ended {behind} before its end")
            }),
            self.of_shards.map(|shards| format!("{SHARDS} of {shards} shards were read")),
            self.is_busy.then(|| {
                "other readers use up the read capacity of a shard, which was skipped".to_owned()
            }),
            self.is_late.then(|| format!("reading ended after {} s", LIMIT.as_secs())),
        ];
        let words: Vec<_> = [Some(age_of_newest)].into_iter().chain(limits).flatten().collect();
        Verdict::note(words.join("; "))
    }
}
