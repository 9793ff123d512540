//! Compares the refusals of the Extensions API and the Telemetry API with captures of AWS's emulator in both modes.

use extension_sandbox::{Mode, Options, Program, Sandbox};
use serde_json::Value;

use crate::client::{Answer, Api};

const ON_DEMAND: &str = include_str!("../samples/extensions-api-refusals-on-demand.json");
const MANAGED_INSTANCES: &str =
    include_str!("../samples/extensions-api-refusals-managed-instances.json");

/// Intended differences: messages of parsers, and messages that name the emulator's schema file.
const OWN_WORDS: [&str; 2] = ["InvalidRequestFormat", "ValidationError"];

fn options(mode: Mode) -> Options {
    Options {
        mode,
        extensions: vec![Program::Driven("capture-ext".to_owned())],
        function_name: "test_function".to_owned(),
        account_id: "123456789012".to_owned(),
        has_telemetry: mode == Mode::ManagedInstances,
        ..Options::default()
    }
}

/// Repeats a captured call, and compares the answer with the capture. Returns the identifier that replaces the captured
/// one.
async fn replay(api: &Api, entry: &Value, id: &mut Option<String>) {
    let captured_id = "Lambda-Extension-Identifier";
    let mut headers = Vec::new();
    for (name, value) in entry["req_headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        // Only the emulator's own identifier is replaced; those that it refused stay.
        let is_own =
            name == captured_id && (value.starts_with("37329868") || value.starts_with("35305d87"));
        let value = if is_own { id.clone().unwrap() } else { value.to_owned() };
        headers.push((name.as_str(), value));
    }
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = match &entry["req_body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let (method, path) = (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap());
    let answer = api.call(method, path, &headers, &body).await;
    compare(&answer, entry);
    if let Some(new) = answer.header(captured_id) {
        *id = Some(new);
    }
}

fn compare(answer: &Answer, entry: &Value) {
    let captured = entry["body"].as_str().unwrap();
    assert_eq!(
        u64::from(answer.status),
        entry["status"].as_u64().unwrap(),
        "{entry:#}\n{}",
        answer.body
    );
    assert_eq!(
        answer.header("content-type").as_deref(),
        entry["headers"]["Content-Type"].as_str(),
        "{entry:#}"
    );
    if let Some(words) = OWN_WORDS.iter().find(|words| captured.contains(*words)) {
        assert_eq!(answer.json()["errorType"], **words, "{entry:#}");
        return;
    }
    match serde_json::from_str::<Value>(captured) {
        Ok(mut expected) => {
            let mut body = answer.json();
            for value in [&mut expected, &mut body] {
                // The emulator has no handler and, in its on-demand mode, no account. A function has both.
                for known in ["handler", "accountId"] {
                    value.as_object_mut().map(|it| it.remove(known));
                }
            }
            assert_eq!(body, expected, "{entry:#}");
        }
        Err(_) => assert_eq!(answer.body, captured),
    }
}

/// The captured calls, up to the first event that the emulator delivered.
fn refusals(capture: &str) -> Vec<Value> {
    let entries: Vec<Value> = serde_json::from_str(capture).unwrap();
    let is_event = |entry: &Value| {
        entry["status"] == 200 && entry["path"].as_str().unwrap().ends_with("event/next")
    };
    entries.into_iter().take_while(|entry| !is_event(entry)).collect()
}

#[tokio::test]
async fn on_demand_refuses_as_awss_emulator_does() {
    check(Mode::OnDemand, ON_DEMAND, 21).await;
}

#[tokio::test]
async fn managed_instances_refuse_as_awss_emulator_does() {
    check(Mode::ManagedInstances, MANAGED_INSTANCES, 22).await;
}

async fn check(mode: Mode, capture: &str, at_least: usize) {
    let refusals = refusals(capture);
    assert!(refusals.len() >= at_least, "the capture has shrunk to {}", refusals.len());
    let mut sandbox = Sandbox::new(options(mode)).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    let mut id = None;
    let replay = async {
        for entry in &refusals {
            replay(&api, entry, &mut id).await;
        }
        // Lets init end.
        let (api, id) = (api.clone(), id.clone().unwrap());
        tokio::spawn({
            let api = api.clone();
            async move { api.runtime_next().await }
        });
        tokio::spawn(async move { api.extension_next(&id).await });
    };
    tokio::join!(sandbox.init(), replay);
    if mode == Mode::ManagedInstances {
        let closed = api.subscribe(&id.unwrap(), 4243, |_| ()).await;
        assert_eq!(closed.error(), (403, "Telemetry.SubscriptionClosed".to_owned()));
    }
}

#[tokio::test]
async fn an_internal_extension_may_register_until_the_runtime_is_ready() {
    let mut sandbox =
        Sandbox::new(Options { extensions: vec![], ..options(Mode::OnDemand) }).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    let early = async {
        let id = api.register("early", &["INVOKE"]).await;
        let (next, runtime) = (api.clone(), api.clone());
        tokio::spawn(async move { next.extension_next(&id).await });
        tokio::spawn(async move { runtime.runtime_next().await });
    };
    tokio::join!(sandbox.init(), early);
    let headers = [("Lambda-Extension-Name", "late")];
    let late =
        api.call("POST", "/2020-01-01/extension/register", &headers, r#"{"events":[]}"#).await;
    assert_eq!(late.error(), (403, "Extension.RegistrationClosed".to_owned()));
}

#[tokio::test]
async fn the_eleventh_extension_is_refused() {
    let sandbox =
        Sandbox::new(Options { extensions: vec![], ..options(Mode::OnDemand) }).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    for n in 0..10 {
        api.register(&format!("internal-{n}"), &[]).await;
    }
    let headers = [("Lambda-Extension-Name", "internal-10")];
    let eleventh = api.call("POST", "/2020-01-01/extension/register", &headers, "{}").await;
    assert_eq!(eleventh.error(), (403, "Extension.TooManyExtensions".to_owned()));
    let again = api
        .call(
            "POST",
            "/2020-01-01/extension/register",
            &[("Lambda-Extension-Name", "internal-1")],
            "{}",
        )
        .await;
    assert_eq!(again.error(), (403, "Extension.InvalidExtensionState".to_owned()));
}
