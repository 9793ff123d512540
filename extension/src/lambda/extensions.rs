//! The Extensions API: register, next, init/error.
//!
//! Knows nothing of telemetry.

use std::time::Duration;

use extension_spec::EXTENSION_NAME;
use hyper::Method;
use serde::Deserialize;

use super::{Api, Error, within};

const PATH: &str = "/2020-01-01/extension";
const IDENTIFIER: &str = "lambda-extension-identifier";

/// A registered extension.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) api: Api,
    /// Goes with every later call.
    pub id: String,
    /// What Lambda says of the function.
    pub function: Function,
}

/// The function, as `register` describes it. Every member may be missing: emulators differ.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Function {
    /// Its name.
    pub function_name: String,
    /// Its version, `$LATEST` for instance.
    pub function_version: String,
    /// The account that owns it, where Lambda tells.
    pub account_id: Option<String>,
}

/// What `next` brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The function is invoked.
    Invoke {
        /// Its request.
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
    /// Something that Lambda did not send when this was written.
    Unknown(String),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Message {
    event_type: String,
    deadline_ms: u64,
    request_id: String,
    shutdown_reason: String,
}

impl Extension {
    /// Registers for these events. The runtime starts only when this is done, so nothing comes before it.
    pub(crate) async fn register(
        api: Api,
        events: &[&str],
        timeout: Duration,
    ) -> Result<Self, Error> {
        const WHAT: &str = "registering the extension";
        let body = serde_json::json!({ "events": events }).to_string();
        let headers = [
            ("lambda-extension-name", EXTENSION_NAME),
            ("lambda-extension-accept-feature", "accountId"),
        ];
        let path = format!("{PATH}/register");
        let call = api.call(WHAT, Method::POST, &path, &headers, body);
        let answer = within(timeout, WHAT, call).await?;
        let id = answer.headers.get(IDENTIFIER).and_then(|id| id.to_str().ok());
        match id {
            Some(id) if answer.status.is_success() => {
                let id = id.to_owned();
                let function = serde_json::from_slice(&answer.body).unwrap_or_default();
                Ok(Self { api, id, function })
            }
            _ => Err(answer.refused(WHAT)),
        }
    }

    /// Waits for the next event, however long.
    pub(crate) async fn next(&self) -> Result<Next, Error> {
        const WHAT: &str = "asking for the next event";
        let headers = [(IDENTIFIER, self.id.as_str())];
        let path = format!("{PATH}/event/next");
        let answer = self.api.call(WHAT, Method::GET, &path, &headers, String::new()).await?;
        if !answer.status.is_success() {
            return Err(answer.refused(WHAT));
        }
        // SHUTDOWN comes as text/plain, so the type of the content says nothing.
        let event: Message = serde_json::from_slice(&answer.body)
            .map_err(|source| Error::Broken { what: WHAT, source: source.into() })?;
        Ok(match event.event_type.as_str() {
            "INVOKE" => {
                Next::Invoke { request_id: event.request_id, deadline_ms: event.deadline_ms }
            }
            "SHUTDOWN" => {
                Next::Shutdown { reason: event.shutdown_reason, deadline_ms: event.deadline_ms }
            }
            _ => Next::Unknown(event.event_type),
        })
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

    /// The client, for the other API.
    pub(super) fn api(&self) -> &Api {
        &self.api
    }
}
