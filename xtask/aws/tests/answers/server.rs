//! A service that answers as a test says: HTTP on loopback, a thread a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::{Value, json};

/// What somebody asks.
pub(crate) struct Asked {
    /// `GetRecords`; of a service that names it in the path, that.
    pub(crate) call: String,
    /// JSON, or null where the service takes a form.
    pub(crate) body: Value,
}

pub(crate) struct Answer {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, kind: "application/x-amz-json-1.1", body: body.to_string().into() }
    }

    pub(crate) fn error(code: &str, message: &str) -> Self {
        let body = json!({ "__type": code, "message": message });
        Self { status: 400, ..Self::json(&body) }
    }

    pub(crate) fn xml(body: &str) -> Self {
        Self { status: 200, kind: "text/xml", body: body.into() }
    }

    /// An error of a service that speaks XML.
    pub(crate) fn xml_error(code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        Self { status: 403, ..Self::xml(&body) }
    }

    /// Events of `SubscribeToShard`, after which the subscription ends.
    pub(crate) fn events(events: &[Value]) -> Self {
        let mut body = message("initial-response", "{}");
        for event in events {
            body.extend(message("SubscribeToShardEvent", &event.to_string()));
        }
        Self { status: 200, kind: "application/vnd.amazon.eventstream", body }
    }
}

/// A message of an event stream: lengths, headers, payload, and checksums over both parts.
fn message(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    let values =
        [(":message-type", "event"), (":event-type", event), (":content-type", "application/json")];
    for (name, value) in values {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend(name.as_bytes());
        // The type of a string.
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let length = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let mut message = length(16 + headers.len() + payload.len()).to_vec();
    message.extend(length(headers.len()));
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

pub(crate) struct Server {
    url: String,
}

impl Server {
    /// Ends with the test's process.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let answer = Arc::clone(&answer);
                // A client that goes away is none of a test's business.
                std::thread::spawn(move || serve(&connection.unwrap(), &*answer));
            }
        });
        Self { url }
    }

    /// The program, with this service as its AWS, and nothing of this machine's own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask-aws"));
        let foreign = std::env::vars_os().map(|(name, _)| name);
        for name in foreign.filter(|it| it.as_encoded_bytes().starts_with(b"AWS_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn serve(mut connection: &TcpStream, answer: &dyn Fn(&Asked) -> Answer) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let line = |reader: &mut BufReader<&TcpStream>| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line(&mut reader)?;
    let mut call = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let header = line(&mut reader)?;
        let Some((name, value)) = header.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => value.rsplit('.').next()?.clone_into(&mut call),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let Answer { status, kind, body } = answer(&Asked { call, body });
    // Ends with the connection: so does an event stream.
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\nx-amzn-requestid: 1\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(&[head.as_bytes(), &body].concat()).ok()
}

/// What `GetParameters` answers of a stage that is deployed.
pub(crate) fn parameters() -> Answer {
    let value = |key: &str| match key {
        "stackName" => "KinesisTelemetry-dev".to_owned(),
        "streamArn" => crate::STREAM.to_owned(),
        key => format!("the-{key}"),
    };
    let parameters = extension_spec::deployment::PUBLISHED
        .map(|it| json!({ "Name": it.name, "Value": value(it.key), "Type": "String" }));
    Answer::json(&json!({ "Parameters": parameters, "InvalidParameters": [] }))
}
