//! Checks whether the emulator's stream is active, with a minimal HTTP request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::support::process;
use crate::tools::emulator::REGION;

const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_millis(20);

/// Waits until the stream is active. It is created shortly before or after the sockets are open.
pub(super) fn until_active(port: u16, stream: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = describe(port, stream)
            .with_context(|| format!("kinesis-local does not answer on 127.0.0.1:{port}"))?;
        if answer.contains(r#""StreamStatus":"ACTIVE""#) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("the stream {stream} does not become active; kinesis-local says {answer}");
        }
        process::pause(BETWEEN)?;
    }
}

fn describe(port: u16, stream: &str) -> Result<String> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let body = format!(r#"{{"StreamName":"{stream}"}}"#);
    // It reads the region from the signature's scope, and does not check the signature.
    let request = format!(
        "POST / HTTP/1.1\r\n\
         Host: 127.0.0.1:{port}\r\n\
         Connection: close\r\n\
         Content-Type: application/x-amz-json-1.1\r\n\
         Content-Length: {}\r\n\
         X-Amz-Target: Kinesis_20131202.DescribeStreamSummary\r\n\
         X-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/{REGION}/kinesis/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
