//! The telemetry listener: an HTTP server that receives the bodies that Lambda posts.
//!
//! It acknowledges first: every body is answered 200 and handed on unread, because Lambda would repeat a refused batch
//! forever. It knows neither events nor Kinesis. The function can connect as well, so connections, heads and bodies are
//! bounded in number, bytes and time.

mod connections;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use extension_spec::limits::TELEMETRY_RESERVED_PORT;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior};

use crate::base::clock;
use crate::base::failpoint;
use crate::base::log;
use crate::buffer::memory_budget::{BufferedBody, MemoryBudget};
use connections::{Activity, Connections};

/// The largest body, in bytes. Lambda buffers at most 1 MiB of events, which escapes enlarge at most sixfold.
/// Everything in flight must fit into the memory bound in addition to a body.
const MAX_BODY: usize = 12 * 1024 * 1024;

/// The longest delay of an acknowledgement when memory is full. It slows Lambda down, which buffers meanwhile. A longer
/// delay would also delay the news that the function has finished.
const MAX_DELAY: Duration = Duration::from_millis(200);

/// The longest wait for the first head of a connection, and for more bytes of a body. Lambda sends both at once.
const MAX_SILENCE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 10_000 });

/// The largest buffer of a connection, for a head and for the bytes of a body that are read at once.
const MAX_BUFFER: usize = 64 * 1024;

/// The longest time that a body may take. Lambda is on the same machine.
const MAX_BODY_TIME: Duration = Duration::from_secs(30);

/// The time in which the rest of a body may still arrive after a limit has passed: after a freeze both are due at once.
const GRACE: Duration = Duration::from_millis(100);

/// A limit that fires later than this has passed during a freeze, or during a pause of the whole machine.
const LATE: Duration = Duration::from_millis(500);

/// The bytes of incomplete bodies above which those larger than [`SMALL_BODY`] are received one at a time.
const MAX_INCOMPLETE: usize = 4 * 1024 * 1024;

/// The bytes of a body that are received whatever other bodies take.
const SMALL_BODY: usize = 64 * 1024;

/// The interval between checks of a body's pace while others wait for its room.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 250 });

/// The number of checks after which a body is cut off that has received less than [`SLOW`] bytes since, if others wait
/// for its room.
const PATIENCE: usize = 4;

/// The fewest bytes that a body must receive in [`PATIENCE`] checks. Lambda sends far more.
const SLOW: usize = 64 * 1024;

/// A listener that is bound but not serving yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    /// Binds a port that the system chooses, on every address, because Lambda need not connect from loopback.
    pub async fn bind() -> std::io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut socket = TcpListener::bind(any).await?;
        if socket.local_addr()?.port() == TELEMETRY_RESERVED_PORT {
            // The second port is bound while the first socket still holds the reserved one.
            socket = TcpListener::bind(any).await?;
        }
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves in a separate task for the life of the process. The channel yields received bodies, which count as held
    /// memory until the receiver drops them.
    pub fn serve(self, memory: Arc<MemoryBudget>) -> UnboundedReceiver<BufferedBody> {
        let (bodies, received) = unbounded_channel();
        tokio::spawn(self.accept(bodies, memory));
        received
    }

    async fn accept(self, bodies: UnboundedSender<BufferedBody>, memory: Arc<MemoryBudget>) {
        let mut is_said = false;
        let mut connections = Connections::default();
        let (large, incomplete) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let waiting = Arc::new(AtomicUsize::new(0));
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    is_said = false;
                    let receiver = Receiver {
                        bodies: bodies.clone(),
                        memory: memory.clone(),
                        large: large.clone(),
                        incomplete: incomplete.clone(),
                        waiting: waiting.clone(),
                    };
                    connections.make_room().await;
                    connections.add(MAX_SILENCE, |activity| connection(stream, receiver, activity));
                }
                Err(error) => {
                    // File descriptors may be exhausted, for example. The function shares them and may release some.
                    if !std::mem::replace(&mut is_said, true) {
                        log::warn(&format!("cannot accept telemetry for the moment: {error}"));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Passes bodies on to the loop.
#[derive(Clone)]
struct Receiver {
    bodies: UnboundedSender<BufferedBody>,
    memory: Arc<MemoryBudget>,
    /// Held while a body is received for which the others leave no room.
    large: Arc<Mutex<()>>,
    /// The bytes of incomplete bodies.
    incomplete: Arc<AtomicUsize>,
    /// The number of bodies that wait for `large`.
    waiting: Arc<AtomicUsize>,
}

/// Counts itself as long as it exists.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The bytes of one incomplete body.
struct Incomplete<'a>(&'a AtomicUsize, usize);

impl Incomplete<'_> {
    fn add(&mut self, bytes: usize) {
        self.1 += bytes;
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn leaves_room(&self, bytes: usize) -> bool {
        self.1 + bytes <= SMALL_BODY || self.0.load(Ordering::Relaxed) + bytes <= MAX_INCOMPLETE
    }
}

impl Drop for Incomplete<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

async fn connection(stream: TcpStream, receiver: Receiver, activity: Arc<Activity>) {
    let service = service_fn(|request| {
        let (receiver, activity, busy) = (receiver.clone(), activity.clone(), activity.begin());
        async move {
            let answer = answer(request, &receiver, &activity).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        // Lambda sends unacknowledged bodies again.
        log::debug(&format!("a telemetry connection ended early: {error}"));
    }
}

async fn answer(
    request: Request<Incoming>,
    receiver: &Receiver,
    activity: &Activity,
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
    match receiver.receive(request.into_body(), activity).await {
        Ok(body) => {
            failpoint::panic_in("listener");
            if receiver.bodies.send(body).is_err() {
                // No receiver is left. A refusal would only make Lambda repeat the body forever.
                return status(StatusCode::OK);
            }
            receiver.memory.wait(MAX_DELAY).await;
            status(StatusCode::OK)
        }
        Err(Broken::TooLarge) => too_large(&receiver.memory),
        Err(Broken::Late) => {
            log::warn(&format!(
                "a telemetry batch timed out: no bytes arrived for {} s, or it took {} s in total. \
                 Its connection is closed, and its events may be lost",
                MAX_SILENCE.as_secs(),
                MAX_BODY_TIME.as_secs()
            ));
            timed_out()
        }
        Err(Broken::Slow) => {
            log::warn(
                "a telemetry batch arrived at less than 64 KiB/s while others waited for its room. \
                 Its connection is closed, and its events may be lost",
            );
            timed_out()
        }
        Err(Broken::Off(error)) => {
            log::warn(&format!("a telemetry batch was cut off: {error}; Lambda sends it again"));
            status(StatusCode::BAD_REQUEST)
        }
    }
}

/// Why a body was not received.
enum Broken {
    TooLarge,
    Late,
    /// The body is slow and takes the room of others.
    Slow,
    Off(hyper::Error),
}

impl Receiver {
    /// Receives a body. It counts as held memory from its first byte.
    async fn receive(
        &self,
        mut body: Incoming,
        activity: &Activity,
    ) -> Result<BufferedBody, Broken> {
        // A body that announces a size above the limit need not be read.
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(Broken::TooLarge);
        }
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let mut received = self.memory.receive(length.unwrap_or_default());
        let mut incomplete = Incomplete(&self.incomplete, 0);
        let mut large = None;
        let mut end = Instant::now() + MAX_BODY_TIME;
        let mut pace = Pace::start();
        loop {
            let frame = within(&mut end, MAX_SILENCE, body.frame());
            let frame = match large {
                Some(_) => unless(self.fall_behind(&mut pace), frame).await.ok_or(Broken::Slow)?,
                None => frame.await,
            };
            let Some(frame) = frame? else { return Ok(received) };
            let Ok(bytes) = frame.map_err(Broken::Off)?.into_data() else { continue };
            if received.len() + bytes.len() > MAX_BODY {
                return Err(Broken::TooLarge);
            }
            if large.is_none() && !incomplete.leaves_room(bytes.len()) {
                let (_waits, _excused) = (Counted::new(&self.waiting), activity.wait());
                let turn = within(&mut end, MAX_BODY_TIME, self.large.lock());
                large = Some(turn.await?);
                end = Instant::now() + MAX_BODY_TIME;
                pace = Pace::start();
            }
            pace.bytes += bytes.len();
            activity.progress(bytes.len());
            incomplete.add(bytes.len());
            received.extend(&bytes);
        }
    }
}

impl Receiver {
    /// Waits until a body is too slow while others wait for its room.
    async fn fall_behind(&self, pace: &mut Pace) {
        loop {
            pace.timer.tick().await;
            pace.ticks += 1;
            if pace.ticks < PATIENCE {
                continue;
            }
            let is_slow = pace.bytes < SLOW;
            (pace.ticks, pace.bytes) = (0, 0);
            if is_slow && self.waiting.load(Ordering::Relaxed) > 0 {
                return;
            }
        }
    }
}

/// The bytes that a body received since a number of checks. Checks count instead of time, so that a freeze makes no
/// body slow.
struct Pace {
    timer: tokio::time::Interval,
    ticks: usize,
    bytes: usize,
}

impl Pace {
    fn start() -> Self {
        let mut timer = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { timer, ticks: 0, bytes: 0 }
    }
}

/// Waits for a step of receiving a body, which may take `limit` and last until `end`. Limits that pass during a freeze
/// start again, because the sender was frozen, too.
async fn within<T>(
    end: &mut Instant,
    limit: Duration,
    step: impl Future<Output = T>,
) -> Result<T, Broken> {
    let mut step = std::pin::pin!(step);
    loop {
        let asleep = clock::now();
        let until = (*end).min(Instant::now() + limit);
        if let Ok(done) = tokio::time::timeout_at(until, &mut step).await {
            return Ok(done);
        }
        // A freeze may stop the monotonic clock; then only the wall clock shows it.
        let late = Instant::now().saturating_duration_since(until);
        if late.max(clock::now().standstill_since(asleep)) <= LATE {
            return tokio::time::timeout(GRACE, step).await.map_err(|_| Broken::Late);
        }
        *end = Instant::now() + MAX_BODY_TIME;
    }
}

/// Waits for a step; returns none if something else happens first.
async fn unless<T>(other: impl Future<Output = ()>, step: impl Future<Output = T>) -> Option<T> {
    let (mut other, mut step) = (std::pin::pin!(other), std::pin::pin!(step));
    std::future::poll_fn(|context| match step.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Answers that a body is too large. Lambda's own limit is far below, so the sender is not Lambda.
fn too_large(memory: &MemoryBudget) -> Response<Empty<Bytes>> {
    memory.refuse_batch();
    log::error(&format!(
        "refused a telemetry batch of more than {MAX_BODY} bytes: its events are lost"
    ));
    status(StatusCode::PAYLOAD_TOO_LARGE)
}

/// Answers that a body took too long, and closes the connection.
fn timed_out() -> Response<Empty<Bytes>> {
    let mut response = status(StatusCode::REQUEST_TIMEOUT);
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

fn status(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
