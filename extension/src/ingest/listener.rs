//! The telemetry listener: an HTTP server that takes what Lambda posts.
//!
//! Acknowledges first: whatever a body holds it is answered 200 and handed on unread, because a batch that is refused
//! comes back for ever. Knows neither events nor Kinesis.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use extension_spec::limits::TELEMETRY_RESERVED_PORT;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::base::failpoint;
use crate::base::log;
use crate::buffer::memory_budget::{BufferedBody, MemoryBudget};

/// Largest body. Lambda buffers at most 1 MiB of events; escaping and envelopes can double that several times.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Longest delay of an acknowledgement when memory is full. It slows Lambda down, which buffers meanwhile; more would
/// also delay the news that the function has finished.
const MAX_DELAY: Duration = Duration::from_millis(200);

/// A listener that is bound and not yet serving.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    /// Binds a port that the system chooses, on every address: Lambda need not come from loopback.
    pub async fn bind() -> std::io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut socket = TcpListener::bind(any).await?;
        if socket.local_addr()?.port() == TELEMETRY_RESERVED_PORT {
            // The second is bound while the first still holds the reserved one.
            socket = TcpListener::bind(any).await?;
        }
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves in a task of its own, for the life of the process. What was received comes out of the channel, and
    /// counts as memory held until the receiver drops it.
    pub fn serve(self, memory: Arc<MemoryBudget>) -> UnboundedReceiver<BufferedBody> {
        let (bodies, received) = unbounded_channel();
        tokio::spawn(self.accept(bodies, memory));
        received
    }

    async fn accept(self, bodies: UnboundedSender<BufferedBody>, memory: Arc<MemoryBudget>) {
        let mut is_said = false;
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    is_said = false;
                    tokio::spawn(connection(stream, bodies.clone(), memory.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, say. They are shared with the function, which may give some back.
                    if !std::mem::replace(&mut is_said, true) {
                        log::warn(&format!("cannot accept telemetry for the moment: {error}"));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    bodies: UnboundedSender<BufferedBody>,
    memory: Arc<MemoryBudget>,
) {
    let service = service_fn(|request| {
        let (bodies, memory) = (bodies.clone(), memory.clone());
        async move { Ok::<_, Infallible>(answer(request, &bodies, &memory).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        // What was not acknowledged is Lambda's to send again.
        log::debug(&format!("a telemetry connection ended early: {error}"));
    }
}

async fn answer(
    request: Request<Incoming>,
    bodies: &UnboundedSender<BufferedBody>,
    memory: &Arc<MemoryBudget>,
) -> Response<Empty<Bytes>> {
    if !matches!(*request.method(), Method::POST | Method::PUT) {
        log::warn(&format!(
            "the telemetry listener was asked to {} {}",
            request.method(),
            request.uri().path()
        ));
        let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST, PUT"));
        return response;
    }
    // A body that says that it is too large need not be read first.
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return too_large(memory);
    }
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => {
            failpoint::panic_in("listener");
            if bodies.send(memory.hold(body.to_bytes())).is_err() {
                // Nobody reads any more. Refusing it would only make Lambda send it again, for ever.
                return status(StatusCode::OK);
            }
            memory.wait(MAX_DELAY).await;
            status(StatusCode::OK)
        }
        Err(error) if error.is::<LengthLimitError>() => too_large(memory),
        Err(error) => {
            log::warn(&format!("a telemetry batch broke off: {error}; lambda sends it again"));
            status(StatusCode::BAD_REQUEST)
        }
    }
}

/// Lambda's own limit is far below ours, so this is not Lambda.
fn too_large(memory: &MemoryBudget) -> Response<Empty<Bytes>> {
    memory.refuse_batch();
    log::error(&format!(
        "refused a telemetry batch of more than {MAX_BODY} bytes: its events are lost"
    ));
    status(StatusCode::PAYLOAD_TOO_LARGE)
}

fn status(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
