//! An extension that registers, calls `next` until SHUTDOWN, and does nothing else: what any extension costs.
//!
//! Measured beside ours by `cargo xtask bench`. Knows neither telemetry nor Kinesis, and uses no library.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// The name that an extension registers under is its file's.
const NAME: &str = env!("CARGO_BIN_NAME");

fn main() -> io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut lambda = BufReader::new(TcpStream::connect(&api)?);
    let events = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
    let register = format!(
        "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: {api}\r\nLambda-Extension-Name: {NAME}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{events}",
        events.len()
    );
    let (id, _) = ask(&mut lambda, &register)?;
    let id = id.ok_or_else(|| io::Error::other("registering gave no identifier"))?;
    let next = format!(
        "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: {api}\r\nLambda-Extension-Identifier: {id}\r\n\r\n"
    );
    while !ask(&mut lambda, &next)?.1.contains(r#""SHUTDOWN""#) {}
    Ok(())
}

/// Sends a request; gives the extension's identifier, where the answer names it, and the answer's body.
fn ask(lambda: &mut BufReader<TcpStream>, request: &str) -> io::Result<(Option<String>, String)> {
    lambda.get_mut().write_all(request.as_bytes())?;
    let (mut id, mut length) = (None, 0);
    let mut status = String::new();
    lambda.read_line(&mut status)?;
    if !status.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("Lambda answered {status:?}")));
    }
    loop {
        let mut line = String::new();
        lambda.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "lambda-extension-identifier" => id = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lambda.read_exact(&mut body)?;
    Ok((id, String::from_utf8_lossy(&body).into_owned()))
}
