//! The process stays within its memory bound whatever is posted to it.

use std::net::Ipv4Addr;

use extension_spec::EXTENSION_NAME;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::test_environment::TestEnvironment;

const MIB: usize = 1024 * 1024;
/// The largest body that is accepted, in bytes.
const LARGEST: usize = 12 * MIB;
/// The bound of a function with 128 MB, in bytes.
const BOUND: usize = 16 * MIB;
/// The bytes that may be held beyond it: 8 MiB, and 1 MiB that glibc's allocator cannot release.
const BEYOND: usize = 9 * MIB;

/// Starts a process with this bound.
async fn awake() -> TestEnvironment {
    let settings = [("QUEUE_MAX_BYTES", "16777216"), ("SPILL_MAX_BYTES", "16777216")];
    let mut env = TestEnvironment::new(&settings, |options| options.freezes = false).await;
    env.succeed(1).await;
    env
}

fn port(env: &TestEnvironment) -> u16 {
    env.sandbox.remote().listener_of(EXTENSION_NAME).expect("the extension has subscribed")
}

async fn post(env: &TestEnvironment, body: &[u8]) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(env))).await.unwrap();
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// Returns the peak resident memory of the extension in this environment, in bytes.
fn peak(env: &TestEnvironment) -> usize {
    let url = env.kinesis.url();
    let is_it = |folder: &std::path::Path| {
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        let program = std::fs::read_link(folder.join("exe")).unwrap_or_default();
        program.to_string_lossy().contains(EXTENSION_NAME)
            && String::from_utf8_lossy(&environment).contains(&url)
    };
    let folders = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let folder = folders.into_iter().find(|folder| is_it(folder)).expect("the extension runs");
    let status = std::fs::read_to_string(folder.join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn array(member: &str, bytes: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes);
    body.push(b'[');
    while body.len() + member.len() + 2 < bytes {
        body.extend_from_slice(member.as_bytes());
        body.push(b',');
    }
    body.pop();
    body.push(b']');
    body
}

/// Checks that posting these bodies takes no more memory than allowed.
async fn stays_within_bound(name: &str, bodies: &[Vec<u8>]) {
    let env = awake().await;
    let before = peak(&env);
    for body in bodies {
        post(&env, body).await;
    }
    // The acknowledgement may arrive before the events are read.
    post(&env, b"[]").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let taken = peak(&env) - before;
    assert!(taken <= BOUND + BEYOND, "{name}: {taken} bytes in addition to {before}");
    env.end().await;
}

#[tokio::test]
async fn a_body_of_ones_stays_within_the_bound() {
    stays_within_bound("ones", &[array("1", LARGEST)]).await;
}

#[tokio::test]
async fn a_body_without_json_stays_within_the_bound() {
    stays_within_bound("no json", &[vec![b'"'; LARGEST]]).await;
}

#[tokio::test]
async fn a_flood_of_lines_stays_within_the_bound() {
    let line =
        r#"{"time":"2026-08-09T12:34:51.500Z","type":"function","record":"hello, this is a line"}"#;
    let bodies = vec![array(line, 10_000 * (line.len() + 1)); 20];
    stays_within_bound("lines", &bodies).await;
}
