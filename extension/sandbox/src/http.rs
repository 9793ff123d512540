//! HTTP servers on loopback whose connections can be closed from outside, and replies.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A reply with its whole body.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Pause after a connection that could not be accepted: for lack of file descriptors, say, which passes.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A server on a port of loopback that the system chose. Dropping it closes everything.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves every request with `handle`, which may have no answer: then the connection is closed without a word.
    pub(crate) async fn start<H, F>(handle: H) -> std::io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output: Into<Option<Reply>>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let accepted = connections.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                };
                let handle = handle.clone();
                let service = service_fn(move |request| {
                    let reply = handle(request);
                    async move { reply.await.into().ok_or("no answer") }
                });
                let connection = async move {
                    // A peer that breaks off is the peer's affair.
                    let _ = hyper::server::conn::http1::Builder::new()
                        // As Lambda sends them; a client that minds the case must be found out.
                        .title_case_headers(true)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                };
                let mut connections = accepted.lock().expect("nobody panics while holding it");
                while connections.try_join_next().is_some() {}
                connections.spawn(connection);
            }
        });
        Ok(Self { address, connections, accepting })
    }

    /// Closes every connection, as a peer that vanishes does; new ones are accepted.
    pub(crate) fn close_connections(&self) {
        self.connections.lock().expect("nobody panics while holding it").abort_all();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close_connections();
    }
}

/// A reply of this type.
pub(crate) fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() =
        StatusCode::from_u16(status).expect("statuses are written as numbers here");
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A reply in JSON, with the line feed that Lambda's own has.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Reply {
    reply(status, "application/json", format!("{body}\n"))
}

/// An error as the Lambda APIs report them.
pub(crate) fn error(status: u16, error_type: &str, message: &str) -> Reply {
    json(status, &serde_json::json!({ "errorMessage": message, "errorType": error_type }))
}

/// A header's text.
pub(crate) fn header<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// A random UUID, version 4.
pub(crate) fn uuid() -> String {
    let version = 4 << 76;
    let variant = 0b10 << 62;
    let bytes = fastrand::u128(..) & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let hex = format!("{bytes:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
