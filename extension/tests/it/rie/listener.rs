//! A listener for telemetry that refuses the first batch, and notes how each one was delivered.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::PATIENCE;

/// A batch, and how it was delivered.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) content_type: String,
    pub(super) events: Vec<Value>,
}

impl Batch {
    pub(super) fn has(&self, event_type: &str) -> bool {
        self.events.iter().any(|event| event["type"] == event_type)
    }
}

/// A listener that runs until the test ends.
pub(super) struct Listener {
    pub(super) port: u16,
    batches: watch::Receiver<Vec<Batch>>,
}

impl Listener {
    pub(super) async fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let (sender, batches) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request| take(request, sender.clone()));
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { port, batches }
    }

    /// Waits until the first batch has arrived.
    pub(super) async fn until_refused(&mut self) {
        self.wait_for(|batches| !batches.is_empty()).await;
    }

    /// Returns all batches once a later one than the first contains this event.
    pub(super) async fn until(&mut self, event_type: &str) -> Vec<Batch> {
        self.wait_for(|batches| batches.iter().skip(1).any(|batch| batch.has(event_type))).await
    }

    async fn wait_for(&mut self, is: impl Fn(&[Batch]) -> bool) -> Vec<Batch> {
        let there = self.batches.wait_for(|batches| is(batches));
        let there = tokio::time::timeout(PATIENCE, there).await;
        there.expect("it comes in time").unwrap().clone()
    }
}

async fn take(
    request: Request<Incoming>,
    sender: watch::Sender<Vec<Batch>>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let content_type = head.headers.get(CONTENT_TYPE).map(|it| it.to_str().unwrap().to_owned());
    let batch = Batch {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        content_type: content_type.unwrap_or_default(),
        events: serde_json::from_slice(&body).unwrap(),
    };
    let mut is_first = false;
    sender.send_modify(|batches| {
        is_first = batches.is_empty();
        batches.push(batch);
    });
    let status = if is_first { 500 } else { 200 };
    Ok(Response::builder().status(status).body(Empty::new()).unwrap())
}
