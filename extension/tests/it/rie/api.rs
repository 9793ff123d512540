//! Compares the Extensions API and the Telemetry API of the sandbox with those of AWS's emulator, call by call.
//!
//! The test calls them itself, under the name of an extension whose file only sleeps, and also plays the runtime.

use std::time::Duration;

use extension_sandbox::{Mode, Options, Program, Sandbox};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::caller::{Caller, ERROR_TYPE, EXIT_ERROR, ID, INIT_ERROR, NEXT, REGISTER, TELEMETRY};
use super::compare::{Difference, Facts, assert_same};
use super::listener::{Batch, Listener};
use super::{Files, PATIENCE, Rie};

const NAME: &str = "probe";
const UP: &str = "the probe is up";
const ASLEEP: Files<'_> = Files {
    layer: None,
    extension_name: NAME,
    extension: "#!/bin/sh\necho the probe is up\nexec sleep 600\n",
    bootstrap: "#!/bin/sh\nexec sleep 600\n",
};

/// Returns the events for which an external extension may register.
fn events(mode: Mode) -> Value {
    match mode {
        Mode::ManagedInstances => json!({ "events": ["SHUTDOWN"] }),
        _ => json!({ "events": ["INVOKE", "SHUTDOWN"] }),
    }
}

/// Makes calls that are rejected before the registration.
async fn before_registration(caller: &mut Caller, mode: Mode) {
    let name = ("Lambda-Extension-Name", NAME);
    caller.register("register without a name", &[], &events(mode)).await;
    caller
        .register("register with an empty name", &[("Lambda-Extension-Name", "")], &events(mode))
        .await;
    caller.call("register with no JSON", ("POST", REGISTER), &[name], "{bad").await;
    caller.register("register for FOO", &[name], &json!({ "events": ["FOO"] })).await;
    let keys = json!({ "events": [], "configurationKeys": ["a"] });
    caller.register("register with keys", &[name], &keys).await;
    let internal = ("Lambda-Extension-Name", "internal");
    let shutdown = json!({ "events": ["SHUTDOWN"] });
    caller.register("register an internal one for SHUTDOWN", &[internal], &shutdown).await;
    if mode == Mode::ManagedInstances {
        let invoke = json!({ "events": ["INVOKE"] });
        caller.register("register an internal one for INVOKE", &[internal], &invoke).await;
        caller.register("register for INVOKE", &[name], &invoke).await;
    }
    let unknown = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    for (what, id) in [("no", None), ("an invalid", Some("zzz")), ("an unknown", Some(unknown))] {
        let headers: Vec<_> =
            id.map(|id| (ID, id)).into_iter().chain([(ERROR_TYPE, "Extension.X")]).collect();
        let with = |of: &str| format!("{of} with {what} identifier");
        caller.call(&with("next"), ("GET", NEXT), &headers, "").await;
        caller.call(&with("init/error"), ("POST", INIT_ERROR), &headers, "{}").await;
        caller.call(&with("exit/error"), ("POST", EXIT_ERROR), &headers, "{}").await;
        caller.call(&with("subscribe"), ("PUT", TELEMETRY), &headers, "{}").await;
    }
    caller.call("register by GET", ("GET", REGISTER), &[name], "").await;
    caller.call("next by POST", ("POST", NEXT), &[name], "").await;
    caller.call("another path", ("GET", "/2020-01-01/extension/other"), &[name], "").await;
    caller.call("the Logs API", ("PUT", "/2020-08-15/logs"), &[], "{}").await;
}

/// Registers the extension.
async fn registered(caller: &mut Caller, mode: Mode) {
    let headers =
        [("Lambda-Extension-Name", NAME), ("Lambda-Extension-Accept-Feature", "other, accountId")];
    let answer = caller.register("register", &headers, &events(mode)).await;
    answer.header(ID).unwrap().clone_into(&mut caller.id);
}

/// Makes calls that are rejected after the registration.
async fn after_registration(caller: &mut Caller, mode: Mode) {
    let name = ("Lambda-Extension-Name", NAME);
    caller.register("register twice", &[name], &events(mode)).await;
    caller.own("init/error without a type", ("POST", INIT_ERROR), "{}").await;
    caller.own("exit/error without a type", ("POST", EXIT_ERROR), "{}").await;
}

/// Returns a valid subscription.
fn subscription(port: u16) -> Value {
    json!({
        "schemaVersion": "2025-01-29",
        "destination": { "protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}/path") },
        "types": ["platform", "function", "extension"],
        "buffering": { "maxItems": 1_000, "maxBytes": 262_144, "timeoutMs": 25 },
    })
}

/// Makes subscriptions, one of which is valid.
async fn subscribed(caller: &mut Caller, port: u16) {
    let good = subscription(port);
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    for (what, body) in [
        ("no JSON", "not json".to_owned()),
        ("an old schema", with("/schemaVersion", json!("2022-12-13"))),
        ("an unknown schema", with("/schemaVersion", json!("2030-01-01"))),
        ("another host", with("/destination/URI", json!("http://127.0.0.1:4243/"))),
        ("too short a timeout", with("/buffering/timeoutMs", json!(24))),
        ("too many items", with("/buffering/maxItems", json!(10_001))),
        ("too few bytes", with("/buffering/maxBytes", json!(262_143))),
        ("no types", with("/types", json!([]))),
        ("an unknown type", with("/types", json!(["platform", "other"]))),
    ] {
        caller.own(&format!("subscribe with {what}"), ("PUT", TELEMETRY), &body).await;
    }
    caller.own("subscribe", ("PUT", TELEMETRY), &good.to_string()).await;
    caller.own("subscribe twice", ("PUT", TELEMETRY), &good.to_string()).await;
}

/// The course of an environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scenario {
    /// Rejected calls, an invocation, and an ordinary end.
    Whole,
    /// The delivery of telemetry.
    Telemetry,
    /// The extension reports an error during init.
    InitError,
    /// The extension reports an error at its exit.
    ExitError,
}

/// Plays the extension and the runtime. Signals when the environment may end.
async fn play(
    mut caller: Caller,
    mode: Mode,
    scenario: Scenario,
    may_end: oneshot::Sender<()>,
) -> Facts {
    if scenario == Scenario::Whole {
        before_registration(&mut caller, mode).await;
    }
    registered(&mut caller, mode).await;
    match scenario {
        Scenario::Whole => whole(&mut caller, mode, may_end).await,
        Scenario::Telemetry => telemetry(&mut caller, may_end).await,
        Scenario::InitError => {
            caller.fail("init/error", INIT_ERROR, "Extension.Broken").await;
            caller.fail("init/error again", INIT_ERROR, "Extension.Other").await;
            caller.own("next after init/error", ("GET", NEXT), "").await;
            may_end.send(()).unwrap();
        }
        Scenario::ExitError => {
            caller.fail("exit/error", EXIT_ERROR, "Extension.Broken").await;
            caller.fail("exit/error again", EXIT_ERROR, "Extension.Other").await;
            caller.own("next after exit/error", ("GET", NEXT), "").await;
            may_end.send(()).unwrap();
        }
    }
    caller.facts
}

async fn whole(caller: &mut Caller, mode: Mode, may_end: oneshot::Sender<()>) {
    let listener = Listener::start().await;
    after_registration(caller, mode).await;
    subscribed(caller, listener.port).await;
    let mut next = caller.next();
    let request = caller.runtime_next().await;
    if mode == Mode::OnDemand {
        caller.note("INVOKE", &(&mut next).await.unwrap());
    }
    caller.respond(&request).await;
    let late = [("Lambda-Extension-Name", "late")];
    caller.register("register late", &late, &json!({ "events": [] })).await;
    caller.own("subscribe late with nothing", ("PUT", TELEMETRY), "{}").await;
    caller
        .own("subscribe late", ("PUT", TELEMETRY), &subscription(listener.port).to_string())
        .await;
    caller.fail("init/error late", INIT_ERROR, "Extension.Broken").await;
    if mode == Mode::OnDemand {
        next = caller.next();
    }
    // The runtime must ask for more work, or the invocation would not end.
    let runtime = tokio::spawn(caller.runtime_next());
    may_end.send(()).unwrap();
    caller.note("SHUTDOWN", &next.await.unwrap());
    runtime.abort();
}

/// Runs an invocation whose telemetry is delivered. The first batch is refused.
async fn telemetry(caller: &mut Caller, may_end: oneshot::Sender<()>) {
    let mut listener = Listener::start().await;
    caller.own("subscribe", ("PUT", TELEMETRY), &subscription(listener.port).to_string()).await;
    // The first batch is refused before there is another one.
    listener.until_refused().await;
    let request = tokio::spawn(caller.runtime_next());
    // The runtime becomes ready however long the extension takes.
    listener.until("platform.initRuntimeDone").await;
    let shutdown = caller.next();
    caller.respond(&request.await.unwrap()).await;
    let runtime = tokio::spawn(caller.runtime_next());
    let batches = listener.until("platform.report").await;
    for Batch { method, path, content_type, .. } in &batches {
        let how = format!("{method} {path} {content_type}");
        caller.facts.insert("how each batch comes".to_owned(), how);
    }
    for event_type in ["platform.initStart", "platform.start", "platform.logsDropped"] {
        let came = batches[1..].iter().any(|batch| batch.has(event_type)).to_string();
        caller.facts.insert(format!("after a refusal {event_type} came"), came);
    }
    may_end.send(()).unwrap();
    shutdown.await.unwrap();
    runtime.abort();
}

async fn in_the_sandbox(mode: Mode, scenario: Scenario) -> Facts {
    let mut sandbox = Sandbox::new(Options {
        mode,
        extensions: vec![Program::Driven(NAME.to_owned())],
        function_name: "test_function".to_owned(),
        // These are the accounts of the emulator.
        account_id: match mode {
            Mode::ManagedInstances => "123456789012".to_owned(),
            _ => "012345678912".to_owned(),
        },
        region: "us-east-1".to_owned(),
        has_telemetry: mode == Mode::ManagedInstances,
        timeout: Duration::from_secs(30),
        ..Options::default()
    })
    .await
    .unwrap();
    let caller = Caller::new(sandbox.remote().address());
    let (may_end, end) = oneshot::channel();
    let environment = async move {
        sandbox.init().await;
        if matches!(scenario, Scenario::Whole | Scenario::Telemetry) {
            sandbox.invoke("{}").await;
        }
        end.await.unwrap();
        sandbox.shutdown().await;
    };
    tokio::join!(environment, play(caller, mode, scenario, may_end)).1
}

async fn in_the_emulator(mode: Mode, scenario: Scenario) -> Facts {
    let variables: &[_] = match mode {
        Mode::ManagedInstances => &[("_HANDLER", "bootstrap"), ("AWS_LAMBDA_MAX_CONCURRENCY", "1")],
        _ => &[("_HANDLER", "bootstrap")],
    };
    let mut rie = Rie::start(ASLEEP, variables).await;
    let caller = Caller::new(&rie.apis);
    let apis = rie.apis.clone();
    let (may_end, end) = oneshot::channel();
    let (printed, up) = (rie.printed.clone(), |it: &Vec<String>| it.iter().any(|it| it == UP));
    let environment = async move {
        let invoke = async {
            if scenario == Scenario::Telemetry
                || scenario == Scenario::Whole
                || mode == Mode::OnDemand
            {
                rie.invoke(&json!({})).await;
            }
        };
        if matches!(scenario, Scenario::Whole | Scenario::Telemetry) {
            invoke.await;
            end.await.unwrap();
        } else {
            // The sleeping processes never end by themselves, and the invocation would wait for them.
            tokio::select! {
                end = end => end.unwrap(),
                never = async { invoke.await; std::future::pending().await } => never,
            }
        }
        rie.terminate();
        rie.ended().await;
    };
    let life = async {
        let mut printed = printed;
        assert!(printed.wait_for(up).await.is_ok(), "the emulator has ended");
        // The extension may be up before the APIs are.
        let listens = async {
            while tokio::net::TcpStream::connect(&apis).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listens).await.expect("the emulator's APIs are there");
        play(caller, mode, scenario, may_end).await
    };
    tokio::join!(environment, life).1
}

const NO_ACCOUNT: Difference = Difference {
    of: "register: accountId",
    sandbox: Some("\"012345678912\""),
    emulator: None,
    reason: "in this mode the emulator never returns the account; Lambda does on request",
};

async fn compare(mode: Mode, scenario: Scenario, differences: &[Difference]) {
    let (ours, theirs) =
        tokio::join!(in_the_sandbox(mode, scenario), in_the_emulator(mode, scenario));
    assert!(theirs.len() > 8, "{theirs:#?}");
    assert_same(&ours, &theirs, differences);
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_answers_on_demand_calls_as_the_emulator_does() {
    let slip = Difference {
        of: "SHUTDOWN: shutdownReason",
        sandbox: Some("\"spindown\""),
        emulator: Some("\"SandboxTerminated\""),
        reason: "in this mode the emulator exposes an internal reason; Lambda sends the other one",
    };
    let differences = [NO_ACCOUNT, slip];
    compare(Mode::OnDemand, Scenario::Whole, &differences).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_answers_managed_calls_as_the_emulator_does() {
    let unescaped = |of| Difference {
        of,
        sandbox: Some("yes"),
        emulator: Some("no"),
        reason: "the emulator does not escape the quotes of its message",
    };
    let differences = ["schema: is JSON", "with an unknown type: is JSON"].map(unescaped);
    compare(Mode::ManagedInstances, Scenario::Whole, &differences).await;
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_accepts_error_reports_as_the_emulator_does() {
    for scenario in [Scenario::InitError, Scenario::ExitError] {
        compare(Mode::OnDemand, scenario, &[NO_ACCOUNT]).await;
        compare(Mode::ManagedInstances, scenario, &[]).await;
    }
}

#[tokio::test]
#[ignore = "needs Python and unshare: cargo xtask test"]
async fn the_sandbox_delivers_telemetry_as_lambda_does() {
    let differs = |of, sandbox, emulator, reason| Difference {
        of,
        sandbox: Some(sandbox),
        emulator: Some(emulator),
        reason,
    };
    let repeats = "Lambda repeats a batch that was refused; the emulator drops it, and says so";
    let differences = [
        differs(
            "how each batch comes",
            "POST /path application/json",
            "POST / application/json",
            "the emulator drops the path of the destination",
        ),
        differs("a refusal platform.initStart came", "true", "false", repeats),
        differs("a refusal platform.logsDropped came", "false", "true", repeats),
    ];
    compare(Mode::ManagedInstances, Scenario::Telemetry, &differences).await;
}
