//! A fake Lambda for one extension: it answers every call at once, and records the time of the call.
//!
//! The sandbox also starts processes, keeps a journal and enforces rules, which takes longer than the whole start of an
//! extension. Here each connection has a blocking thread.

mod http;
mod kinesis;

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};

use http::{Connection, Request};
pub(crate) use kinesis::{Kinesis, STREAM, Transport};

use crate::watched::Watched;

/// The calls of an extension, with their times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) registered: Option<Instant>,
    pub(crate) subscribed: Option<Instant>,
    /// The port and the path of its telemetry listener.
    listener: Option<(u16, String)>,
    /// The time of each call of `next`.
    pub(crate) nexts: Vec<Instant>,
    /// The event that answers the next call of `next`.
    answer: Option<String>,
}

/// The Extensions and Telemetry APIs for one extension.
pub(crate) struct FakeLambda {
    address: SocketAddr,
    seen: Arc<Watched<Seen>>,
    telemetry: Option<Connection<TcpStream>>,
}

/// The time that the real Lambda leaves a listener for its answer.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);

impl FakeLambda {
    /// Starts to listen. The threads end with the extension.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let seen = Arc::<Watched<Seen>>::default();
        let serving = Arc::clone(&seen);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let seen = Arc::clone(&serving);
                thread::spawn(move || serve(client, &seen));
            }
        });
        Ok(Self { address, seen, telemetry: None })
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.get()
    }

    /// Returns the time of the `n`th call of `next`, from 1. Waits for it for at most `timeout`.
    pub(crate) fn next(&self, n: usize, timeout: Duration) -> Option<Instant> {
        self.seen.until(timeout, |seen| seen.nexts.get(n - 1).copied())
    }

    /// Answers `next` with an INVOKE event, now or when the extension calls it.
    pub(crate) fn invoke(&self, request_id: &str) {
        let mut event = String::from(r#"{"eventType":"INVOKE""#);
        let deadline = epoch_ms() + 60_000;
        _ = write!(
            event,
            r#","deadlineMs":{deadline},"requestId":"{request_id}","invokedFunctionArn":"arn"}}"#
        );
        self.seen.change(|seen| seen.answer = Some(event));
    }

    /// Answers `next` with a SHUTDOWN event, now or when the extension calls it.
    pub(crate) fn shut_down(&self) {
        let deadline = epoch_ms() + 2_000;
        let event = format!(
            r#"{{"eventType":"SHUTDOWN","deadlineMs":{deadline},"shutdownReason":"spindown"}}"#
        );
        self.seen.change(|seen| seen.answer = Some(event));
    }

    /// Posts a batch of telemetry on a persistent connection, as Lambda does. Does nothing if the extension has not
    /// subscribed. Fails if the extension does not acknowledge the batch within 5 s.
    pub(crate) fn publish(&mut self, batch: &str) -> Result<()> {
        let Some((port, path)) = self.seen.get().listener else { return Ok(()) };
        self.post(port, &path, batch).context("it did not acknowledge telemetry")
    }

    fn post(&mut self, port: u16, path: &str, batch: &str) -> io::Result<()> {
        let mut connection = self.telemetry.take().map_or_else(|| connect(port), Ok)?;
        if connection.ask("POST", path, batch)? {
            self.telemetry = Some(connection);
        }
        Ok(())
    }
}

/// Connects to a telemetry listener.
fn connect(port: u16) -> io::Result<Connection<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(ACKNOWLEDGEMENT))?;
    stream.set_write_timeout(Some(ACKNOWLEDGEMENT))?;
    Ok(Connection::new(stream))
}

/// Milliseconds since 1970.
fn epoch_ms() -> u128 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_millis()
}

fn serve(client: TcpStream, seen: &Watched<Seen>) {
    // Otherwise the kernel delays small packets. The real Lambda sends an answer at once.
    _ = client.set_nodelay(true);
    let mut connection = Connection::new(client);
    // The connection ends with the extension.
    while let Ok(request) = connection.receive() {
        if answer(&mut connection, &request, seen).is_err() {
            return;
        }
    }
}

fn answer(
    connection: &mut Connection<TcpStream>,
    request: &Request,
    seen: &Watched<Seen>,
) -> io::Result<()> {
    let now = Instant::now();
    let path = request.path.as_str();
    if path.ends_with("/extension/register") {
        seen.change(|seen| seen.registered = Some(now));
        let function = r#"{"functionName":"bench","functionVersion":"$LATEST","handler":"x"}"#;
        let id = "Lambda-Extension-Identifier: 00000000-0000-4000-8000-000000000000\r\n";
        return connection.reply(id, function);
    }
    if path.ends_with("/telemetry") {
        let listener = listener(&request.body);
        seen.change(|seen| (seen.subscribed, seen.listener) = (Some(now), listener));
        return connection.reply("", r#""OK""#);
    }
    if path.ends_with("/event/next") {
        seen.change(|seen| seen.nexts.push(now));
        // An extension waits for its next event for as long as the measurement takes.
        let answer = seen.until(Duration::from_hours(1), |seen| seen.answer.take());
        return connection.reply("", &answer.unwrap_or_default());
    }
    connection.reply("", "{}")
}

/// Returns the port and the path in the `destination.URI` of a subscription.
fn listener(subscription: &[u8]) -> Option<(u16, String)> {
    let subscription: serde_json::Value = serde_json::from_slice(subscription).ok()?;
    let uri = subscription["destination"]["URI"].as_str()?.strip_prefix("http://")?;
    let (authority, path) = uri.split_once('/').unwrap_or((uri, ""));
    Some((authority.rsplit_once(':')?.1.parse().ok()?, format!("/{path}")))
}

#[cfg(test)]
mod tests {
    use super::listener;

    #[test]
    fn the_listeners_address_is_read_from_the_subscription() {
        for (uri, path) in [("sandbox.localdomain:4243/x/y", "/x/y"), ("sandbox:4243", "/")] {
            let subscription = format!(r#"{{"destination":{{"URI":"http://{uri}"}}}}"#);
            assert_eq!(listener(subscription.as_bytes()), Some((4243, path.to_owned())));
        }
        assert_eq!(listener(b"{}"), None);
    }
}
