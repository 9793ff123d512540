//! The whole path over loopback. A body is posted to the real listener; its events go through intake, queue and
//! dispatcher to a sink that accepts everything. The cost of TLS and of the SDK's client is not included.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::BytesCount;
use extension_spec::PartitionKey;
use kinesis_telemetry_extension::{
    Answer, BufferedBody, Destination, Dispatcher, Failure, Intake, Listener, MemoryBudget,
    Outcome, Packing, PartitionKeys, Queue, Record, Route, Scope, Sink,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{QUEUE_BYTES, body, intake, now, packer};
use xtask_model::Logs;

/// The number of bodies that are compared.
const BODIES: usize = 2_000;

/// Receives a body and drops it.
#[divan::bench]
fn receiving_alone(bencher: Bencher<'_, '_>) {
    let mut path = Path::new();
    let bytes = path.request.len();
    bencher.counter(BytesCount::new(bytes)).bench_local(move || path.receive());
}

/// Receives a body and delivers its events as records fill.
#[divan::bench]
fn the_whole_way(bencher: Bencher<'_, '_>) {
    let mut path = Path::new();
    let bytes = path.request.len();
    bencher.counter(BytesCount::new(bytes)).bench_local(move || path.deliver());
}

/// Prints the cost of the whole path as a multiple of receiving alone.
pub(crate) fn compare() {
    let mut path = Path::new();
    let bytes = path.request.len();
    // The two alternate, so that other load on the machine affects both.
    let times = (0..BODIES).map(|_| (timed(|| path.receive()), timed(|| path.deliver())));
    let (receiving, whole): (Vec<_>, Vec<_>) = times.unzip();
    let (receiving, whole) = (median(receiving), median(whole));
    let line = format!(
        "{BODIES} bodies of {bytes} bytes, medians: receiving alone {:.0} us, the whole way {:.0} us, {:.1} times as much",
        receiving * 1e6,
        whole * 1e6,
        whole / receiving
    );
    #[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
    {
        println!("\n{line}");
    }
}

/// Returns the median, in seconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// The components as the process connects them, on one thread.
struct Path {
    runtime: Runtime,
    stream: TcpStream,
    bodies: UnboundedReceiver<BufferedBody>,
    intake: Intake,
    queue: Arc<Mutex<Queue>>,
    dispatcher: Dispatcher<TakesAll>,
    request: Vec<u8>,
}

impl Path {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("it is one thread");
        let packing = Packing::default();
        let memory = Arc::new(MemoryBudget::new(QUEUE_BYTES));
        // More records are sent than shards accept, and the search for a free shard is not measured here.
        let keys = PartitionKeys::new(PartitionKey::Random);
        let queue = Queue::new(packer(packing), memory.clone()).with_partition_keys(keys);
        let queue = Arc::new(Mutex::new(queue));
        let (stream, bodies) = runtime.block_on(async {
            let listener = Listener::bind().await.expect("there is a port");
            let port = listener.port();
            let bodies = listener.serve(memory);
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
            (stream.expect("it listens"), bodies)
        });
        let body = body(Logs::Text);
        let head =
            format!("POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n", body.len());
        Self {
            runtime,
            stream,
            bodies,
            intake: intake(packing.envelope),
            dispatcher: Dispatcher::new(Route::STREAM, TakesAll, queue.clone()),
            queue,
            request: [head.into_bytes(), body].concat(),
        }
    }

    fn receive(&mut self) {
        self.runtime.block_on(post(&mut self.stream, &self.request));
        self.bodies.try_recv().expect("it was acknowledged");
    }

    fn deliver(&mut self) {
        let Self { runtime, stream, bodies, intake, queue, dispatcher, request } = self;
        runtime.block_on(async {
            post(stream, request).await;
            let body = bodies.try_recv().expect("it was acknowledged");
            let events = intake.accept(&body, now()).events;
            drop(body);
            queue.lock().expect("no thread has panicked").push(events);
            let until = tokio::time::Instant::now() + Duration::from_secs(1);
            let delivered =
                dispatcher.deliver(Destination::Stream, Scope::Full, usize::MAX, until).await;
            assert_eq!(delivered, Outcome::Delivered);
        });
    }
}

/// Posts a body as Lambda does, on a persistent connection.
async fn post(stream: &mut TcpStream, request: &[u8]) {
    stream.write_all(request).await.expect("the listener reads");
    let (mut answer, mut len) = ([0; 512], 0);
    while !answer[..len].ends_with(b"\r\n\r\n") {
        len += stream.read(&mut answer[len..]).await.expect("the listener answers");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// A sink that accepts everything at once.
struct TakesAll;

impl Sink for TakesAll {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        Ok(records.iter().map(|_| Ok(())).collect())
    }

    fn reset(&self) {}
}
