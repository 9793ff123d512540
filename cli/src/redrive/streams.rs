//! The allowed streams. A failure of one stream does not keep back the records of others.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_kinesis::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use extension_spec::limits;
use kinesis_telemetry_stream::{Aws, Target, is_of_credentials, is_throttled};
use kinesis_telemetry_terminal::{StatusLine, beginning};
use tokio::time::sleep;

use super::letters::Whole;

/// Largest size of a `PutRecords` call in bytes, including keys, that every region and every emulator accepts. A larger record is
/// sent alone.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// Number of consecutive failures after which a stream counts as unavailable. Fewer may be caused by single records.
const MOST_FAILURES: u32 = 3;
/// Largest length of a reason in the status line, in characters.
const STATUS_CHARS: usize = 200;

/// A record, and the reason why it stays in the queue, if it does.
pub(super) type Done = (Whole, Result<(), String>);

pub(super) struct Streams {
    aws: Aws,
    /// The streams that were used, by ARN.
    known: BTreeMap<String, Known>,
}

/// A stream, and the failures of this run there.
struct Known {
    /// The client for the stream, or the reason why it accepts no records.
    target: Result<Target, String>,
    /// Number of records for which the retries ended while the stream was busy. Each one halves the retry time of the next record.
    busy: u32,
    /// Number of consecutive failed calls of which either a record or the stream may be the cause.
    failures: u32,
}

impl Streams {
    pub(super) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone(), known: BTreeMap::new() }
    }

    /// Writes each record to its stream, with its own partition key. Fails if the credentials are invalid, because every stream
    /// would fail.
    pub(super) async fn put(
        &mut self,
        records: Vec<Whole>,
        progress: &StatusLine,
    ) -> Result<Vec<Done>> {
        let mut done = Vec::new();
        let mut batches = batches(records);
        while let Some(batch) = batches.pop_front() {
            let known = match self.known.entry(batch[0].key.stream.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let target = Target::at(unknown.key(), &self.aws).for_large_requests();
                    let target = Ok(target);
                    unknown.insert(Known { target, busy: 0, failures: 0 })
                }
            };
            // Kinesis does not report which of several records it rejected.
            for record in known.put(batch, &mut done, progress).await?.into_iter().rev() {
                batches.push_front(vec![record]);
            }
        }
        Ok(done)
    }
}

impl Known {
    /// Writes a batch, and retries records while the stream is busy. Returns the records of a call that was rejected because of
    /// one of them.
    async fn put(
        &mut self,
        mut batch: Vec<Whole>,
        done: &mut Vec<Done>,
        progress: &StatusLine,
    ) -> Result<Vec<Whole>> {
        let target = match &self.target {
            Ok(target) => target.clone(),
            Err(why) => {
                keep(batch, why, done);
                return Ok(Vec::new());
            }
        };
        let mut pauses = pauses(self.busy);
        loop {
            let (why, is_answered) = match call(&target, &batch).await {
                Ok(answer) => {
                    let before = batch.len();
                    let why = sort(&answer, &mut batch, done);
                    if batch.len() < before {
                        self.failures = 0;
                        pauses = self::pauses(self.busy);
                    }
                    if batch.is_empty() {
                        return Ok(Vec::new());
                    }
                    (format!("{} accepts no more records: {why}", batch[0].key.stream), true)
                }
                Err(error) => {
                    let why = format!("{:#}", target.explain("PutRecords to", &error));
                    match (fault(error.code(), batch.len()), batch.len()) {
                        (Fault::Credentials, _) => bail!(why),
                        (Fault::Busy, _) => (why, false),
                        (Fault::Record | Fault::Unclear, 2..) => return Ok(batch),
                        (Fault::Record, _) => {
                            keep(batch, &why, done);
                            return Ok(Vec::new());
                        }
                        (fault, _) => {
                            self.fail(&why, fault == Fault::Stream);
                            keep(batch, &why, done);
                            return Ok(Vec::new());
                        }
                    }
                }
            };
            let Some(pause) = pauses.next() else {
                self.busy += 1;
                if !is_answered {
                    self.fail(&why, false);
                }
                keep(batch, &why, done);
                return Ok(Vec::new());
            };
            let why = beginning(&why, STATUS_CHARS);
            progress.report(&format!("waiting for the stream: {why}"));
            sleep(pause).await;
        }
    }

    /// Notes a failed call. After several, or if the stream is the cause, the stream counts as unavailable.
    fn fail(&mut self, why: &str, is_of_stream: bool) {
        self.failures += 1;
        if is_of_stream || self.failures >= MOST_FAILURES {
            self.target = Err(why.to_owned());
        }
    }
}

/// The consequence of a failed call for later records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// No call would succeed.
    Credentials,
    /// The same call may succeed later.
    Busy,
    /// One of the records is refused.
    Record,
    /// Every record is refused.
    Stream,
    /// One of the records may be the cause, such as by its size.
    Unclear,
}

fn fault(code: Option<&str>, records: usize) -> Fault {
    match code {
        _ if is_of_credentials(code) => Fault::Credentials,
        _ if is_throttled(code) => Fault::Busy,
        Some("ValidationException" | "InvalidArgumentException") => Fault::Record,
        Some("AccessDeniedException" | "ResourceNotFoundException") => Fault::Stream,
        Some(code) if code.starts_with("KMS") => Fault::Stream,
        // A batch of several records is small enough for every service, so the service itself does not answer.
        None if records > 1 => Fault::Stream,
        _ => Fault::Unclear,
    }
}

fn keep(batch: Vec<Whole>, why: &str, done: &mut Vec<Done>) {
    done.extend(batch.into_iter().map(|it| (it, Err(why.to_owned()))));
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

/// Moves the accepted records to `done`, and keeps the others in the batch. Returns the last reason.
fn sort(answer: &PutRecordsOutput, batch: &mut Vec<Whole>, done: &mut Vec<Done>) -> String {
    let mut why = String::from("no reason given");
    let mut answers = answer.records().iter();
    for record in std::mem::take(batch) {
        match answers.next() {
            // Kinesis returns a result for each record, in order.
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

/// Returns batches of records for one stream each, as large as one call allows, in order.
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

/// Returns the pauses between attempts. Together they last about a minute, in which an on-demand stream may scale; less for a
/// stream that was already busy.
fn pauses(busy: u32) -> impl Iterator<Item = Duration> {
    const FIRST: Duration = Duration::from_millis(200);
    const LAST: Duration = Duration::from_secs(5);
    const COUNT: usize = 15;
    let count = COUNT.checked_shr(busy).unwrap_or_default();
    std::iter::successors(Some(FIRST), |it| Some((*it * 2).min(LAST))).take(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redrive::piece::Piece;

    fn whole(stream: &str, bytes: usize) -> Whole {
        let mut key = Piece::sample("i", 1, 1, "").key;
        key.stream = stream.to_owned();
        Whole { key: key.into(), data: vec![b'x'; bytes], messages: Vec::new() }
    }

    fn sizes(records: Vec<Whole>) -> Vec<(String, usize)> {
        let batch = |it: Vec<Whole>| (it[0].key.stream.clone(), it.len());
        batches(records).into_iter().map(batch).collect()
    }

    #[test]
    fn a_call_has_one_stream_and_stays_within_the_limits() {
        let of = |name: &str, count| (name.to_owned(), count);
        let mixed = ["a", "b", "a"].map(|stream| whole(stream, 1));
        assert_eq!(sizes(mixed.into()), [of("a", 2), of("b", 1)]);
        let many = (0..501).map(|_| whole("a", 1)).collect();
        assert_eq!(sizes(many), [of("a", 500), of("a", 1)]);
        let large = [3, 3, 9].map(|mebibytes| whole("a", mebibytes * 1024 * 1024));
        assert_eq!(sizes(large.into()), vec![of("a", 1); 3]);
    }

    #[test]
    fn a_busy_stream_is_retried_for_about_a_minute() {
        let all: Duration = pauses(0).sum();
        assert!((50..=70).contains(&all.as_secs()), "{all:?}");
        assert!(pauses(0).is_sorted(), "the pauses grow");
        let later: Duration = (1..1000).flat_map(pauses).sum();
        assert!(
            later.as_secs() < 300,
            "a thousand batches for a busy stream take only minutes: {later:?}"
        );
    }
}
