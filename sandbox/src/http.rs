//! HTTP servers on loopback whose connections can be closed from outside, and replies.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::lock::lock;

/// A reply with its whole body.
pub(crate) type Reply = Response<Full<Bytes>>;

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole(Reply),
    /// Sends the head, which promises the whole body, and half of the body; then closes the connection.
    Half(Reply),
    /// Closes the connection without an answer.
    Close,
    /// Resets the connection, as a host does that has no such connection.
    Reset,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Whole(reply)
    }
}

/// The pause after a connection could not be accepted, for example for lack of file descriptors, which is temporary.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A server on a port of loopback that the system chose. Dropping it closes everything.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepted: Arc<AtomicU64>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves every request with `handle`.
    pub(crate) async fn start<H, F>(handle: H) -> std::io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output: Into<Answer>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let (accepted, count) = (connections.clone(), Arc::<AtomicU64>::default());
        let counted = count.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                };
                counted.fetch_add(1, Ordering::Relaxed);
                let connection = connection(stream, handle.clone());
                let mut connections = lock(&accepted);
                while connections.try_join_next().is_some() {}
                connections.spawn(connection);
            }
        });
        Ok(Self { address, connections, accepted: count, accepting })
    }

    /// Returns the number of connections that were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Closes every connection, as a peer that vanishes does; new ones are accepted.
    pub(crate) fn close_connections(&self) {
        lock(&self.connections).abort_all();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close_connections();
    }
}

/// Serves one connection until its end.
async fn connection<H, F>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output: Into<Answer>> + Send + 'static,
{
    let is_reset = Arc::new(AtomicBool::new(false));
    let reset = is_reset.clone();
    let service = service_fn(move |request| {
        let (answer, reset) = (handle(request), reset.clone());
        async move {
            match answer.await.into() {
                Answer::Whole(reply) => Ok(reply.map(Content::Whole)),
                Answer::Half(reply) => Ok(reply.map(Content::cut)),
                Answer::Close => Err("no answer"),
                Answer::Reset => {
                    reset.store(true, Ordering::Relaxed);
                    Err("no answer")
                }
            }
        }
    });
    let mut connection = hyper::server::conn::http1::Builder::new()
        // Lambda sends names of headers in title case. A client that depends on another case must fail here.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    // An error here means that the peer closed the connection, which is not a failure of the server.
    let _ = (&mut connection).await;
    if is_reset.load(Ordering::Relaxed) {
        // Closing without lingering is what makes the kernel send RST.
        let _ = connection.into_parts().io.inner().set_zero_linger();
    }
}

/// The body of a reply.
enum Content {
    Whole(Full<Bytes>),
    /// Half of a body of this length, until it is sent, and whether the connection has paused once. Without a pause
    /// before the error, the half that was written would not be sent.
    Half {
        length: u64,
        half: Option<Bytes>,
        has_paused: bool,
    },
}

impl Content {
    fn cut(mut whole: Full<Bytes>) -> Self {
        let length = whole.size_hint().lower();
        let nothing = &mut Context::from_waker(std::task::Waker::noop());
        let frame = match Pin::new(&mut whole).poll_frame(nothing) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            _ => Bytes::new(),
        };
        Self::Half { length, half: Some(frame.slice(..frame.len() / 2)), has_paused: false }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Half { half, has_paused, .. } => {
                if let Some(half) = half.take() {
                    return Poll::Ready(Some(Ok(Frame::data(half))));
                }
                if std::mem::replace(has_paused, true) {
                    return Poll::Ready(Some(Err("the other half")));
                }
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Half { length, .. } => SizeHint::with_exact(*length),
        }
    }
}

/// A reply of this type.
pub(crate) fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = bare(status).map(|_| Full::new(body.into()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A reply without a body.
pub(crate) fn bare(status: u16) -> Reply {
    let mut reply = Response::default();
    *reply.status_mut() =
        StatusCode::from_u16(status).expect("statuses are written as numbers here");
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

/// Returns the text of a header.
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
