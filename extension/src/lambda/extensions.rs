//! The Extensions API: register, next, init/error.
//!
//! Knows nothing of telemetry.

use std::time::Duration;

use extension_spec::EXTENSION_NAME;
use hyper::Method;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Api, Error, within};
use crate::base::json;

const PATH: &str = "/2020-01-01/extension";
const REGISTER: &str = "/2020-01-01/extension/register";
const IDENTIFIER: &str = "lambda-extension-identifier";

/// A registered extension.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) api: Api,
    /// The identifier that every later call sends.
    pub id: String,
    /// Lambda's description of the function.
    pub function: Function,
}

/// The function as `register` describes it. Every member may be missing, because emulators differ.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Function {
    /// The name of the function.
    #[serde(rename = "functionName")]
    pub name: String,
    /// The version of the function, such as `$LATEST`.
    #[serde(rename = "functionVersion")]
    pub version: String,
    /// The account of the function, if Lambda returns it.
    pub account_id: Option<String>,
}

/// The request that registers this extension.
pub(super) struct Registration {
    path: &'static str,
    headers: [(&'static str, &'static str); 2],
    body: String,
}

impl Registration {
    pub(super) fn new(events: &[&str]) -> Self {
        let headers = [
            ("lambda-extension-name", EXTENSION_NAME),
            ("lambda-extension-accept-feature", "accountId"),
        ];
        let events = serde_json::to_string(events).expect("a list of words is JSON");
        Self { path: REGISTER, headers, body: format!(r#"{{"events":{events}}}"#) }
    }

    /// Returns the request as HTTP/1.1.
    pub(super) fn text(&self, host: &str) -> String {
        let Self { path, headers, body } = self;
        let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )
    }
}

/// An event that `next` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The function is invoked.
    Invoke {
        /// The request id of the invocation.
        request_id: String,
        /// When it times out, in milliseconds since 1970.
        deadline_ms: u64,
    },
    /// The environment is shut down.
    Shutdown {
        /// `spindown`, `timeout` or `failure`; other words have been seen.
        reason: String,
        /// When this process is killed, in milliseconds since 1970.
        deadline_ms: u64,
    },
    /// An event type that is unknown to the extension.
    Unknown(String),
}

impl Extension {
    /// Registers for these events. The runtime starts only when this is done, so nothing comes before it.
    pub(crate) async fn register(
        api: Api,
        events: &[&str],
        timeout: Duration,
    ) -> Result<Self, Error> {
        const WHAT: &str = "registering the extension";
        let Registration { path, headers, body } = Registration::new(events);
        let call = api.call(WHAT, Method::POST, path, &headers, body);
        let answer = within(timeout, WHAT, call).await?;
        let id = answer.headers.get(IDENTIFIER).and_then(|id| id.to_str().ok());
        match id {
            Some(id) if answer.status.is_success() => {
                let id = id.to_owned();
                // The extension is registered, whatever happens to the body.
                let body = answer.body.unwrap_or_default();
                let function = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Self { api, id, function })
            }
            _ => Err(answer.refused(WHAT)),
        }
    }

    /// Waits for the next event without a limit.
    pub(crate) async fn next(&self) -> Result<Next, Error> {
        const WHAT: &str = "asking for the next event";
        let headers = [(IDENTIFIER, self.id.as_str())];
        let path = format!("{PATH}/event/next");
        let answer = self.api.call(WHAT, Method::GET, &path, &headers, String::new()).await?;
        if !answer.status.is_success() {
            return Err(answer.refused(WHAT));
        }
        // SHUTDOWN arrives as text/plain, so the content type is ignored.
        Next::read(&answer.body?)
            .map_err(|source| Error::Broken { what: WHAT, source: source.into() })
    }

    /// Reports that this extension cannot start. Legal before the first `next`; the process must then exit.
    pub(crate) async fn init_error(&self, error_type: &str, message: &str) -> Result<(), Error> {
        const WHAT: &str = "reporting an error of the extension";
        let body = serde_json::json!({ "errorType": error_type, "errorMessage": message, "stackTrace": [] });
        let headers =
            [(IDENTIFIER, self.id.as_str()), ("lambda-extension-function-error-type", error_type)];
        let path = format!("{PATH}/init/error");
        let call = self.api.call(WHAT, Method::POST, &path, &headers, body.to_string());
        let answer = within(Duration::from_secs(1), WHAT, call).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.refused(WHAT)) }
    }

    /// Returns the client, for the other API.
    pub(super) fn api(&self) -> &Api {
        &self.api
    }
}

impl Next {
    /// Reads the body of a response. A member with an unexpected type counts as missing, and does not affect the
    /// others.
    fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let body = serde_json::from_slice::<&RawValue>(body)?.get();
        if !body.starts_with('{') {
            return Err(serde_json::Error::custom("the event is not an object"));
        }
        let names = ["eventType", "requestId", "shutdownReason", "deadlineMs"];
        let [event_type, request_id, reason, deadline] = json::values(body, names);
        let text =
            |value: Option<&str>| value.and_then(json::text).unwrap_or_default().into_owned();
        let deadline = deadline.and_then(|value| serde_json::from_str(value).ok());
        let deadline_ms = milliseconds(deadline.as_ref());
        let event_type = text(event_type);
        Ok(match event_type.as_str() {
            "INVOKE" => Self::Invoke { request_id: text(request_id), deadline_ms },
            "SHUTDOWN" => Self::Shutdown { reason: text(reason), deadline_ms },
            _ => Self::Unknown(event_type),
        })
    }
}

/// Returns whole milliseconds since 1970 from a number with or without a fraction, or from its text; 0 for anything
/// else, which is long ago.
fn milliseconds(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Number(number)) => number.as_u64().unwrap_or_else(|| {
            // The cast saturates, and yields 0 for negative numbers.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "fractions of a millisecond are not needed"
            )]
            number.as_f64().map_or(0, |number| number as u64)
        }),
        Some(Value::String(text)) => serde_json::from_str(text).map_or(0, |value: Value| {
            if value.is_number() { milliseconds(Some(&value)) } else { 0 }
        }),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Next {
        Next::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_member_of_an_unexpected_type_does_not_affect_others() {
        let invoke =
            |id: &str, deadline_ms| Next::Invoke { request_id: id.to_owned(), deadline_ms };
        for (members, expected) in [
            (r#""requestId":"r","deadlineMs":1790000000000"#, invoke("r", 1_790_000_000_000)),
            (r#""requestId":"r","deadlineMs":1790000000000.75"#, invoke("r", 1_790_000_000_000)),
            (r#""requestId":"r","deadlineMs":1.79e12"#, invoke("r", 1_790_000_000_000)),
            (r#""requestId":"r","deadlineMs":"1790000000000""#, invoke("r", 1_790_000_000_000)),
            (r#""requestId":"r","deadlineMs":" 1790000000000.5 ""#, invoke("r", 1_790_000_000_000)),
            (r#""requestId":"r","deadlineMs":"soon""#, invoke("r", 0)),
            (r#""requestId":"r","deadlineMs":-1"#, invoke("r", 0)),
            (r#""requestId":"r","deadlineMs":1e300"#, invoke("r", u64::MAX)),
            (r#""requestId":"r","deadlineMs":null"#, invoke("r", 0)),
            (r#""requestId":"r","deadlineMs":{}"#, invoke("r", 0)),
            (r#""requestId":"r""#, invoke("r", 0)),
            (r#""requestId":null,"deadlineMs":5"#, invoke("", 5)),
            (r#""requestId":7,"deadlineMs":5,"tracing":[1]"#, invoke("", 5)),
        ] {
            assert_eq!(
                read(&format!(r#"{{"eventType":"INVOKE",{members}}}"#)),
                expected,
                "{members}"
            );
        }
        for (reason, expected) in [(r#""timeout""#, "timeout"), ("null", ""), ("[1]", "")] {
            let body =
                format!(r#"{{"eventType":"SHUTDOWN","shutdownReason":{reason},"deadlineMs":9.5}}"#);
            let reason = expected.to_owned();
            assert_eq!(read(&body), Next::Shutdown { reason, deadline_ms: 9 });
        }
        assert_eq!(read(r#"{"eventType":"TOMORROW"}"#), Next::Unknown("TOMORROW".to_owned()));
        assert_eq!(read(r#"{"eventType":null}"#), Next::Unknown(String::new()));
    }

    #[test]
    fn a_body_that_is_not_an_object_is_an_error() {
        for body in ["", "null", "[]", "<html>", "{\"eventType\":"] {
            assert!(Next::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
