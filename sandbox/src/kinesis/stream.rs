//! The stream itself: its state, and its answers to requests.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Record;
use super::faults::{End, Fault, Faults, Refusal, Sent};
use super::request::{MAX_RECORD, PutRecords};
use super::shards::{self, Shards};
use crate::aws::access_key_id;
use crate::http::{Answer, Reply, bare, header, reply};
use crate::in_flight::InFlight;
use crate::lock::lock;

/// Base64 makes 10 MiB a third larger; JSON adds a little.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A stream, as its server and its owner share it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) in_flight: InFlight,
    state: Mutex<State>,
}

/// The changing state of the stream.
#[derive(Debug)]
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) shards: Shards,
    pub(super) max_record: usize,
    pub(super) records: Vec<Record>,
    /// The number of single records that were rejected.
    pub(super) refused: u64,
    /// The access key ids of the requests, in order, without repetitions in a row.
    pub(super) access_keys: Vec<String>,
    pub(super) expired: BTreeSet<String>,
}

impl Stream {
    pub(super) fn new(name: &str) -> Self {
        let state = State {
            faults: Faults::none(),
            shards: Shards::default(),
            max_record: MAX_RECORD,
            records: Vec::new(),
            refused: 0,
            access_keys: Vec::new(),
            expired: BTreeSet::new(),
        };
        Self { name: name.to_owned(), in_flight: InFlight::default(), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) async fn handle(&self, request: Request<Incoming>) -> Answer {
        let in_flight = self.in_flight.begin();
        let answer = self.answer(request).await;
        in_flight.end();
        answer
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let is_expired = self.note_sender(access_key_id(&request));
        let put = match self.read(request).await {
            Ok(put) => put,
            Err(refusal) => return Answer::Whole(*refusal),
        };
        let verdict = if is_expired {
            Fault::expired().verdict(put.records.len())
        } else {
            self.state().faults.verdict(put.records.len())
        };
        tokio::time::sleep(verdict.after).await;
        match verdict.end {
            End::Take { refused, reply } => {
                let taken = self.take(put, &refused);
                match reply {
                    Sent::All => Answer::Whole(taken),
                    Sent::Half => Answer::Half(taken),
                    Sent::Nothing => Answer::Close,
                }
            }
            End::Fail(status, code, message) => Answer::Whole(error(status, code, message)),
            End::Bare(status) => Answer::Whole(bare(status)),
            End::Foreign(status, page) => Answer::Whole(reply(status, "text/html", page)),
            End::Reset => Answer::Reset,
            // The delay is longer than any client waits, and ends when the client disconnects.
            End::Silence => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                Answer::Whole(error(503, "ServiceUnavailable", "after an hour of silence"))
            }
        }
    }

    /// Records the access key id of a request. Returns true if its credentials have expired.
    fn note_sender(&self, access_key: Option<&str>) -> bool {
        let Some(access_key) = access_key else { return false };
        let mut state = self.state();
        if state.access_keys.last().is_none_or(|last| last != access_key) {
            state.access_keys.push(access_key.to_owned());
        }
        state.expired.contains(access_key)
    }

    /// Reads a request, or returns the reply that rejects it.
    async fn read(&self, request: Request<Incoming>) -> Result<PutRecords, Box<Reply>> {
        let refuse = |status, code, message: &str| Err(Box::new(error(status, code, message)));
        if header(&request, "x-amz-target") != Some("Kinesis_20131202.PutRecords") {
            return refuse(400, "UnknownOperationException", "this Kinesis knows PutRecords only");
        }
        let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
            return refuse(413, "RequestEntityTooLarge", "the body is too large");
        };
        let max_record = self.state().max_record;
        PutRecords::parse(&body.to_bytes(), &self.name, max_record)
            .or_else(|(code, message)| refuse(400, code, &message))
    }

    /// Accepts the records, except for those that a fault or their shard rejects.
    fn take(&self, put: PutRecords, refused: &[Option<Refusal>]) -> Reply {
        let mut state = self.state();
        let (arrived, now) = (SystemTime::now(), Instant::now());
        let mut failed = 0;
        let mut results = Vec::new();
        for (record, refusal) in put.records.into_iter().zip(refused) {
            let shard = state.shards.of(&record.partition_key, record.explicit_hash_key);
            let id = shards::id(shard);
            let size = record.data.len() + record.partition_key.len();
            // A record that a fault rejects uses no throughput of its shard.
            let has_room = |state: &mut State| {
                !state.faults.is_hot(shard) && state.shards.take(shard, size, now)
            };
            let refusal =
                refusal.or_else(|| (!has_room(&mut state)).then_some(Refusal::Throughput));
            if let Some(refusal) = refusal {
                failed += 1;
                results.push(json!({
                    "ErrorCode": refusal.code(),
                    "ErrorMessage": refusal.message(&id, &self.name),
                }));
            } else {
                let number = state.records.len();
                let (data, partition_key) = (record.data, record.partition_key);
                state.records.push(Record { data, partition_key, arrived, shard });
                results.push(json!({
                    "SequenceNumber": format!("4959033827149025660855969253836157109592157598913{number:07}"),
                    "ShardId": id,
                }));
            }
        }
        state.refused += failed;
        json_reply(200, &json!({ "FailedRecordCount": failed, "Records": results }))
    }
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    json_reply(status, &json!({ "__type": code, "message": message }))
}

fn json_reply(status: u16, body: &Value) -> Reply {
    reply(status, "application/x-amz-json-1.1", body.to_string())
}
