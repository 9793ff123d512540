//! Runs the function as Lambda does, against a server that is both the Runtime API and Kinesis.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

/// Invokes the function once, and returns its response or error, and its output.
fn invoked(numbers: &'static [u64], is_denied: bool) -> (String, Value, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, answers) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(&connection.unwrap(), numbers, is_denied, &sender));
        }
    });
    let mut function = Command::new(env!("CARGO_BIN_EXE_completeness-function"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.to_string()),
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ])
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "completeness"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("STREAM", STREAM),
            ("PERIOD_SECONDS", "1800"),
            ("SETTLE_SECONDS", "300"),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (path, answer) = answers.recv_timeout(Duration::from_secs(30)).unwrap();
    function.kill().unwrap();
    let mut text = String::new();
    function.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    function.wait().unwrap();
    (path, answer, text)
}

fn serve(
    mut connection: &TcpStream,
    numbers: &[u64],
    is_denied: bool,
    answered: &Sender<(String, Value)>,
) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    while let Some((path, target, body)) = request(&mut reader) {
        let (status, answer) = match target.rsplit('.').next().unwrap() {
            "ListShards" => (200, json!({ "Shards": [shard()] })),
            "GetShardIterator" => (200, json!({ "ShardIterator": "it" })),
            "GetRecords" if is_denied => {
                (400, json!({ "__type": "AccessDeniedException", "message": "not authorized" }))
            }
            "GetRecords" => (200, page(numbers)),
            _ if path.ends_with("/invocation/next") => (200, json!({})),
            _ => {
                answered.send((path, body)).unwrap();
                // The function polls for the next invocation, which never comes.
                std::thread::park();
                return;
            }
        };
        let answer = answer.to_string();
        let headers = format!(
            "lambda-runtime-aws-request-id: id\r\nlambda-runtime-deadline-ms: 9999999999999\r\ncontent-length: {}",
            answer.len()
        );
        let head =
            format!("HTTP/1.1 {status} it\r\ncontent-type: application/json\r\n{headers}\r\n\r\n");
        connection.write_all((head + &answer).as_bytes()).unwrap();
    }
}

/// Reads a request, and returns its path, its operation and its body.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String, Value)> {
    let (mut path, mut target, mut length) = (String::new(), String::new(), 0);
    for (index, line) in reader.by_ref().lines().map_while(Result::ok).enumerate() {
        if index == 0 {
            line.split(' ').nth(1)?.clone_into(&mut path);
        } else if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "x-amz-target" => value.trim().clone_into(&mut target),
                _ => {}
            }
        } else {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    (!path.is_empty()).then(|| (path, target, serde_json::from_slice(&body).unwrap_or_default()))
}

fn shard() -> Value {
    json!({
        "ShardId": "one",
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
        "SequenceNumberRange": { "StartingSequenceNumber": "0" },
    })
}

fn page(numbers: &[u64]) -> Value {
    let past = SystemTime::now() - Duration::from_mins(10);
    let time = humantime::format_rfc3339_millis(past);
    let line = |seq| {
        format!(
            "{{\"time\":\"{time}\",\"type\":\"function\",\"source\":{{\"instance\":\"a\",\"seq\":{seq}}}}}\n"
        )
    };
    let record = json!({
        "Data": BASE64_STANDARD.encode(numbers.iter().map(line).collect::<String>()),
        "SequenceNumber": "1",
        "ApproximateArrivalTimestamp": past.duration_since(UNIX_EPOCH).unwrap().as_secs_f64(),
        "PartitionKey": "k",
    });
    json!({ "Records": [record], "MillisBehindLatest": 0, "NextShardIterator": "tip" })
}

#[test]
fn an_invocation_prints_the_metric_and_returns_the_verdict() {
    for (numbers, missing) in [(&[1, 2, 3][..], 0), (&[1, 2, 9], 6)] {
        let (path, verdict, text) = invoked(numbers, false);
        assert!(path.ends_with("/invocation/id/response"), "{path}: {verdict}");
        assert_eq!(
            (&verdict["stream"], &verdict["missingEvents"]),
            (&json!(STREAM), &json!(missing))
        );
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["Stream"], &line["MissingEvents"]),
            (&json!("telemetry"), &json!(missing))
        );
    }
}

#[test]
fn a_stream_that_cannot_be_read_fails_the_invocation() {
    let (path, error, text) = invoked(&[], true);
    assert!(path.ends_with("/invocation/id/error"), "{path}: {error}");
    assert_eq!(error["errorType"], "Function.NotChecked");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("kinesis:GetRecords") && message.contains(STREAM), "{message}");
    assert_eq!(text, "", "no metric");
}
