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
use tokio::sync::watch;

use super::Journal;
use super::batch::{Batcher, Waiting};
use super::event;
use super::subscription::Subscription;
use crate::options::Options;

/// How long a listener may take to acknowledge.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);
/// Waits between tries of a batch that was refused: doubled up to the second value.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
const DROPPED: &str = "Some logs were dropped because the downstream consumer is slower than the logs production rate";

/// What a subscriber works with.
pub(super) struct Subscriber {
    pub(super) name: String,
    pub(super) subscription: Subscription,
    pub(super) options: Arc<Options>,
    pub(super) journal: Arc<Journal>,
    pub(super) events: UnboundedReceiver<Waiting>,
    pub(super) frozen: watch::Receiver<bool>,
}

/// Events that were dropped since this was last said.
#[derive(Default)]
struct Dropped {
    records: u64,
    bytes: u64,
}

impl Subscriber {
    /// Collects and delivers until no more events can come and all were delivered; or for ever, if the listener never
    /// acknowledges: whoever spawned this ends it.
    pub(super) async fn run(mut self) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let Subscription { max_items, max_bytes, timeout, .. } = self.subscription;
        let mut batcher = Batcher::new(max_items, max_bytes, timeout);
        let mut dropped = Dropped::default();
        let mut is_open = true;
        while is_open || batcher.due().is_some() {
            let due = batcher.due().filter(|_| is_open);
            tokio::select! {
                biased;
                event = self.events.recv(), if is_open => match event {
                    Some(event) => self.collect(event, &mut batcher, &mut dropped),
                    None => is_open = false,
                },
                () = until(due, is_open) => {
                    let batch = batcher.take();
                    self.deliver(&client, &batch, &mut batcher, &mut dropped).await;
                    self.confess(&mut batcher, &mut dropped);
                }
            }
        }
    }

    fn collect(&self, event: Waiting, batcher: &mut Batcher, dropped: &mut Dropped) {
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
                event = self.events.recv(), if is_open => match event {
                    Some(event) => self.collect(event, batcher, dropped),
                    None => is_open = false,
                },
            }
        }
        for event in batch {
            self.journal.accept(event.journal);
        }
    }
}

/// Whether the listener acknowledged, in time. The time stands still while the listener is frozen.
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

/// Until a batch is due; at once when nothing more can come.
async fn until(due: Option<Instant>, is_open: bool) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None if is_open => std::future::pending().await,
        None => {}
    }
}
