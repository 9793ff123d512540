//! A Lambda whose first answer to `register` is broken, late or in another form. It counts registrations.

use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kinesis-telemetry-extension");
const ID: &str = "lambda-extension-identifier: 8e7a0bb5-2c5c-4a49-8a6f-3f1f0f0d5a11\r\n";
const FUNCTION: &str = r#"{"functionName":"orders","functionVersion":"7"}"#;
const SHUTDOWN: &str =
    r#"{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":4000000000000}"#;

/// The answer to the first `register`.
#[derive(Clone, Debug)]
enum First {
    /// These bytes, on a connection that stays open.
    Sent(String),
    /// These bytes, before the connection is closed.
    Cut(String),
    /// No bytes, on a connection that stays open.
    Silence,
    /// The ordinary answer, after this time.
    Late(Duration),
}

/// The state of the registration when the first answer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Yes,
    No,
}

#[derive(Default)]
struct Calls {
    /// The bodies of the `register` calls.
    registers: Mutex<Vec<String>>,
    /// The number of calls that registered the extension.
    registered: AtomicUsize,
    nexts: AtomicUsize,
    connections: AtomicUsize,
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

fn refusal(error_type: &str) -> String {
    let body = format!(r#"{{"errorMessage":"as the script has it","errorType":"{error_type}"}}"#);
    answer("403 Forbidden", "", &body)
}

/// Reads a request. Returns its first line and its body; none at the end of the connection.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut first, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if first.is_empty() {
            first = line;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, String::from_utf8(body).unwrap()))
}

async fn serve(stream: TcpStream, calls: Arc<Calls>, first: First, reached: Reached) {
    let mut stream = BufReader::new(stream);
    while let Some((line, body)) = request(&mut stream).await {
        let text = if line.contains("/extension/register") {
            let number = {
                let mut registers = calls.registers.lock().unwrap();
                registers.push(body);
                registers.len()
            };
            let registers = number > 1 || reached == Reached::Yes;
            let text = if registers && calls.registered.fetch_add(1, Ordering::SeqCst) > 0 {
                calls.registered.fetch_sub(1, Ordering::SeqCst);
                refusal("Extension.InvalidExtensionState")
            } else {
                answer("200 OK", ID, FUNCTION)
            };
            match (number, first.clone()) {
                (1, First::Sent(bytes)) => bytes,
                (1, First::Cut(bytes)) => {
                    stream.write_all(bytes.as_bytes()).await.unwrap();
                    return;
                }
                (1, First::Silence) => std::future::pending().await,
                (1, First::Late(delay)) => {
                    tokio::time::sleep(delay).await;
                    text
                }
                _ => text,
            }
        } else if line.contains("/event/next") {
            calls.nexts.fetch_add(1, Ordering::SeqCst);
            answer("200 OK", "", SHUTDOWN)
        } else {
            answer("200 OK", "", "\"OK\"")
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Returns a command that runs the extension alone, with this address of Lambda's API.
fn extension(program: &str, api: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_REGION", "eu-central-1")
        .env("KINESIS_TELEMETRY_STREAM", "telemetry")
        .env("KINESIS_TELEMETRY_PRECONNECT", "false")
        .env("KINESIS_TELEMETRY_CONNECTION_TIMEOUT_MS", "2000")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs the extension to its end with a Lambda at this host that gives this first answer.
async fn live_at(host: &str, first: First, reached: Reached) -> (Output, Arc<Calls>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::<Calls>::default();
    let called = calls.clone();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            called.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, called.clone(), first.clone(), reached));
        }
    });
    let mut command = extension(PROGRAM, &format!("{host}:{port}"));
    let ended = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    serving.abort();
    (ended.expect("it ends by itself").unwrap(), calls)
}

async fn live(first: First, reached: Reached) -> (Output, Arc<Calls>) {
    live_at("127.0.0.1", first, reached).await
}

/// Checks that the extension lives until its SHUTDOWN, is registered once, and calls `register` this often.
#[track_caller]
fn assert_lives(case: &str, (output, calls): &(Output, Arc<Calls>), registers: usize) {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{case}: {log}");
    let called = calls.registers.lock().unwrap();
    assert_eq!(called.len(), registers, "{case}: {called:?}");
    assert_eq!(calls.nexts.load(Ordering::SeqCst), 1, "{case}");
}

#[tokio::test]
async fn the_registration_is_written_before_the_runtime_is_built() {
    for (mode, events) in [
        ("on-demand", r#"{"events":["INVOKE","SHUTDOWN"]}"#),
        ("lambda-managed-instances", r#"{"events":["SHUTDOWN"]}"#),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = listener.local_addr().unwrap().to_string();
        let mut command = extension("/bin/sh", &api);
        // The standard streams and one connection take all file descriptors, so none is left for the runtime.
        command.args(["-c", "ulimit -n 4; exec \"$0\"", PROGRAM]);
        command.env("AWS_LAMBDA_INITIALIZATION_TYPE", mode);
        let output = command.output().await.unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains("cannot start: "), "{log}");
        let accepted = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
        let (stream, _) = accepted.expect("the extension connects").unwrap();
        let (line, body) = request(&mut BufReader::new(stream)).await.unwrap();
        assert_eq!(line, "post /2020-01-01/extension/register http/1.1");
        assert_eq!(body, events);
    }
}

#[tokio::test]
async fn registration_and_every_later_call_take_one_connection() {
    let whole = First::Sent(answer("200 OK", ID, FUNCTION));
    for host in ["127.0.0.1", "localhost"] {
        let life = live_at(host, whole.clone(), Reached::Yes).await;
        assert_lives(host, &life, 1);
        assert_eq!(life.1.connections.load(Ordering::SeqCst), 1, "{host}");
    }
}

#[tokio::test]
async fn an_answer_in_another_form_registers_once() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\n{ID}transfer-encoding: chunked\r\n\r\n{:x}\r\n{FUNCTION}\r\n0\r\n\r\n",
        FUNCTION.len()
    );
    let informed = format!("HTTP/1.1 100 Continue\r\n\r\n{}", answer("200 OK", ID, FUNCTION));
    let whole = answer("200 OK", ID, FUNCTION);
    let closing = answer("200 OK", &format!("{ID}connection: close\r\n"), FUNCTION);
    for first in [
        First::Sent(chunked),
        First::Sent(informed),
        First::Cut(closing),
        First::Cut(whole.clone()),
        // The identifier has arrived, and the rest is not needed.
        First::Cut(whole[..whole.len() - 10].to_owned()),
        First::Sent(answer("200 OK", ID, "<html>")),
        First::Late(Duration::from_millis(300)),
    ] {
        let life = live(first.clone(), Reached::Yes).await;
        assert_lives(&format!("{first:?}"), &life, 1);
    }
}

#[tokio::test]
async fn a_registration_without_an_answer_is_retried() {
    let half = "HTTP/1.1 200 OK\r\nlambda-extension-ident";
    for first in [
        First::Cut(String::new()),
        First::Cut(half.to_owned()),
        First::Cut("nonsense\r\n\r\n".to_owned()),
        First::Sent(half.to_owned()),
        First::Silence,
    ] {
        let life = live(first.clone(), Reached::No).await;
        assert_lives(&format!("{first:?}"), &life, 2);
        assert_eq!(life.1.registered.load(Ordering::SeqCst), 1, "{first:?}");
    }
}

#[tokio::test]
async fn a_broken_registration_does_not_leave_lambda_waiting() {
    let half = First::Cut("HTTP/1.1 200 OK\r\nlambda-extension-ident".to_owned());
    let (output, calls) = live(half, Reached::Yes).await;
    assert_eq!(output.status.code(), Some(70));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Extension.InvalidExtensionState"));
    assert_eq!(calls.registered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_slow_registration_is_awaited_if_another_is_rejected() {
    let life = live(First::Late(Duration::from_millis(1_300)), Reached::Yes).await;
    assert_lives("late", &life, 2);
    assert_eq!(life.1.registered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn rejected_invoke_events_are_left_out_of_a_retry() {
    let first = First::Sent(refusal("Extension.InvalidEventType"));
    let life = live(first, Reached::No).await;
    assert_lives("refused", &life, 2);
    let bodies = life.1.registers.lock().unwrap().clone();
    assert_eq!(bodies, [r#"{"events":["INVOKE","SHUTDOWN"]}"#, r#"{"events":["SHUTDOWN"]}"#]);
}
