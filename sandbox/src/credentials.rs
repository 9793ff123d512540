//! A small credentials endpoint, as functions with `SnapStart` and containers have it. Their environment holds no keys:
//! they request them from the endpoint, and the keys change.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hyper::Request;
use serde_json::json;

use crate::http::{Reply, Server, bare, header, json, uuid};
use crate::lock::lock;

/// The path of the credentials.
const PATH: &str = "/2021-04-23/credentials";

/// An endpoint on a port of loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Credentials {
    token: String,
    state: Arc<Mutex<State>>,
    server: Server,
}

/// Temporary credentials, as the endpoint returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Identifies the keys; requests that are signed with them name it.
    pub access_key_id: String,
    /// The secret key for signatures.
    pub secret_access_key: String,
    /// The token that a request sends with its signature.
    pub session_token: String,
    /// The time after which a client must ask for new credentials.
    pub expiration: SystemTime,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    /// The status of every answer, if it is no 200.
    failure: Option<u16>,
    requests: u64,
    refused: u64,
}

impl Keys {
    /// Keys under this id that expire after this time.
    pub fn new(access_key_id: &str, lifetime: Duration) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: format!("session-of-{access_key_id}"),
            expiration: SystemTime::now() + lifetime,
        }
    }
}

impl Credentials {
    /// Starts an endpoint that returns these keys to every client that knows its token.
    pub async fn start(keys: Keys) -> std::io::Result<Arc<Self>> {
        let token = uuid();
        let state = State { keys, failure: None, requests: 0, refused: 0 };
        let state = Arc::new(Mutex::new(state));
        let (expected, shared) = (token.clone(), state.clone());
        let handle = move |request| {
            let reply = answer(&mut lock(&shared), &expected, &request);
            async move { reply }
        };
        Ok(Arc::new(Self { token, state, server: Server::start(handle).await? }))
    }

    /// The endpoint, for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn full_uri(&self) -> String {
        format!("http://{}{PATH}", self.server.address)
    }

    /// Returns the required value of the header `Authorization`, for `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the variables that make a process use this endpoint, for the owner's part of its environment. The
    /// variables in which Lambda gives keys to other functions are empty.
    pub fn environment(&self) -> Vec<(String, String)> {
        let (uri, token) = (self.full_uri(), self.token());
        let variables = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_SESSION_TOKEN", ""),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Replaces the keys from the next request on.
    pub fn set_keys(&self, keys: Keys) {
        lock(&self.state).keys = keys;
    }

    /// Returns the current keys.
    pub fn keys(&self) -> Keys {
        lock(&self.state).keys.clone()
    }

    /// Answers every request with this status and no body. With `None`, it answers as usual again.
    pub fn set_failure(&self, status: Option<u16>) {
        lock(&self.state).failure = status;
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        lock(&self.state).requests
    }

    /// Returns the number of requests that were refused because of a wrong token or path.
    pub fn refused(&self) -> u64 {
        lock(&self.state).refused
    }
}

fn answer<B>(state: &mut State, token: &str, request: &Request<B>) -> Reply {
    state.requests += 1;
    if request.uri().path() != PATH {
        state.refused += 1;
        return bare(404);
    }
    if header(request, "authorization") != Some(token) {
        state.refused += 1;
        // As Lambda answers.
        return bare(404);
    }
    if let Some(status) = state.failure {
        return bare(status);
    }
    let Keys { access_key_id, secret_access_key, session_token, expiration } = &state.keys;
    let body = json!({
        "AccessKeyId": access_key_id,
        "SecretAccessKey": secret_access_key,
        "Token": session_token,
        "Expiration": humantime::format_rfc3339_seconds(*expiration).to_string(),
    });
    json(200, &body)
}
