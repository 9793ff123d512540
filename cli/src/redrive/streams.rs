//! The streams that dead letters were for. What one of them refuses is no reason to keep back what others would take.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::Result;
use aws_sdk_kinesis::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use extension_spec::limits;
use kinesis_telemetry_stream::{Aws, Target, is_of_credentials, is_throttled, region_of_arn};
use kinesis_telemetry_terminal::StatusLine;
use tokio::time::sleep;

use super::letter::Whole;

/// `PutRecords`: most bytes, keys included: what every region and every emulator takes. A larger record goes alone.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// A record, and why it stays in the queue, if it does.
pub(super) type Done = (Whole, Result<(), String>);

pub(super) struct Streams {
    aws: Aws,
    /// Those that were asked for, and why one takes nothing.
    known: BTreeMap<String, Result<Target, String>>,
}

impl Streams {
    pub(super) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone(), known: BTreeMap::new() }
    }

    /// Puts each record where it was to go, under its own key. Fails if the credentials do, which no stream would spare.
    pub(super) async fn put(
        &mut self,
        records: Vec<Whole>,
        progress: &StatusLine,
    ) -> Result<Vec<Done>> {
        let mut done = Vec::new();
        let mut batches = batches(records);
        while let Some(batch) = batches.pop_front() {
            let stream = batch[0].key.stream.clone();
            let target = match self.target(&stream).await {
                Ok(target) => target,
                Err(why) => {
                    done.extend(batch.into_iter().map(|it| (it, Err(why.clone()))));
                    continue;
                }
            };
            let ended = put(&target, batch, &mut done, progress).await?;
            match ended {
                End::Done => {}
                // Which of them it was is not said.
                End::RefusedForOne(batch) => {
                    batch.into_iter().rev().for_each(|it| batches.push_front(vec![it]));
                }
                End::RefusedForAll(batch, why) => {
                    done.extend(batch.into_iter().map(|it| (it, Err(why.clone()))));
                    self.known.insert(stream, Err(why));
                }
            }
        }
        Ok(done)
    }

    /// The stream, or why nothing can be put into it.
    async fn target(&mut self, stream: &str) -> Result<Target, String> {
        if let Some(known) = self.known.get(stream) {
            return known.clone();
        }
        let found = match region_of_arn(stream) {
            Some(region) if region != self.aws.region => Target::of(stream).await,
            _ => Ok(Target::at(stream, &self.aws)),
        };
        let found = found.map_err(|error| format!("{error:#}"));
        self.known.insert(stream.to_owned(), found.clone());
        found
    }
}

/// How putting a batch has ended.
enum End {
    /// What became of each record is said.
    Done,
    /// All of them were refused on account of one.
    RefusedForOne(Vec<Whole>),
    /// The stream takes nothing.
    RefusedForAll(Vec<Whole>, String),
}

/// Puts a batch, again and again what the stream is too busy for.
async fn put(
    target: &Target,
    mut batch: Vec<Whole>,
    done: &mut Vec<Done>,
    progress: &StatusLine,
) -> Result<End> {
    let mut pauses = pauses();
    loop {
        let why = match call(target, &batch).await {
            Ok(answer) => {
                let before = batch.len();
                let why = sort(&answer, &mut batch, done);
                if batch.is_empty() {
                    return Ok(End::Done);
                }
                if batch.len() < before {
                    pauses = self::pauses();
                }
                format!("{} takes no more: {why}", batch[0].key.stream)
            }
            Err(error) => {
                let why = target.explain("PutRecords to", &error);
                match error.code() {
                    code if is_of_credentials(code) => return Err(why),
                    Some("ValidationException" | "InvalidArgumentException") => {
                        if batch.len() > 1 {
                            return Ok(End::RefusedForOne(batch));
                        }
                        done.extend(batch.into_iter().map(|it| (it, Err(format!("{why:#}")))));
                        return Ok(End::Done);
                    }
                    code if is_throttled(code) => format!("{why:#}"),
                    _ => return Ok(End::RefusedForAll(batch, format!("{why:#}"))),
                }
            }
        };
        let Some(pause) = pauses.next() else {
            return Ok(End::RefusedForAll(batch, why));
        };
        progress.report(&format!("waiting for the stream: {why}"));
        sleep(pause).await;
    }
}

async fn call(
    target: &Target,
    batch: &[Whole],
) -> Result<PutRecordsOutput, SdkError<PutRecordsError>> {
    let entry = |it: &Whole| {
        let entry = PutRecordsRequestEntry::builder().partition_key(&it.key.partition_key);
        entry.data(Blob::new(it.data.as_slice())).build()
    };
    let entries = batch.iter().map(entry).collect::<Result<Vec<_>, _>>();
    let request = target.client.put_records();
    let request = request.set_stream_name(target.name()).set_stream_arn(target.arn());
    request.set_records(Some(entries.map_err(SdkError::construction_failure)?)).send().await
}

/// Moves what the stream has to `done`; what it has not stays in the batch, and the last reason is given.
fn sort(answer: &PutRecordsOutput, batch: &mut Vec<Whole>, done: &mut Vec<Done>) -> String {
    let mut why = String::from("it does not say why");
    let mut answers = answer.records().iter();
    for record in std::mem::take(batch) {
        match answers.next() {
            // Kinesis answers each record, in their order.
            Some(it) if it.error_code().is_none() && it.sequence_number().is_some() => {
                done.push((record, Ok(())));
            }
            it => {
                if let Some((code, text)) =
                    it.and_then(|it| it.error_code().zip(it.error_message()))
                {
                    why = format!("{code}: {text}");
                }
                batch.push(record);
            }
        }
    }
    why
}

/// Records of one stream each, as many as a call takes, in their order.
fn batches(records: Vec<Whole>) -> VecDeque<Vec<Whole>> {
    let mut by_stream: BTreeMap<String, Vec<Vec<Whole>>> = BTreeMap::new();
    for record in records {
        let batches = by_stream.entry(record.key.stream.clone()).or_default();
        let room = |it: &&mut Vec<Whole>| {
            let bytes: usize = it.iter().map(Whole::size).sum();
            it.len() < limits::PUT_RECORDS && bytes + record.size() <= MOST_BYTES
        };
        match batches.last_mut().filter(room) {
            Some(batch) => batch.push(record),
            None => batches.push(vec![record]),
        }
    }
    by_stream.into_values().flatten().collect()
}

/// Between two attempts. Together about a minute, in which a stream on demand may have grown.
fn pauses() -> impl Iterator<Item = Duration> {
    const FIRST: Duration = Duration::from_millis(200);
    const LAST: Duration = Duration::from_secs(5);
    std::iter::successors(Some(FIRST), |it| Some((*it * 2).min(LAST))).take(15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redrive::letter::Key;

    fn whole(stream: &str, bytes: usize) -> Whole {
        Whole { key: Key::sample(stream), data: vec![b'x'; bytes], messages: Vec::new() }
    }

    fn sizes(records: Vec<Whole>) -> Vec<(String, usize)> {
        let batch = |it: Vec<Whole>| (it[0].key.stream.clone(), it.len());
        batches(records).into_iter().map(batch).collect()
    }

    #[test]
    fn a_call_holds_records_of_one_stream_and_no_more_than_kinesis_takes() {
        let of = |name: &str, count| (name.to_owned(), count);
        let mixed = ["a", "b", "a"].map(|stream| whole(stream, 1));
        assert_eq!(sizes(mixed.into()), [of("a", 2), of("b", 1)]);
        let many = (0..501).map(|_| whole("a", 1)).collect();
        assert_eq!(sizes(many), [of("a", 500), of("a", 1)]);
        let large = [3, 3, 9].map(|mebibytes| whole("a", mebibytes * 1024 * 1024));
        assert_eq!(sizes(large.into()), vec![of("a", 1); 3]);
    }

    #[test]
    fn a_busy_stream_is_given_about_a_minute() {
        let all: Duration = pauses().sum();
        assert!((50..=70).contains(&all.as_secs()), "{all:?}");
        assert!(pauses().is_sorted(), "it is asked ever more rarely");
    }
}
