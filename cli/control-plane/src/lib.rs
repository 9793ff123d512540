//! A fake control plane with state, and with features that emulators lack: pages of 50, token buckets, revisions, updates in
//! progress, limits, unreadable variables, stacks, shared roles, failures before and after a change. It also detects calls that a
//! client must never make.
//!
//! Unit tests call it inside of the SDK's HTTP client, in virtual time; tests of the program reach it over a socket.

mod function;
mod identity;
mod lambda;
pub mod publishing;
mod signing;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

pub use function::{Function, layer, other_layer};
pub use identity::{POLICY, Role};
pub use signing::{CodeSigning, signing_profile};

/// The region of the control plane.
pub const REGION: &str = "eu-central-1";
/// The account of the control plane.
pub const ACCOUNT: &str = "111122223333";
/// Capacity of each bucket in calls, and its refill rate per second (Lambda quotas).
pub const SHARED_BUCKET: f64 = 15.0;
const READ_BUCKET: f64 = 100.0;

/// A request as on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `PUT` and so on.
    pub method: String,
    /// The path with its query, percent-encoded.
    pub path: String,
    /// `X-Amz-Target`.
    pub target: Option<String>,
    /// The body, which may be empty.
    pub body: Vec<u8>,
}

/// An answer: status, seconds of `Retry-After`, and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The seconds of `Retry-After`.
    pub retry_after: Option<u64>,
    /// The body: JSON, or XML of STS and IAM.
    pub body: String,
}

/// The probability of each fault, from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Probability that a change is rejected with a 500.
    pub before: f64,
    /// Probability that a change is made but answered with a 500.
    pub after: f64,
    /// Probability that others change the function just before a change arrives.
    pub edits: f64,
}

/// The state of the account, which tests read and change.
#[derive(Debug, Default)]
pub struct State {
    /// Functions by name.
    pub functions: BTreeMap<String, Function>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Calls that a client must never make.
    pub violations: Vec<String>,
    /// Number of calls by operation.
    pub calls: BTreeMap<&'static str, usize>,
    /// Times of the calls of the shared bucket.
    pub times: Vec<Duration>,
    /// Random failures.
    pub faults: Faults,
    /// Changes that others make just before the next call of an operation arrives.
    pub edits: BTreeMap<&'static str, fn(&mut Function)>,
    /// Changes a function after each successful write. Its first argument is the function before the write.
    pub after_write: Option<fn(&Function, &mut Function)>,
    /// Time until which writes are rejected with a 500.
    pub failing_until: Duration,
    /// Code signing configurations by name.
    pub code_signing: BTreeMap<String, CodeSigning>,
    /// The profile versions that have signed layer versions, by the layer's ARN.
    pub signers: BTreeMap<String, String>,
    /// Layer versions that were changed after they were signed.
    pub altered: Vec<String>,
    /// Operations that are denied.
    pub denied: Vec<&'static str>,
    /// Version of the deployment's layer.
    pub published: u32,
    /// Calls per second of the shared bucket that others leave.
    pub shared: f64,
    /// Time that an update takes.
    pub update: Duration,
    /// Seed of the random failures.
    pub seed: u64,
    revisions: u64,
    buckets: [Option<(f64, Duration)>; 2],
}

/// Lambda, IAM, STS and SSM of one account and region.
#[derive(Debug)]
pub struct ControlPlane(Mutex<State>);

/// Layers and variables of every function, and policies of every role.
pub type Picture =
    (BTreeMap<String, (Vec<String>, BTreeMap<String, String>)>, BTreeMap<String, Vec<String>>);

impl ControlPlane {
    /// Returns an account with these functions and their roles, in which the deployment exists.
    pub fn new(functions: Vec<Function>) -> Self {
        let mut state = State {
            published: 12,
            shared: SHARED_BUCKET,
            update: Duration::from_millis(500),
            seed: 1,
            ..State::default()
        };
        for function in functions {
            let role = state.roles.entry(function.role.clone()).or_default();
            if function.has_policy {
                role.policies.push(POLICY.to_owned());
            }
            state.functions.insert(function.name.clone(), function);
        }
        Self(Mutex::new(state))
    }

    /// Locks the state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request at a time since the start.
    pub fn answer(&self, request: &Request, now: Duration) -> Response {
        let mut state = self.state();
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if request.method == "POST" && request.path.trim_matches('/').is_empty() {
            return match request.target.as_deref().and_then(|it| it.rsplit('.').next()) {
                Some("GetParameters") => state.parameters(&text),
                Some(other) => refused(400, "UnknownOperationException", other),
                None => state.identity(&text),
            };
        }
        state.lambda(request, &text, now)
    }

    /// Returns the state that tests compare before and after.
    pub fn picture(&self) -> Picture {
        let state = self.state();
        let function = |it: &Function| (it.layers.clone(), it.variables.clone());
        let functions = state.functions.iter().map(|(name, it)| (name.clone(), function(it)));
        let roles = state.roles.iter().map(|(name, it)| (name.clone(), it.policies.clone()));
        (functions.collect(), roles.collect())
    }

    /// Returns a copy of a function.
    pub fn function(&self, name: &str) -> Function {
        self.state().functions[name].clone()
    }

    /// Changes a function as others would, with a new revision.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Function)) {
        self.state().change(name, change);
    }

    /// Panics if a client has made a forbidden call, or more than `rate` calls in a second.
    pub fn check(&self, rate: usize) {
        let state = self.state();
        assert!(state.violations.is_empty(), "{:#?}", state.violations);
        for window in state.times.windows(rate + 1) {
            let span = window[rate].saturating_sub(window[0]);
            assert!(span >= Duration::from_millis(990), "{} calls within {span:?}", rate + 1);
        }
    }
}

impl State {
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Function)) {
        self.revisions += 1;
        let function = self.functions.get_mut(name).expect("the function exists");
        change(function);
        function.revision = self.revisions;
    }

    /// Takes a token from a bucket, or rejects the call.
    fn token(&mut self, bucket: usize, capacity: f64, now: Duration) -> Option<Response> {
        let (tokens, then) = self.buckets[bucket].unwrap_or((capacity, now));
        let tokens = (now.saturating_sub(then).as_secs_f64() * capacity + tokens).min(capacity);
        if tokens < 1.0 {
            self.buckets[bucket] = Some((tokens, now));
            let body = json!({ "Reason": "CallerRateLimitExceeded", "Type": "User", "message": "Rate exceeded" });
            let mut response = answer(429, &body);
            response.body =
                json!({ "__type": "TooManyRequestsException", "message": "Rate exceeded" })
                    .to_string();
            response.retry_after = Some(1);
            return Some(response);
        }
        self.buckets[bucket] = Some((tokens - 1.0, now));
        None
    }

    /// Returns true with this probability.
    fn happens(&mut self, probability: f64) -> bool {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let drawn = u32::try_from(self.seed >> 40).unwrap_or_default();
        f64::from(drawn) < probability * f64::from(1_u32 << 24)
    }

    fn violation(&mut self, text: String) {
        self.violations.push(text);
    }

    fn parameters(&mut self, body: &str) -> Response {
        *self.calls.entry("GetParameters").or_default() += 1;
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let names = body["Names"].as_array().cloned().unwrap_or_default();
        let value = |name: &str| match name.strip_prefix("/telemetry/kinesis/")? {
            "stack/name" => Some("KinesisTelemetry-dev".to_owned()),
            "stream/arn" => Some(format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/telemetry")),
            "dead-letters/url" => {
                Some(format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/letters"))
            }
            "runtime/policy/arn" => Some(POLICY.to_owned()),
            "extension/arn" | "extension/x86_64/arn" => Some(layer("x86_64", self.published)),
            "extension/arm64/arn" => Some(layer("arm64", self.published)),
            _ => None,
        };
        let found = names.iter().filter_map(|name| {
            let name = name.as_str()?;
            Some(json!({ "Name": name, "Value": value(name)?, "Type": "String" }))
        });
        answer(200, &json!({ "Parameters": found.collect::<Vec<_>>(), "InvalidParameters": [] }))
    }
}

fn answer(status: u16, body: &Value) -> Response {
    Response { status, retry_after: None, body: body.to_string() }
}

fn refused(status: u16, code: &str, message: &str) -> Response {
    answer(status, &json!({ "__type": code, "message": message, "Message": message }))
}

/// Decodes the percent-encoding of a path or a form.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let decoded = hex.and_then(|it| u8::from_str_radix(it, 16).ok()).filter(|_| byte == b'%');
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
