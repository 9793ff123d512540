//! Calls the APIs directly, and notes every answer.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::compare::{Facts, flatten};
use crate::http::{Answer, call};

pub(super) const REGISTER: &str = "/2020-01-01/extension/register";
pub(super) const NEXT: &str = "/2020-01-01/extension/event/next";
pub(super) const INIT_ERROR: &str = "/2020-01-01/extension/init/error";
pub(super) const EXIT_ERROR: &str = "/2020-01-01/extension/exit/error";
pub(super) const TELEMETRY: &str = "/2022-07-01/telemetry";
pub(super) const ID: &str = "Lambda-Extension-Identifier";
pub(super) const ERROR_TYPE: &str = "Lambda-Extension-Function-Error-Type";

/// Error types whose messages come from a parser, or quote the emulator's schema.
const OWN_WORDS: [&str; 2] = ["InvalidRequestFormat", "ValidationError"];

/// Calls one address, and notes every answer.
pub(super) struct Caller {
    address: String,
    /// The extension identifier that it received.
    pub(super) id: String,
    pub(super) facts: Facts,
}

impl Caller {
    pub(super) fn new(address: &str) -> Self {
        // Until it is assigned, no text contains it.
        Self { address: address.to_owned(), id: "none yet".to_owned(), facts: Facts::new() }
    }

    pub(super) async fn call(
        &mut self,
        what: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let answer = call(&self.address, method, path, headers, body).await;
        self.note(what, &answer);
        answer
    }

    pub(super) fn note(&mut self, what: &str, answer: &Answer) {
        let mut fact = |name: &str, value: &str| {
            self.facts.insert(format!("{what}: {name}"), value.to_owned());
        };
        fact("status", &answer.status.to_string());
        for name in ["Content-Type", ID, "Lambda-Extension-Event-Identifier"] {
            if let Some(value) = answer.header(name) {
                fact(name, if is_uuid(value) { "a UUID" } else { value });
            }
        }
        let text = answer.body.replace(&self.id, "ID");
        let body = serde_json::from_str::<Value>(&text);
        if let Some(error_type) = OWN_WORDS.iter().find(|it| text.contains(*it)) {
            fact("errorType", error_type);
            return fact("is JSON", if body.is_ok() { "yes" } else { "no" });
        }
        match body {
            Ok(body) => flatten(&mut self.facts, &format!("{what}:"), &body, &kind),
            Err(_) => fact("text", &text),
        }
    }

    /// Makes a call as the registered extension.
    pub(super) async fn own(&mut self, what: &str, target: (&str, &str), body: &str) {
        let id = self.id.clone();
        self.call(what, target, &[(ID, &id)], body).await;
    }

    /// Reports an error of the extension.
    pub(super) async fn fail(&mut self, what: &str, path: &str, error_type: &str) {
        let id = self.id.clone();
        let headers = [(ID, id.as_str()), (ERROR_TYPE, error_type)];
        let body = json!({ "errorMessage": "x", "errorType": error_type, "stackTrace": [] });
        self.call(what, ("POST", path), &headers, &body.to_string()).await;
    }

    pub(super) async fn register(
        &mut self,
        what: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.call(what, ("POST", REGISTER), headers, &body.to_string()).await
    }

    /// Requests the next event in the background.
    pub(super) fn next(&self) -> JoinHandle<Answer> {
        let (address, id) = (self.address.clone(), self.id.clone());
        tokio::spawn(async move { call(&address, "GET", NEXT, &[(ID, &id)], "").await })
    }

    /// Requests work as a runtime does. Returns the id of the request.
    pub(super) fn runtime_next(&self) -> impl Future<Output = String> + use<> {
        let address = self.address.clone();
        async move {
            let path = "/2018-06-01/runtime/invocation/next";
            let answer = call(&address, "GET", path, &[], "").await;
            answer.header("Lambda-Runtime-Aws-Request-Id").unwrap().to_owned()
        }
    }

    pub(super) async fn respond(&self, request: &str) {
        let path = format!("/2018-06-01/runtime/invocation/{request}/response");
        assert_eq!(call(&self.address, "POST", &path, &[], "{}").await.status, 202);
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Returns the kind of a value that differs each time.
fn kind(member: &str, value: &Value) -> Option<String> {
    match (member, value) {
        ("requestId", Value::String(id)) if is_uuid(id) => Some("a UUID".to_owned()),
        ("deadlineMs", Value::Number(_)) => Some("a number".to_owned()),
        _ => None,
    }
}
