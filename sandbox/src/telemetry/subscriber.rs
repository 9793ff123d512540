//! One subscriber: its buffer, and the POSTs that empty it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};

use super::Journal;
use super::batch::{Batcher, Waiting};
use super::event;
use super::subscription::Subscription;
use crate::options::Options;

/// The longest time that a listener may take to acknowledge.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);
/// Waits between tries of a batch that was refused: doubled up to the second value.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
const DROPPED: &str = "Some logs were dropped because the downstream consumer is slower than the logs production rate";

/// The parts that a subscriber works with.
pub(super) struct Subscriber {
    pub(super) name: String,
    pub(super) subscription: Subscription,
    pub(super) options: Arc<Options>,
    pub(super) journal: Arc<Journal>,
    pub(super) messages: UnboundedReceiver<Message>,
    /// The tasks that wait until everything is delivered.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    pub(super) frozen: watch::Receiver<bool>,
}

/// A message to a subscriber.
#[derive(Debug)]
pub(super) enum Message {
    Event(Waiting),
    /// Everything before this is due now; dropping the sender says that it is delivered.
    Flush(oneshot::Sender<()>),
}

/// Events that were dropped since this was last said.
#[derive(Default)]
struct Dropped {
    records: u64,
    bytes: u64,
}

impl Subscriber {
    /// Collects and delivers events until no more can come and all were delivered. If the listener never acknowledges,
    /// it runs
    /// until its owner ends it.
    pub(super) async fn run(mut self) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let Subscription { max_items, max_bytes, timeout, .. } = self.subscription;
        let mut batcher = Batcher::new(max_items, max_bytes, timeout);
        let mut dropped = Dropped::default();
        let mut is_open = true;
        while is_open || batcher.due().is_some() {
            // A task that stopped waiting does not speed up later events.
            self.flushes.retain(|flush| !flush.is_closed());
            if batcher.due().is_none() {
                self.flushes.clear();
            }
            let due = batcher.due().filter(|_| is_open && self.flushes.is_empty());
            let waits = is_open && self.flushes.is_empty();
            tokio::select! {
                // A batch that is due goes first: events that keep coming must not hold it.
                biased;
                () = until(due, waits) => {
                    let batch = batcher.take();
                    self.deliver(&client, &batch, &mut batcher, &mut dropped).await;
                    self.confess(&mut batcher, &mut dropped);
                }
                message = self.messages.recv(), if is_open => match message {
                    Some(message) => self.collect(message, &mut batcher, &mut dropped),
                    None => is_open = false,
                },
            }
        }
    }

    fn collect(&mut self, message: Message, batcher: &mut Batcher, dropped: &mut Dropped) {
        let event = match message {
            Message::Event(event) => event,
            Message::Flush(flush) => return self.flushes.push(flush),
        };
        if batcher.bytes() + event.text.len() > self.options.telemetry_backlog_bytes {
            dropped.records += 1;
            dropped.bytes += event.text.len() as u64;
        } else {
            batcher.push(event, Instant::now());
        }
    }

    /// Tells the subscriber what it did not get.
    fn confess(&self, batcher: &mut Batcher, dropped: &mut Dropped) {
        if dropped.records > 0 {
            let event = event::logs_dropped(dropped.records, dropped.bytes, DROPPED);
            let text = event.text(&self.options, &self.subscription);
            let journal = self.journal.add(&self.name, &text);
            batcher.push(Waiting { text, journal }, Instant::now());
            *dropped = Dropped::default();
        }
    }

    /// Posts a batch until it is acknowledged, and goes on collecting meanwhile. Nothing is sent while frozen.
    async fn deliver(
        &mut self,
        client: &Client<HttpConnector, Full<Bytes>>,
        batch: &[Waiting],
        batcher: &mut Batcher,
        dropped: &mut Dropped,
    ) {
        let texts: Vec<&str> = batch.iter().map(|event| event.text.as_str()).collect();
        let body = Bytes::from(format!("[{}]", texts.join(",")));
        let uri = format!("http://127.0.0.1:{}{}", self.subscription.port, self.subscription.path);
        let mut frozen = self.frozen.clone();
        let post = async {
            let mut pause = RETRY.0;
            loop {
                // An error means that the sandbox is gone, and this task with it.
                let _ = frozen.wait_for(|is_frozen| !is_frozen).await;
                if post(client, &uri, body.clone(), &frozen).await {
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        };
        tokio::pin!(post);
        let mut is_open = true;
        loop {
            tokio::select! {
                biased;
                () = &mut post => break,
                message = self.messages.recv(), if is_open => match message {
                    Some(message) => self.collect(message, batcher, dropped),
                    None => is_open = false,
                },
            }
        }
        for event in batch {
            self.journal.accept(event.journal);
        }
    }
}

/// Returns true if the listener acknowledged in time. The time stands still while the listener is frozen.
async fn post(
    client: &Client<HttpConnector, Full<Bytes>>,
    uri: &str,
    body: Bytes,
    frozen: &watch::Receiver<bool>,
) -> bool {
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .expect("the URI was parsed when the subscription came");
    let mut frozen = frozen.clone();
    let answer = client.request(request);
    tokio::pin!(answer);
    loop {
        let began_at = tokio::time::Instant::now();
        match tokio::time::timeout_at(began_at + ACKNOWLEDGEMENT, &mut answer).await {
            Ok(answer) => return answer.is_ok_and(|response| response.status().is_success()),
            // A freeze within this time makes it count for nothing.
            Err(_) if frozen.has_changed().unwrap_or(false) || *frozen.borrow() => {
                let _ = frozen.wait_for(|is_frozen| !is_frozen).await;
            }
            Err(_) => return false,
        }
    }
}

/// Waits until a batch is due; at once if there is nothing to wait for.
async fn until(due: Option<Instant>, waits: bool) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None if waits => std::future::pending().await,
        None => {}
    }
}
