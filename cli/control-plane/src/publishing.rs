//! The regions of an account in which layers are published: layer versions with their policies, the functions that verify them,
//! code signing and buckets. It counts the calls, makes one of them fail on request of a test, and notes calls that a publisher
//! must never make.

mod canaries;
mod layers;
mod signer;
mod store;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::{Request, decoded};
pub use canaries::Canary;
pub use layers::LayerVersion;
use signer::Job;
pub use signer::profile_version;

/// An answer with a body of bytes.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status. With 0 there is no answer.
    pub status: u16,
    /// Names and values of headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The failure of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The call is rejected with a 500, and changes nothing.
    Before,
    /// The call is executed but answered with a 500.
    After,
    /// The call is throttled.
    Throttled,
    /// The call is denied.
    Denied,
    /// The call is executed, but the connection breaks before the response.
    Lost,
    /// The connection breaks before the request is read.
    Unsent,
}

/// A region.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Versions by the name of the layer.
    pub layers: BTreeMap<String, Vec<LayerVersion>>,
    /// Functions by name.
    pub functions: BTreeMap<String, Canary>,
    /// True if the extension in a layer does not start.
    pub is_broken: bool,
    /// Number of environments, from the next one on, that Lambda initialises before the invocation.
    pub proactive: usize,
}

/// The state of the account, which tests read and change.
#[derive(Debug, Default)]
pub struct Regions {
    /// Regions by name. A call to another one is a violation.
    pub regions: BTreeMap<String, Place>,
    /// Objects by bucket and key.
    pub objects: BTreeMap<(String, String), Vec<u8>>,
    /// Code-signing jobs by their IDs.
    pub jobs: BTreeMap<String, Job>,
    /// Number of jobs, from the next one on, that end without a signature.
    pub failing_jobs: usize,
    /// The operation of each call, in their order.
    pub calls: Vec<&'static str>,
    /// The call that fails, by its number from 0.
    pub failure: Option<(usize, Failure)>,
    /// An operation that fails in a region, each time.
    pub failing: Option<(&'static str, String, Failure)>,
    /// Calls that a client must never make.
    pub violations: Vec<String>,
}

/// Lambda, Signer, S3 and STS of one account in several regions.
#[derive(Debug)]
pub struct Account(Mutex<Regions>);

impl Account {
    /// Returns an account with these regions, in which nothing is published.
    pub fn new(regions: &[&str]) -> Self {
        let regions = regions.iter().map(|it| ((*it).to_owned(), Place::default())).collect();
        Self(Mutex::new(Regions { regions, ..Regions::default() }))
    }

    /// Locks the state.
    pub fn state(&self) -> MutexGuard<'_, Regions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request to a host.
    pub fn answer(&self, host: &str, request: &Request) -> Answer {
        let mut state = self.state();
        let Some((operation, region, service)) = operation(host, request) else {
            state.violations.push(format!("{} {host}{}", request.method, request.path));
            return refused(404, "UnknownOperationException", &request.path);
        };
        let number = state.calls.len();
        state.calls.push(operation);
        let failure = state.failure.filter(|(call, _)| *call == number).map(|(_, it)| it);
        let failing = state.failing.clone();
        let failing = failing.filter(|(of, place, _)| *of == operation && *place == region);
        match failure.or(failing.map(|(.., it)| it)) {
            Some(Failure::Before) => service.refused(500, "InternalError"),
            Some(Failure::Throttled) => service.refused(429, "TooManyRequestsException"),
            Some(Failure::Denied) => service.refused(403, "AccessDeniedException"),
            Some(Failure::After) => {
                state.carry_out(operation, &region, service, host, request);
                service.refused(500, "InternalError")
            }
            Some(Failure::Lost) => {
                state.carry_out(operation, &region, service, host, request);
                Answer::default()
            }
            Some(Failure::Unsent) => Answer::default(),
            None => state.carry_out(operation, &region, service, host, request),
        }
    }

    /// Panics if a client has made a forbidden call.
    pub fn check(&self) {
        let state = self.state();
        assert!(state.violations.is_empty(), "{:#?}", state.violations);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Sts,
    Lambda,
    Signer,
    S3,
}

impl Service {
    /// Returns an answer in the protocol of the service.
    fn refused(self, status: u16, code: &str) -> Answer {
        let error = format!("<Error><Code>{code}</Code><Message>refused</Message></Error>");
        let body = match self {
            Self::Lambda | Self::Signer => return refused(status, code, "refused"),
            Self::S3 => error,
            Self::Sts => format!("<ErrorResponse>{error}</ErrorResponse>"),
        };
        Answer { status, body: body.into_bytes(), ..Answer::default() }
    }
}

/// Returns the operation of a request, with its region and service.
fn operation(host: &str, request: &Request) -> Option<(&'static str, String, Service)> {
    let mut words = host.split('.').rev().skip(2);
    let region = words.next()?.to_owned();
    let service = match words.next()? {
        "sts" => Service::Sts,
        "lambda" => Service::Lambda,
        "signer" => Service::Signer,
        "s3" => Service::S3,
        _ => return None,
    };
    let path = request.path.split('?').next().unwrap_or_default();
    let path = decoded(path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let parts = parts.as_slice();
    let operation = match (service, request.method.as_str(), parts) {
        (Service::Sts, ..) => "GetCallerIdentity",
        (Service::Signer, "POST", ["signing-jobs"]) => "StartSigningJob",
        (Service::Signer, "GET", ["signing-jobs", _]) => "DescribeSigningJob",
        (Service::S3, "GET", [""]) => "ListObjectsV2",
        (Service::S3, "GET", _) => "GetObject",
        (Service::S3, "PUT", _) => "PutObject",
        (Service::Lambda, "GET", [_, "layers", _, "versions"]) => "ListLayerVersions",
        (Service::Lambda, "POST", [_, "layers", _, "versions"]) => "PublishLayerVersion",
        (Service::Lambda, "GET", [_, "layers", _, "versions", _]) => "GetLayerVersion",
        (Service::Lambda, "GET", [_, "layers", _, "versions", _, "policy"]) => {
            "GetLayerVersionPolicy"
        }
        (Service::Lambda, "POST", [_, "layers", _, "versions", _, "policy"]) => {
            "AddLayerVersionPermission"
        }
        (Service::Lambda, "POST", [_, "functions"]) => "CreateFunction",
        (Service::Lambda, "GET", [_, "functions", _, "configuration"]) => {
            "GetFunctionConfiguration"
        }
        (Service::Lambda, "PUT", [_, "functions", _, "configuration"]) => {
            "UpdateFunctionConfiguration"
        }
        (Service::Lambda, "POST", [_, "functions", _, "invocations"]) => "Invoke",
        (Service::Lambda, "DELETE", [_, "functions", _]) => "DeleteFunction",
        _ => return None,
    };
    Some((operation, region, service))
}

impl Regions {
    fn carry_out(
        &mut self,
        operation: &'static str,
        region: &str,
        service: Service,
        host: &str,
        request: &Request,
    ) -> Answer {
        if !self.regions.contains_key(region) {
            self.violations.push(format!("{operation} in {region}"));
            return refused(403, "AccessDeniedException", region);
        }
        match service {
            Service::Sts => identity(),
            Service::Signer => self.sign(operation, request),
            Service::S3 => self.store(operation, host, request),
            Service::Lambda if operation.contains("Layer") => {
                self.layer(operation, region, request)
            }
            Service::Lambda => self.canary(operation, region, request),
        }
    }
}

fn identity() -> Answer {
    let account = crate::ACCOUNT;
    let result =
        format!("<GetCallerIdentityResult><Account>{account}</Account></GetCallerIdentityResult>");
    let body = format!("<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>");
    Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, body: body.to_string().into_bytes(), ..Answer::default() }
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let headers = vec![("x-amzn-errortype", code.to_owned())];
    let body = json!({ "Message": message, "message": message }).to_string();
    Answer { status, headers, body: body.into_bytes() }
}

/// Returns the words between the slashes of a path.
fn parts(request: &Request) -> Vec<String> {
    let path = request.path.split('?').next().unwrap_or_default();
    decoded(path).trim_matches('/').split('/').map(str::to_owned).collect()
}

/// Returns a parameter of a query.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// Returns the JSON body of a request.
fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}
