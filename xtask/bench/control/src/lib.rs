//! The calls of the minimal extensions with which `cargo xtask bench` compares ours. Uses no library.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

/// A connection to Lambda's APIs, on behalf of a registered extension.
#[derive(Debug)]
pub struct Lambda {
    connection: BufReader<TcpStream>,
    host: String,
    /// The `Lambda-Extension-Identifier`.
    id: String,
}

impl Lambda {
    /// Registers for INVOKE and SHUTDOWN under `name`, which must be the name of the program's file.
    ///
    /// # Errors
    ///
    /// Fails if `AWS_LAMBDA_RUNTIME_API` is not set, or if Lambda refuses.
    pub fn register(name: &str) -> io::Result<Self> {
        let host = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
        let mut connection = BufReader::new(TcpStream::connect(&host)?);
        let name = format!("Lambda-Extension-Name: {name}\r\n");
        let events = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
        let register =
            request("POST", "/2020-01-01/extension/register", &host, &name, events.as_bytes());
        connection.get_mut().write_all(&register)?;
        let (head, _) = receive(&mut connection)?;
        let id = head
            .id
            .ok_or_else(|| io::Error::other("the response to register has no identifier"))?;
        Ok(Self { connection, host, id })
    }

    /// Subscribes a listener on this port to the telemetry of the platform and the function, buffered for 100 ms.
    ///
    /// # Errors
    ///
    /// Fails if Lambda refuses.
    pub fn subscribe(&mut self, port: u16) -> io::Result<()> {
        let subscription = format!(
            r#"{{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{{"maxItems":1000,"maxBytes":262144,"timeoutMs":100}},"destination":{{"protocol":"HTTP","URI":"http://sandbox.localdomain:{port}/"}}}}"#
        );
        self.call("PUT", "/2022-07-01/telemetry", subscription.as_bytes()).map(|_| ())
    }

    /// Returns the next event as JSON.
    ///
    /// # Errors
    ///
    /// Fails if the connection breaks, or if Lambda refuses.
    pub fn next_event(&mut self) -> io::Result<String> {
        self.call("GET", "/2020-01-01/extension/event/next", b"")
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<String> {
        let id = format!("Lambda-Extension-Identifier: {}\r\n", self.id);
        let request = request(method, path, &self.host, &id, body);
        self.connection.get_mut().write_all(&request)?;
        let (_, body) = receive(&mut self.connection)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// Acknowledges every batch of telemetry and reads none, until the process ends.
pub fn acknowledge(listener: &TcpListener) {
    while let Ok((client, _)) = listener.accept() {
        thread::spawn(move || {
            let mut connection = BufReader::new(client);
            // The connection ends with the environment.
            while receive(&mut connection).is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                if connection.get_mut().write_all(answer).is_err() {
                    break;
                }
            }
        });
    }
}

fn request(method: &str, path: &str, host: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{header}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The headers of a message that these extensions read.
#[derive(Default)]
struct Head {
    id: Option<String>,
    length: usize,
}

/// Reads a request, or an answer that is not an error, with its body.
fn receive(connection: &mut BufReader<TcpStream>) -> io::Result<(Head, Vec<u8>)> {
    let mut first = String::new();
    if connection.read_line(&mut first)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first.starts_with("HTTP/1.1 ") && !first.starts_with("HTTP/1.1 2") {
        return Err(io::Error::other(format!("Lambda answered {first:?}")));
    }
    let mut head = Head::default();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "lambda-extension-identifier" => head.id = Some(value.trim().to_owned()),
            "content-length" => head.length = value.trim().parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    let mut body = vec![0; head.length];
    connection.read_exact(&mut body)?;
    Ok((head, body))
}
