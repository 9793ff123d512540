//! A Lambda that rejects calls: what the process logs, and how it ends. A script plays Lambda, because the sandbox does
//! not reject these calls.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use extension_sandbox::Kinesis;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kinesis_telemetry_extension::{
    Limits, Packer, Packing, Read, Record, Scope, Source, Spill, adopt,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

const REGISTER: &str = "POST /2020-01-01/extension/register";
const SUBSCRIBE: &str = "PUT /2022-07-01/telemetry";
const NEXT: &str = "GET /2020-01-01/extension/event/next";

/// The answers to each kind of call, in order; the last one repeats. None means no answer.
type Script = BTreeMap<&'static str, Vec<Option<(u16, String)>>>;

/// Returns the script of an ordinary process: registered, subscribed, invoked once and shut down.
fn ordinary() -> Script {
    let error = json!({ "errorType": "Telemetry.NotPlayed" }).to_string();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let deadline = u64::try_from(now.as_millis()).unwrap() + 10_000;
    let invoke = json!({ "eventType": "INVOKE", "requestId": "r", "deadlineMs": deadline });
    let shutdown =
        json!({ "eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": deadline });
    let ok = |body: String| Some((200, body));
    BTreeMap::from([
        (REGISTER, vec![ok(json!({ "functionName": "orders" }).to_string())]),
        (SUBSCRIBE, vec![ok("\"OK\"".to_owned()), Some((500, error))]),
        (NEXT, vec![ok(invoke.to_string()), ok(shutdown.to_string())]),
    ])
}

fn refusal(status: u16, error_type: &str) -> Vec<Option<(u16, String)>> {
    let body = json!({ "errorType": error_type, "errorMessage": "from the script" });
    vec![Some((status, body.to_string()))]
}

/// Runs the extension with this script to its end. Returns its output and the calls.
async fn live(script: Script, settings: &[(&str, &str)]) -> (Output, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(Mutex::new(Vec::<String>::new()));
    let (script, called) = (Arc::new(script), calls.clone());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (script, called) = (script.clone(), called.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (script, called) = (script.clone(), called.clone());
                async move {
                    let call = format!("{} {}", request.method(), request.uri().path());
                    request.into_body().collect().await?;
                    let before = {
                        let mut called = called.lock().unwrap();
                        called.push(call.clone());
                        called.iter().filter(|it| **it == call).count() - 1
                    };
                    let answers = &script[call.as_str()];
                    let answer = answers.get(before).or(answers.last()).unwrap().clone();
                    let Some((status, body)) = answer else { std::future::pending().await };
                    let response = Response::builder()
                        .status(status)
                        .header(
                            "Lambda-Extension-Identifier",
                            "8e7a0bb5-2c5c-4a49-8a6f-3f1f0f0d5a11",
                        )
                        .body(Full::new(Bytes::from(body)));
                    Ok::<_, hyper::Error>(response.unwrap())
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let _ = connection.await;
            });
        }
    });
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinesis-telemetry-extension"));
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "A")
        .env("AWS_SECRET_ACCESS_KEY", "S")
        .env("AWS_ENDPOINT_URL_KINESIS", kinesis.url())
        .env("KINESIS_TELEMETRY_STREAM", "telemetry")
        .env("KINESIS_TELEMETRY_FLUSH_TIMEOUT_MS", "200")
        // No telemetry reports that the function has finished.
        .env("KINESIS_TELEMETRY_FLUSH", "start")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, value) in settings {
        command.env(name, value);
    }
    let ended = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    serving.abort();
    let calls = calls.lock().unwrap().clone();
    (ended.expect("it ends by itself").unwrap(), calls)
}

/// Counts the log lines with a text.
fn count_logged(output: &Output, text: &str) -> usize {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).lines().filter(|line| line.contains(text)).count()
}

fn lines(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into()
}

#[tokio::test]
async fn an_ordinary_script_causes_no_log_line() {
    let (output, calls) = live(ordinary(), &[]).await;
    assert_eq!((output.status.code(), lines(&output).as_str()), (Some(0), ""));
    assert_eq!(calls, [REGISTER, SUBSCRIBE, NEXT, NEXT]);
}

#[tokio::test]
async fn a_rejected_registration_ends_the_process_at_once() {
    let mut script = ordinary();
    script.insert(REGISTER, refusal(403, "Extension.TooManyExtensions"));
    let (output, calls) = live(script, &[]).await;
    assert_eq!(output.status.code(), Some(70));
    assert_eq!(count_logged(&output, "Extension.TooManyExtensions"), 1, "{}", lines(&output));
    assert_eq!(calls, [REGISTER]);
}

#[tokio::test]
async fn a_registration_without_an_answer_ends_before_the_init_phase() {
    let mut script = ordinary();
    script.insert(REGISTER, vec![None]);
    let (output, _) = live(script, &[("KINESIS_TELEMETRY_CONNECTION_TIMEOUT_MS", "100")]).await;
    assert_eq!(output.status.code(), Some(70));
    let expected = "registering the extension was not answered within";
    assert_eq!(count_logged(&output, expected), 1, "{}", lines(&output));
}

#[tokio::test]
async fn a_rejected_subscription_is_reported_once() {
    for (status, error_type) in [
        (400, "ValidationError"),
        (403, "Telemetry.SubscriptionClosed"),
        (500, "InternalServerError"),
        (202, "Telemetry.NotSupported"),
    ] {
        let mut script = ordinary();
        script.insert(SUBSCRIBE, refusal(status, error_type));
        let (output, calls) = live(script, &[]).await;
        assert_eq!(output.status.code(), Some(0), "{error_type}: {}", lines(&output));
        assert_eq!(count_logged(&output, "no telemetry is delivered"), 1, "{}", lines(&output));
        assert_eq!(lines(&output).lines().count(), 1, "{}", lines(&output));
        assert_eq!(calls.iter().filter(|call| *call == NEXT).count(), 2, "{calls:?}");
    }
}

#[tokio::test]
async fn a_rejected_subscription_keeps_spilled_events() {
    let tmp = tempfile::tempdir().unwrap();
    let mut spill = Spill::create(tmp.path(), "before", u64::MAX).unwrap();
    assert!(spill.append(&record()).unwrap());
    drop(spill);
    let mut script = ordinary();
    script.insert(SUBSCRIBE, refusal(500, "InternalServerError"));
    let (output, _) = live(script, &[("TMPDIR", tmp.path().to_str().unwrap())]).await;
    assert_eq!(lines(&output).lines().count(), 1, "nothing is adopted: {}", lines(&output));
    let mut left = adopt(tmp.path(), "after").spills;
    assert!(
        matches!(left[0].read(Instant::now()), Some(Read::Record(it)) if it.data == record().data)
    );
}

/// Returns a record with one event.
fn record() -> Record {
    let nothing: [(&str, &str); 0] = [];
    let limits = Limits::new(&extension_spec::load(nothing).config, 8 * 1024 * 1024);
    let source = Source::new("orders", "1", "k3J9x0QvT2aB");
    let event = source.identify(r#"{"record":"a line"}"#, 1, None, Instant::now());
    Packer::new(limits, Packing::default(), source).pack(&mut [event].into(), Scope::All).remove(0)
}

#[tokio::test]
async fn a_rejected_next_ends_the_process_and_is_reported_once() {
    for (status, error_type) in [(403, "Extension.InvalidExtensionState"), (500, "InternalError")] {
        for invoked_before in [false, true] {
            let mut script = ordinary();
            let mut answers = refusal(status, error_type);
            if invoked_before {
                answers.insert(0, script[NEXT][0].clone());
            }
            script.insert(NEXT, answers);
            let (output, _) = live(script, &[]).await;
            assert_eq!(output.status.code(), Some(70), "{}", lines(&output));
            assert_eq!(count_logged(&output, error_type), 1, "{}", lines(&output));
        }
    }
}

#[tokio::test]
async fn an_unknown_event_is_reported_and_skipped() {
    let mut script = ordinary();
    let mut answers = script[NEXT].clone();
    answers.insert(0, Some((200, json!({ "eventType": "RESTORE" }).to_string())));
    script.insert(NEXT, answers);
    let (output, calls) = live(script, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", lines(&output));
    assert_eq!(count_logged(&output, "\"RESTORE\""), 1, "{}", lines(&output));
    assert_eq!(calls.iter().filter(|call| *call == NEXT).count(), 3);
}

#[tokio::test]
async fn a_nonsensical_answer_of_lambda_is_retried() {
    let mut script = ordinary();
    let mut answers = script[NEXT].clone();
    answers.insert(0, Some((200, "<html>".to_owned())));
    answers.insert(0, Some((502, String::new())));
    script.insert(NEXT, answers);
    let (output, calls) = live(script, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", lines(&output));
    assert_eq!(calls.iter().filter(|call| *call == NEXT).count(), 4);
}
