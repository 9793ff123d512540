//! Compares the telemetry of managed instances with captures of AWS's emulator, event by event, without ids and times.

use std::time::Duration;

use extension_sandbox::{Mode, Options, Program, Remote, Sandbox};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::client::{Api, Listener};

struct Bench {
    sandbox: Sandbox,
    api: Api,
    remote: Remote,
    listener: Listener,
    /// The runtime's requests; it asks for the next when the second half is dropped.
    requests: mpsc::UnboundedReceiver<(String, oneshot::Sender<()>)>,
}

/// An initialised environment like that of the captures.
async fn bench() -> Bench {
    let listener = Listener::start().await;
    let mut sandbox = Sandbox::new(Options {
        mode: Mode::ManagedInstances,
        extensions: vec![Program::Driven("capture-ext".to_owned())],
        function_name: "test_function".to_owned(),
        account_id: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        memory_mb: 3008,
        timeout: Duration::from_millis(300),
        ..Options::default()
    })
    .await
    .unwrap();
    let remote = sandbox.remote();
    let api = Api::new(remote.address());
    let (handed_out, requests) = mpsc::unbounded_channel();
    let begin = async {
        let id = api.register("capture-ext", &["SHUTDOWN"]).await;
        let all = |body: &mut Value| {
            body["types"] = serde_json::json!(["platform", "function", "extension"]);
        };
        assert_eq!(api.subscribe(&id, listener.port, all).await.status, 200);
        remote.print("runtime init line");
        let next = api.clone();
        tokio::spawn(async move { next.extension_next(&id).await });
        let runtime = api.clone();
        tokio::spawn(async move {
            loop {
                let request_id = runtime.runtime_next().await;
                let (done, is_done) = oneshot::channel();
                handed_out.send((request_id, done)).unwrap();
                let _ = is_done.await;
            }
        });
    };
    tokio::join!(sandbox.init(), begin);
    Bench { sandbox, api, remote, listener, requests }
}

/// The lines of the captured function.
fn lines(request_id: &str) -> [String; 4] {
    let json = format!(
        r#"{{"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "requestId": "{request_id}", "message": {{"k": "v"}}}}"#
    );
    [
        "plain text function log".into(),
        json,
        "stderr function log".into(),
        "multi\rpart no newline".into(),
    ]
}

/// Removes what differs between runs, and sorts lines of one moment, because stdout and stderr are read apart.
fn normalised(events: &[Value]) -> Vec<String> {
    let mut all: Vec<Value> =
        events.iter().filter(|event| event["type"] != "extension").cloned().collect();
    let ids: Vec<String> = all
        .iter()
        .filter_map(|event| Some(event["record"]["requestId"].as_str()?.to_owned()))
        .collect();
    for event in &mut all {
        event["time"] = Value::Null;
        normalise(event, &ids);
    }
    let mut texts: Vec<String> = Vec::new();
    for chunk in all.chunk_by(|a, b| a["type"] == "function" && b["type"] == "function") {
        let mut chunk: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        chunk.sort();
        texts.extend(chunk);
    }
    texts
}

fn normalise(value: &mut Value, ids: &[String]) {
    match value {
        Value::Object(members) => {
            // A trace is the caller's, not the platform's.
            members.remove("tracing");
            for (name, member) in members {
                match name.as_str() {
                    "durationMs" | "start" | "instanceId" => *member = Value::Null,
                    _ => normalise(member, ids),
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| normalise(member, ids)),
        Value::String(text) => {
            for id in ids {
                *text = text.replace(id, "ID");
            }
        }
        _ => {}
    }
}

fn captured(capture: &str) -> Vec<Value> {
    serde_json::from_str::<Vec<Vec<Value>>>(capture).unwrap().concat()
}

fn assert_same(ours: &[Value], theirs: &[Value]) {
    let (ours, theirs) = (normalised(ours), normalised(theirs));
    assert_eq!(ours.join("\n"), theirs.join("\n"));
}

impl Bench {
    /// One invocation; `act` plays the function, which is done when this ends.
    async fn invoke(&mut self, act: impl AsyncFnOnce(&Api, &Remote, String)) {
        let Self { sandbox, api, remote, requests, .. } = self;
        let function = async {
            let (request_id, done) = requests.recv().await.unwrap();
            for line in lines(&request_id) {
                remote.print(&line);
            }
            act(api, remote, request_id).await;
            drop(done);
        };
        tokio::join!(sandbox.invoke("{}"), function);
    }
}

async fn succeed(api: &Api, _: &Remote, request_id: String) {
    assert_eq!(api.respond(&request_id, "{}").await.status, 202);
}

#[tokio::test]
async fn init_success_and_function_error_read_as_captured() {
    let mut bench = bench().await;
    bench.invoke(succeed).await;
    bench
        .invoke(async |api, _, request_id| {
            let path = format!("/2018-06-01/runtime/invocation/{request_id}/error");
            let headers = [("Lambda-Runtime-Function-Error-Type", "Function.MyError")];
            assert_eq!(api.call("POST", &path, &headers, "{}").await.status, 202);
        })
        .await;
    let theirs = captured(include_str!("../samples/managed-instances-invocations.json"));
    bench.sandbox.shutdown().await;
    assert_same(&bench.listener.events(), &theirs);
}

#[tokio::test]
async fn a_timeout_fails_one_request_and_reads_as_captured() {
    let mut bench = bench().await;
    let late = std::sync::Mutex::new(None);
    bench.invoke(async |_, _, request_id| *late.lock().unwrap() = Some(request_id)).await;
    let late = late.into_inner().unwrap().unwrap();
    assert_eq!(bench.api.respond(&late, "{}").await.status, 410);
    bench.remote.print("resp err HTTP Error 410: Gone");
    bench.invoke(succeed).await;
    let theirs = captured(include_str!("../samples/managed-instances-timeout.json"));
    bench.sandbox.shutdown().await;
    assert_same(&bench.listener.events(), &theirs);
}

#[tokio::test]
async fn a_crash_of_the_runtime_reads_as_captured() {
    let mut bench = bench().await;
    bench.invoke(async |_, remote, _| remote.exit_function()).await;
    let theirs = captured(include_str!("../samples/managed-instances-runtime-crash.json"));
    bench.sandbox.shutdown().await;
    assert_same(&bench.listener.events(), &theirs);
}

#[tokio::test]
async fn an_invocation_before_a_crash_of_an_extension_reads_as_captured() {
    let mut bench = bench().await;
    bench.invoke(succeed).await;
    let theirs = captured(include_str!("../samples/managed-instances-extension-crash.json"));
    bench.sandbox.shutdown().await;
    assert_same(&bench.listener.events(), &theirs);
}
