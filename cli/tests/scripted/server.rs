//! An HTTP server that answers AWS calls with a test's script, and the program that uses it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

/// A call, with its operation as in AWS's JSON protocols (`PutRecords`), or its method and path.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) body: Value,
    /// The access key that signed the call.
    pub(crate) credential: String,
}

/// An answer: status and body.
pub(crate) type Answer = (u16, Vec<u8>);

pub(crate) fn ok(body: &Value) -> Answer {
    (200, body.to_string().into())
}

pub(crate) fn refused(code: &str, message: &str) -> Answer {
    (400, json!({ "__type": code, "message": message }).to_string().into())
}

/// Returns an answer in XML, as from STS and IAM.
pub(crate) fn xml(operation: &str, result: &str) -> Answer {
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    (200, format!("<{operation}Response>{result}</{operation}Response>").into())
}

pub(crate) fn refused_xml(code: &str, message: &str) -> Answer {
    let error = format!("<Code>{code}</Code><Message>{message}</Message>");
    (403, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>").into())
}

/// Returns an answer in CBOR (RFC 8949), as from `CloudWatch`.
pub(crate) fn cbor_ok() -> Answer {
    // An empty map.
    (200, vec![0xA0])
}

pub(crate) fn cbor_refused(code: &str, message: &str) -> Answer {
    // A map of two texts, each with a length of one byte.
    let mut body = vec![0xA2];
    for text in ["__type", code, "message", message] {
        body.extend([0x78, u8::try_from(text.len()).unwrap()]);
        body.extend(text.as_bytes());
    }
    (400, body)
}

/// Returns events of `SubscribeToShard`, after which the subscription ends.
pub(crate) fn events(events: &[Value]) -> Answer {
    let mut body = message("initial-response", "{}");
    for event in events {
        body.extend(message("SubscribeToShardEvent", &event.to_string()));
    }
    (200, body)
}

/// Returns a message of an event stream: lengths, headers, payload, and checksums over both parts.
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

/// A server that lives as long as the test's process.
pub(crate) struct Server {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let log = Arc::clone(&calls);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || {
                    let connection = connection.unwrap();
                    let mut reader = BufReader::new(connection.try_clone().unwrap());
                    while let Some(call) = read(&mut reader) {
                        log.lock().unwrap().push(call.clone());
                        let answer = answer(&call);
                        if write(&connection, &answer).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, calls }
    }

    /// Returns the URL of the server.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the place of the server, as messages name it.
    pub(crate) fn place(&self) -> String {
        self.url.clone()
    }

    /// Returns the bodies of all calls of this operation so far.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|it| it.operation == operation).map(|it| it.body.clone()).collect()
    }

    /// Returns the operations of all calls so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|it| it.operation.clone()).collect()
    }

    /// Returns the access keys of all calls so far.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|it| it.credential.clone()).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinesis-telemetry"));
        let foreign = std::env::vars_os().map(|(name, _)| name);
        for name in foreign.filter(|it| it.as_encoded_bytes().starts_with(b"AWS_")) {
            command.env_remove(name);
        }
        // Removes the settings of this machine.
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command
    }

    /// Runs a command, and returns its exit code and output.
    pub(crate) fn types(&self, arguments: &[&str]) -> (i32, String) {
        code_and_text(&self.command(arguments).output().unwrap())
    }
}

pub(crate) fn code_and_text(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    (output.status.code().unwrap(), text)
}

/// Returns the published values of a deployment, as SSM does.
pub(crate) fn parameters(values: &[(&str, &str)]) -> Answer {
    let parameter = |(name, value): &(&str, &str)| json!({ "Name": format!("/telemetry/kinesis/{name}"), "Value": value });
    ok(&json!({ "Parameters": values.iter().map(parameter).collect::<Vec<_>>() }))
}

/// Returns the published values of a deployed stage, as SSM does.
pub(crate) fn deployed() -> Answer {
    let value = |key: &str| match key {
        "stackName" => "KinesisTelemetry-dev".to_owned(),
        "streamArn" => STREAM.to_owned(),
        key => format!("the-{key}"),
    };
    let parameters = extension_spec::deployment::SSM_PARAMETERS
        .map(|it| json!({ "Name": it.name, "Value": value(it.key), "Type": "String" }));
    ok(&json!({ "Parameters": parameters, "InvalidParameters": [] }))
}

fn read(reader: &mut impl BufRead) -> Option<Call> {
    let mut operation = None;
    let mut credential = String::new();
    let mut length = 0;
    let mut line = String::new();
    loop {
        let begins = line.is_empty();
        line.clear();
        reader.read_line(&mut line).ok()?;
        let text = line.trim_end();
        if begins && operation.is_none() {
            operation = Some(text.rsplit_once(' ')?.0.to_owned());
        } else if let Some((name, value)) = text.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => {
                    let after = value.split_once("Credential=").map(|(_, it)| it);
                    let key = after.and_then(|it| it.split('/').next());
                    credential = key.map(str::to_owned).unwrap_or_default();
                }
                "x-amz-target" => operation = Some(value.rsplit('.').next()?.to_owned()),
                _ => {}
            }
        } else {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    // The older protocols send forms.
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = serde_json::from_slice(&body).unwrap_or(Value::String(text));
    Some(Call { operation: operation?, body, credential })
}

fn write(mut connection: &TcpStream, (status, body): &Answer) -> std::io::Result<()> {
    // Only services that use CBOR are asked for the protocol of their answers.
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} it\r\ncontent-length: {length}\r\nsmithy-protocol: rpc-v2-cbor\r\n"
    );
    connection.write_all(&[format!("{head}\r\n").as_bytes(), body].concat())
}
