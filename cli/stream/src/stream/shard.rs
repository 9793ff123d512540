//! One shard, and the position in it.
//!
//! Source: `GetShardIterator` and `GetRecords` in the Kinesis API reference. An iterator is valid for five minutes.
//! A shard serves five reads a second to all of its readers together.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsError;
use aws_sdk_kinesis::types::ShardIteratorType;
use kinesis_telemetry_terminal::note;
use tokio::time::sleep;

use super::{Record, Start};
use crate::aws::is_throttled;
use crate::client::Target;

/// The pause before the next call to a service that is too busy, after the SDK has retried for some seconds.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Shard {
    place: Place,
    /// The current iterator; `None` when a closed shard has been read to its end.
    iterator: Option<String>,
    /// The distance of the latest response behind the tip, in milliseconds.
    pub(super) behind_ms: i64,
}

/// The position of an iterator that replaces an expired one.
enum Place {
    /// No record has been read yet.
    Start(Start),
    /// After the record of this sequence number.
    After(String),
}

impl Shard {
    pub(super) async fn begin(target: &Target, id: &str, start: Start) -> Result<Self> {
        // Fixed before the request, so that records which arrive during it are read too.
        let later = start.fixed();
        let iterator = Place::Start(start).iterator(target, id).await?;
        Ok(Self { place: Place::Start(later), iterator: Some(iterator), behind_ms: 0 })
    }

    /// Adds the records of one response, at most 10 MB. Returns true if there are no more at present.
    pub(super) async fn read(
        &mut self,
        target: &Target,
        id: &str,
        records: &mut Vec<Record>,
    ) -> Result<bool> {
        while let Some(iterator) = &self.iterator {
            let request = || {
                let request = target.client.get_records().shard_iterator(iterator);
                request.set_stream_arn(target.arn()).send()
            };
            let page = match patiently(request).await {
                Ok(page) => page,
                // Usually, this machine was asleep.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(GetRecordsError::is_expired_iterator_exception) =>
                {
                    self.iterator = Some(self.place.iterator(target, id).await?);
                    continue;
                }
                Err(error) => return Err(target.explain("GetRecords of", &error)),
            };
            let is_closed = page.next_shard_iterator.is_none();
            self.behind_ms = page.millis_behind_latest.filter(|_| !is_closed).unwrap_or(0);
            if let Some(last) = page.records.last() {
                self.place = Place::After(last.sequence_number.clone());
            }
            for record in page.records {
                records.push(Record::of(record)?);
            }
            self.iterator = page.next_shard_iterator;
            // An empty response is not the tip: Kinesis returns such responses while it skips an empty part of the shard.
            return Ok(self.behind_ms == 0);
        }
        Ok(true)
    }
}

impl Place {
    async fn iterator(&self, target: &Target, shard: &str) -> Result<String> {
        let ((kind, time), number) = match self {
            Self::Start(start) => (start.position(), None),
            Self::After(number) => {
                ((ShardIteratorType::AfterSequenceNumber, None), Some(number.clone()))
            }
        };
        let request = || {
            target
                .client
                .get_shard_iterator()
                .set_stream_name(target.name())
                .set_stream_arn(target.arn())
                .shard_id(shard)
                .shard_iterator_type(kind.clone())
                .set_timestamp(time)
                .set_starting_sequence_number(number.clone())
                .send()
        };
        patiently(request)
            .await
            .map_err(|e| target.explain("GetShardIterator of", &e))?
            .shard_iterator
            .with_context(|| format!("Kinesis returned no iterator for shard {shard}"))
    }
}

/// Repeats a call for as long as other readers use up the shard's limit. Callers have a deadline, or Ctrl-C.
pub(super) async fn patiently<T, E, R, F>(mut ask: impl FnMut() -> F) -> Result<T, SdkError<E, R>>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, R>>>,
{
    let mut is_told = false;
    loop {
        match ask().await {
            Err(error) if is_throttled(error.code()) => {
                if !is_told {
                    note("the stream throttles its readers; retrying");
                    is_told = true;
                }
                sleep(PATIENCE).await;
            }
            answer => return answer,
        }
    }
}
