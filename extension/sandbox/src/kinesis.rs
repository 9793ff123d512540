//! A small Kinesis: one stream, `PutRecords`, the real limits, and weather.
//!
//! It exists because no emulator refuses single records, and because tests must know what is in flight when. It checks
//! no signatures and forgets nothing.

mod request;
pub mod weather;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::http::{Reply, Server, header, reply};
use request::PutRecords;
use weather::{Verdict, Weather};

/// Base64 makes 10 MiB a third larger; JSON adds a little.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A stream on a port of loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Kinesis {
    stream: String,
    state: Arc<Mutex<State>>,
    server: Mutex<Option<Server>>,
}

/// A record that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Decoded.
    pub data: Bytes,
    /// As it was sent.
    pub partition_key: String,
    /// When it was taken.
    pub arrived: SystemTime,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    records: Vec<Record>,
    /// Number of the last request.
    last: u64,
    in_flight: BTreeSet<u64>,
    /// Requests whose sender did not wait for the answer.
    abandoned: Vec<u64>,
    /// Requests whose connection was closed from here: their senders did not give them up.
    cut: BTreeSet<u64>,
}

impl Kinesis {
    /// A stream of this name.
    pub async fn start(stream: &str) -> std::io::Result<Arc<Self>> {
        let state = Arc::new(Mutex::new(State::default()));
        let (name, shared) = (stream.to_owned(), state.clone());
        let server =
            Server::start(move |request| handle(name.clone(), shared.clone(), request)).await?;
        Ok(Arc::new(Self { stream: stream.to_owned(), state, server: Mutex::new(Some(server)) }))
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn url(&self) -> String {
        let server = self.server.lock().expect("nobody panics while holding it");
        format!("http://{}", server.as_ref().expect("it runs until it is dropped").address)
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Changes the weather, from the next request on.
    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// What was taken so far.
    pub fn records(&self) -> Vec<Record> {
        self.state().records.clone()
    }

    /// How many requests have come so far.
    pub fn requests(&self) -> u64 {
        self.state().last
    }

    /// The requests that were begun and are not answered.
    pub fn in_flight(&self) -> Vec<u64> {
        self.state().in_flight.iter().copied().collect()
    }

    /// Whether the sender of this request went away before the answer.
    pub fn was_abandoned(&self, request: u64) -> bool {
        self.state().abandoned.contains(&request)
    }

    /// Closes every connection without a word.
    pub fn close_connections(&self) {
        if let Some(server) = &*self.server.lock().expect("nobody panics while holding it") {
            let mut state = self.state();
            let State { in_flight, cut, .. } = &mut *state;
            cut.extend(in_flight.iter());
            drop(state);
            server.close_connections();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nobody panics while holding it")
}

/// Counts a request while it is in flight, also when its connection is closed meanwhile.
struct InFlight {
    state: Arc<Mutex<State>>,
    number: u64,
    /// Whether it came to its end here, with or without an answer.
    is_over: bool,
}

impl InFlight {
    fn begin(state: &Arc<Mutex<State>>) -> Self {
        let mut locked = lock(state);
        locked.last += 1;
        let number = locked.last;
        locked.in_flight.insert(number);
        drop(locked);
        Self { state: state.clone(), number, is_over: false }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.in_flight.remove(&self.number);
        if !self.is_over && !state.cut.contains(&self.number) {
            state.abandoned.push(self.number);
        }
    }
}

async fn handle(
    stream: String,
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Option<Reply> {
    let mut in_flight = InFlight::begin(&state);
    let answer = answer(&stream, &state, request).await;
    in_flight.is_over = true;
    answer
}

/// The answer, unless there is none: then the connection is closed.
async fn answer(stream: &str, state: &Mutex<State>, request: Request<Incoming>) -> Option<Reply> {
    let put = match read(stream, request).await {
        Ok(put) => put,
        Err(refusal) => return Some(*refusal),
    };
    let verdict = lock(state).weather.verdict(put.records.len());
    match verdict {
        Verdict::Take(refused) => {
            let latency = lock(state).weather.latency();
            tokio::time::sleep(latency.unwrap_or_default()).await;
            Some(take(state, put, &refused))
        }
        Verdict::TakeAndVanish => {
            take(state, put, &[]);
            None
        }
        Verdict::Fail { status, code, message } => Some(error(status, code, message)),
        // Longer than anybody waits; ends when the sender goes away.
        Verdict::Silence => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Some(error(503, "ServiceUnavailable", "after an hour of silence"))
        }
    }
}

/// Reads a request, or says why it is refused.
async fn read(stream: &str, request: Request<Incoming>) -> Result<PutRecords, Box<Reply>> {
    let refuse = |status, code, message: &str| Err(Box::new(error(status, code, message)));
    if header(&request, "x-amz-target") != Some("Kinesis_20131202.PutRecords") {
        return refuse(400, "UnknownOperationException", "this Kinesis knows PutRecords only");
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return refuse(413, "RequestEntityTooLarge", "the body is too large");
    };
    PutRecords::parse(&body.to_bytes(), stream)
        .or_else(|(code, message)| refuse(400, code, &message))
}

fn take(state: &Mutex<State>, put: PutRecords, refused: &[bool]) -> Reply {
    let mut state = lock(state);
    let arrived = SystemTime::now();
    let mut results = Vec::new();
    for (index, (data, partition_key)) in put.records.into_iter().enumerate() {
        if refused.get(index).copied().unwrap_or_default() {
            results.push(json!({
                "ErrorCode": "ProvisionedThroughputExceededException",
                "ErrorMessage": "Rate exceeded for shard shardId-000000000000",
            }));
        } else {
            let number = state.records.len();
            state.records.push(Record { data: data.into(), partition_key, arrived });
            results.push(json!({
                "SequenceNumber": format!("4959033827149025660855969253836157109592157598913{number:07}"),
                "ShardId": "shardId-000000000000",
            }));
        }
    }
    let failed = refused.iter().filter(|it| **it).count();
    json_reply(200, &json!({ "FailedRecordCount": failed, "Records": results }))
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    json_reply(status, &json!({ "__type": code, "message": message }))
}

fn json_reply(status: u16, body: &Value) -> Reply {
    reply(status, "application/x-amz-json-1.1", body.to_string())
}
