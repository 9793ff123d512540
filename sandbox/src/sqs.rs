//! A fake SQS: one queue with `SendMessageBatch`, the service's limits, and faults by script.
//!
//! It checks no signatures and keeps every message. It has no `ReceiveMessage`: tests read the messages from [`Sqs`].

mod batch;
mod faults;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use crate::aws::md5;
use crate::http::{Answer, Reply, Server, header, reply, uuid};
use crate::in_flight::InFlight;
use crate::lock::lock;
use batch::{Batch, Entry};
pub use faults::Fault;

/// A batch of 1 MiB whose JSON escapes every character.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Owner of the queue.
const ACCOUNT: &str = "111122223333";

/// A queue on a port of loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Sqs {
    queue: Arc<Queue>,
    server: Server,
}

/// A message that the queue accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The body of the message.
    pub body: String,
    /// Its attributes, except binary ones.
    pub attributes: BTreeMap<String, String>,
}

/// The queue, as its server and its owner share it.
#[derive(Debug)]
struct Queue {
    name: String,
    in_flight: InFlight,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    messages: Vec<Message>,
    max_bytes: usize,
    /// The faults of the next requests; after them `always` applies.
    script: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Sqs {
    /// Starts a queue with this name.
    pub async fn start(queue_name: &str) -> std::io::Result<Arc<Self>> {
        let state = State {
            messages: Vec::new(),
            max_bytes: batch::MAX_BYTES,
            script: VecDeque::new(),
            always: None,
        };
        let queue = Arc::new(Queue {
            name: queue_name.to_owned(),
            in_flight: InFlight::default(),
            state: Mutex::new(state),
        });
        let shared = queue.clone();
        let handle = move |request| {
            let queue = shared.clone();
            async move { queue.handle(request).await }
        };
        Ok(Arc::new(Self { queue, server: Server::start(handle).await? }))
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_SQS`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Returns the URL of the queue, by which requests name it.
    pub fn queue_url(&self) -> String {
        format!("{}/{ACCOUNT}/{}", self.url(), self.queue.name)
    }

    /// The ARN of the queue in this region.
    pub fn queue_arn(&self, region: &str) -> String {
        format!("arn:aws:sqs:{region}:{ACCOUNT}:{}", self.queue.name)
    }

    /// Returns the messages that were accepted so far.
    pub fn messages(&self) -> Vec<Message> {
        self.queue.state().messages.clone()
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        self.queue.in_flight.count()
    }

    /// Returns the numbers of the requests that are not answered yet. Requests count from 1.
    pub fn in_flight(&self) -> Vec<u64> {
        self.queue.in_flight.in_flight()
    }

    /// The next requests meet these faults, in order. Later requests meet the fault of [`Sqs::set_always`].
    pub fn set_script(&self, script: impl IntoIterator<Item = Fault>) {
        self.queue.state().script = script.into_iter().collect();
    }

    /// Every request after the script meets this fault, or none.
    pub fn set_always(&self, fault: Option<Fault>) {
        self.queue.state().always = fault;
    }

    /// Changes the size of the largest message and of the largest batch: `MaximumMessageSize`. SQS and this queue allow
    /// 1 MiB at most; older queues have 256 KiB.
    pub fn set_max_message_bytes(&self, bytes: usize) {
        self.queue.state().max_bytes = bytes.min(batch::MAX_BYTES);
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    async fn handle(&self, request: Request<Incoming>) -> Answer {
        let in_flight = self.in_flight.begin();
        let answer = self.answer(request).await;
        in_flight.end();
        answer
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if header(&request, "x-amz-target") != Some("AmazonSQS.SendMessageBatch") {
            return error(400, "InvalidAction", "this queue knows SendMessageBatch only").into();
        }
        let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
            return error(413, "RequestEntityTooLarge", "the body is too large").into();
        };
        let max_bytes = self.state().max_bytes;
        let batch = match Batch::parse(&body.to_bytes(), &self.name, max_bytes) {
            Ok(batch) => batch,
            Err((code, message)) => return error(400, code, &message).into(),
        };
        let fault = {
            let mut state = self.state();
            state.script.pop_front().or_else(|| state.always.clone())
        };
        match fault {
            None | Some(Fault::None) => self.take(batch, |_| None).into(),
            Some(Fault::FailEntries { indices, code, sender_fault }) => self
                .take(batch, |index| indices.contains(&index).then_some((code, sender_fault)))
                .into(),
            Some(Fault::Fail(status, code, message)) => error(status, code, message).into(),
            Some(Fault::TakeAndVanish) => {
                self.take(batch, |_| None);
                Answer::Close
            }
            // The delay is longer than any client waits, and ends when the client disconnects.
            Some(Fault::Silence) => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                error(503, "ServiceUnavailable", "after an hour of silence").into()
            }
        }
    }

    /// Accepts the entries, except for those that `fails` names and those that are invalid.
    fn take(&self, batch: Batch, fails: impl Fn(usize) -> Option<(&'static str, bool)>) -> Reply {
        let mut state = self.state();
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (index, entry) in batch.entries.into_iter().enumerate() {
            let fault = entry.refusal().map(|code| (code, true)).or_else(|| fails(index));
            if let Some((code, sender_fault)) = fault {
                failed.push(json!({
                    "Id": entry.id,
                    "Code": code,
                    "Message": faults::message(code),
                    "SenderFault": sender_fault,
                }));
            } else {
                successful.push(success(&entry));
                state.messages.push(entry.message());
            }
        }
        // The service leaves out a list that would be empty, though its model says that it does not.
        let lists = [("Successful", successful), ("Failed", failed)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let body = lists.map(|(name, list)| (name.to_owned(), list.into())).collect();
        json_reply(200, &Value::Object(body))
    }
}

fn success(entry: &Entry) -> Value {
    let mut result = json!({
        "Id": entry.id,
        "MessageId": uuid(),
        "MD5OfMessageBody": md5(entry.body.as_bytes()),
    });
    if let Some(digest) = entry.digest_of_attributes() {
        result["MD5OfMessageAttributes"] = digest.into();
    }
    result
}

/// An error in the protocol of SQS, with the header by which clients know the older names.
fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message });
    let mut reply = json_reply(status, &body);
    let side = if status < 500 { "Sender" } else { "Receiver" };
    if let Ok(name) = HeaderValue::from_str(&format!("{};{side}", faults::query_name(code))) {
        reply.headers_mut().insert("x-amzn-query-error", name);
    }
    reply
}

fn json_reply(status: u16, body: &Value) -> Reply {
    reply(status, "application/x-amz-json-1.0", body.to_string())
}
