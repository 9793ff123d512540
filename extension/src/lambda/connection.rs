//! A connection to Lambda's APIs, on which a request may be in flight before hyper exists.
//!
//! The extension makes one call after the other, so a pool of connections would only slow down each start.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::early::Early;

/// An error of a call.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends requests on one connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Opens a connection to this `host:port`.
pub(super) async fn connect(authority: &str) -> Result<Sender, BoxError> {
    serve(TcpStream::connect(authority).await?, Stage::Open).await
}

/// Returns the sender of an early connection. Its first request must be the one that was already written.
pub(super) async fn resume(early: Early) -> Result<Sender, BoxError> {
    serve(TcpStream::from_std(early.into_stream())?, Stage::Written).await
}

async fn serve(stream: TcpStream, stage: Stage) -> Result<Sender, BoxError> {
    let io = Resumed { io: TokioIo::new(stream), stage };
    let (sender, connection) = http1::handshake(io).await?;
    // The call that waits for a response receives the error.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// The progress of the first request of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The request was written early, and hyper has not written it yet.
    Written,
    /// Hyper has written the request too, and that copy was discarded.
    Asked,
    /// The response has started, or no request was written early.
    Open,
}

/// A stream that discards the first request that hyper writes if it was already written.
///
/// Hyper then reads the response as that of its own request, whatever its form.
struct Resumed {
    io: TokioIo<TcpStream>,
    stage: Stage,
}

impl Read for Resumed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stage == Stage::Written {
            // A response without a request is an error to hyper. `poll_write` wakes the reader.
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready() {
            self.stage = Stage::Open;
        }
        read
    }
}

impl Write for Resumed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.stage == Stage::Open {
            return Pin::new(&mut self.io).poll_write(context, bytes);
        }
        self.stage = Stage::Asked;
        context.waker().wake_by_ref();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
