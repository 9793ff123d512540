use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;

struct Bench {
    port: u16,
    bodies: UnboundedReceiver<BufferedBody>,
    memory: Arc<MemoryBudget>,
}

async fn listen() -> Bench {
    let listener = Listener::bind().await.unwrap();
    let port = listener.port();
    let memory = Arc::new(MemoryBudget::new(1_000_000));
    Bench { port, bodies: listener.serve(memory.clone()), memory }
}

impl Bench {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap()
    }

    /// Sends bytes on a new connection. Returns the status of the response.
    async fn status(&self, request: &[u8]) -> u16 {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        status(&mut stream).await
    }

    async fn post(&self, body: &str) -> u16 {
        let head =
            format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
        self.status(format!("{head}{body}").as_bytes()).await
    }

    async fn received(&mut self) -> String {
        let body = timeout(Duration::from_secs(10), self.bodies.recv()).await.unwrap().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

async fn status(stream: &mut TcpStream) -> u16 {
    let mut answer = [0; 12];
    timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[tokio::test]
async fn any_path_and_both_methods_are_taken() {
    let mut bench = listen().await;
    for start in ["POST /", "PUT /", "POST /some/path?x=1"] {
        let request = format!("{start} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 2\r\n\r\n[]");
        assert_eq!(bench.status(request.as_bytes()).await, 200);
        assert_eq!(bench.received().await, "[]");
    }
}

#[tokio::test]
async fn every_body_is_acknowledged_and_handed_on() {
    let mut bench = listen().await;
    for body in ["no json", "[{\"a\":", "{}", "\u{0}"] {
        assert_eq!(bench.post(body).await, 200);
        assert_eq!(bench.received().await, body);
    }
}

#[tokio::test]
async fn other_methods_are_rejected_without_harm() {
    let mut bench = listen().await;
    assert_eq!(bench.status(b"GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n").await, 405);
    assert_eq!(bench.status(b"what is this\r\n\r\n").await, 400);
    assert_eq!(bench.post("[1]").await, 200);
    assert_eq!(bench.received().await, "[1]");
}

#[tokio::test]
async fn a_slow_client_does_not_delay_others() {
    let mut bench = listen().await;
    let mut slow = bench.connect().await;
    let body = "[\"é🦀\"]";
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
    let request = format!("{head}{body}").into_bytes();
    let (last, first) = request.split_last().unwrap();
    for byte in first {
        slow.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(bench.post("[2]").await, 200, "while the other one has not finished");
    assert_eq!(bench.received().await, "[2]");
    slow.write_all(&[*last]).await.unwrap();
    assert_eq!(status(&mut slow).await, 200);
    assert_eq!(bench.received().await, body);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_left_to_the_sender() {
    let mut bench = listen().await;
    let mut stream = bench.connect().await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 9\r\n\r\n[1")
        .await
        .unwrap();
    drop(stream);
    assert_eq!(bench.post("[2]").await, 200);
    assert_eq!(bench.received().await, "[2]");
}

#[tokio::test]
async fn eight_mib_are_accepted_and_a_larger_body_is_refused() {
    let mut bench = listen().await;
    let large = format!("[\"{}\"]", "x".repeat(8 * 1024 * 1024));
    assert_eq!(bench.post(&large).await, 200);
    assert_eq!(bench.received().await.len(), large.len());
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
    assert_eq!(bench.status(head.as_bytes()).await, 413);
    assert_eq!(bench.post("[3]").await, 200);
    assert_eq!(bench.received().await, "[3]");
}

#[tokio::test]
async fn a_full_memory_delays_the_acknowledgement_and_refuses_nothing() {
    let mut bench = listen().await;
    let held = bench.memory.hold(Bytes::from(vec![0; 2_000_000]));
    let start = Instant::now();
    assert_eq!(bench.post("[1]").await, 200);
    assert!(start.elapsed() >= MAX_DELAY);
    assert_eq!(bench.received().await, "[1]");
    drop(held);
    assert_eq!(bench.memory.held(), 0);
}

#[tokio::test]
async fn two_listeners_have_two_ports() {
    let (a, b) = (Listener::bind().await.unwrap(), Listener::bind().await.unwrap());
    assert_ne!(a.port(), b.port());
    assert!(a.port() != TELEMETRY_RESERVED_PORT && b.port() != TELEMETRY_RESERVED_PORT);
}

/// Waits until the other side has closed the connection.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    let _ = read.expect("the connection is closed");
}

#[tokio::test]
async fn only_connections_without_a_head_are_closed() {
    let mut bench = listen().await;
    let (mut idle, mut slow, mut kept) =
        (bench.connect().await, bench.connect().await, bench.connect().await);
    slow.write_all(b"POST / HT").await.unwrap();
    let request = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 3\r\n\r\n[1]";
    kept.write_all(request).await.unwrap();
    assert_eq!(status(&mut kept).await, 200);
    closed(&mut idle).await;
    closed(&mut slow).await;
    tokio::time::sleep(MAX_SILENCE).await;
    kept.write_all(request).await.unwrap();
    let mut rest = vec![0; 256];
    let read = kept.read(&mut rest).await.unwrap();
    assert!(read > 0, "Lambda keeps its connection between invocations");
    assert_eq!((bench.received().await, bench.received().await), ("[1]".into(), "[1]".into()));
}

#[tokio::test]
async fn a_stalled_body_counts_as_memory_until_it_times_out() {
    let mut bench = listen().await;
    let mut stream = bench.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 900000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream.write_all(&vec![b' '; 500_000]).await.unwrap();
    let counted = async {
        while bench.memory.held() < 500_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), counted).await.expect("it counts");
    assert_eq!(bench.post("[2]").await, 200, "others are not delayed");
    assert_eq!(bench.received().await, "[2]");
    assert_eq!(status(&mut stream).await, 408);
    closed(&mut stream).await;
    assert_eq!(bench.memory.held(), 0);
}

#[expect(clippy::disallowed_methods, reason = "blocks the only thread, as a freeze does")]
#[tokio::test]
async fn a_body_whose_limits_pass_during_a_freeze_is_received() {
    let mut bench = listen().await;
    let mut stream = bench.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 3\r\n\r\n[";
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::thread::sleep(MAX_SILENCE + 2 * LATE);
    tokio::time::sleep(3 * GRACE).await;
    stream.write_all(b"1]").await.unwrap();
    assert_eq!(status(&mut stream).await, 200);
    assert_eq!(bench.received().await, "[1]");
}

#[tokio::test]
async fn connections_are_bounded_and_idle_ones_are_closed_first() {
    let mut bench = listen().await;
    let mut busy = bench.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 3\r\n\r\n[";
    busy.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut idle = Vec::new();
    for _ in 0..2 * connections::MOST {
        idle.push(bench.connect().await);
    }
    assert_eq!(bench.post("[2]").await, 200);
    assert_eq!(bench.received().await, "[2]");
    closed(&mut idle[0]).await;
    busy.write_all(b"1]").await.unwrap();
    assert_eq!(status(&mut busy).await, 200);
    assert_eq!(bench.received().await, "[1]");
}

#[tokio::test]
async fn incomplete_bodies_take_little_memory_and_all_arrive() {
    let mut bench = listen().await;
    let body = format!("[\"{}\"]", "x".repeat(2_000_000));
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
    let port = bench.port;
    let request = format!("{head}{body}");
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                status(&mut stream).await
            })
        })
        .collect();
    for _ in 0..8 {
        assert_eq!(bench.received().await, body);
    }
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    assert_eq!(bench.memory.held(), 0);
}

/// Sends a byte every 50 ms until the connection is closed.
async fn trickle(mut stream: TcpStream) {
    while stream.write_all(b" ").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_slow_body_does_not_block_the_room_of_others() {
    let mut bench = listen().await;
    let mut slow = bench.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 9000000\r\n\r\n";
    slow.write_all(head).await.unwrap();
    slow.write_all(&vec![b' '; MAX_INCOMPLETE + 100_000]).await.unwrap();
    let slow = tokio::spawn(trickle(slow));
    let large = format!("[\"{}\"]", "x".repeat(1_000_000));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.post(&large).await, 200);
    assert_eq!(bench.received().await, large);
    timeout(Duration::from_secs(10), slow).await.expect("it is cut off").unwrap();
    assert_eq!(bench.memory.held(), 0);
}

#[tokio::test]
async fn slow_bodies_on_all_connections_block_no_other() {
    let mut bench = listen().await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..connections::MOST {
        let mut stream = bench.connect().await;
        let head = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 9000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        slow.spawn(trickle(stream));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.post("[2]").await, 200);
    assert_eq!(bench.received().await, "[2]");
}
