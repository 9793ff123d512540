//! Lambda's APIs on loopback: one client for the Extensions API and the Telemetry API.
//!
//! Knows HTTP and how to say what went wrong; the paths are known by the two modules within.

pub(crate) mod extensions;
pub(crate) mod telemetry;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Largest answer that is read. Lambda's are a few hundred bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// A client of the APIs at one `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which for errors need not be valid JSON.
    pub body: Bytes,
}

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The service said no.
    #[error("{what} was answered {status}: {body}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Status of the answer.
        status: StatusCode,
        /// Its body.
        body: String,
    },
    /// There was no answer.
    #[error("{what} was not answered: {source}")]
    Broken {
        /// What was asked.
        what: &'static str,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There was no answer in time.
    #[error("{what} was not answered within {} ms", .timeout.as_millis())]
    Late {
        /// What was asked.
        what: &'static str,
        /// The time that was given.
        timeout: Duration,
    },
}

impl Api {
    /// `authority` is the value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn new(authority: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { authority: authority.to_owned(), client }
    }

    /// Sends a request and waits for the answer, for ever: `next` takes hours.
    async fn call(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Result<Answer, Error> {
        let broken =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Broken { what, source };
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.authority));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| broken(error.into()))?;
        let response = self.client.request(request).await.map_err(|error| broken(error.into()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(broken)?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Answer {
    /// The answer as an error.
    fn refused(&self, what: &'static str) -> Error {
        let body = String::from_utf8_lossy(&self.body).trim().chars().take(500).collect();
        Error::Refused { what, status: self.status, body }
    }
}

impl Error {
    /// Whether this is a refusal with this error type of Lambda's.
    pub(crate) fn is_of_type(&self, error_type: &str) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            error_type: String,
        }
        let Self::Refused { body, .. } = self else { return false };
        serde_json::from_str(body).is_ok_and(|body: Body| body.error_type == error_type)
    }

    /// The status of a refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }
}

/// Bounds a call that must not take long.
async fn within<T>(
    timeout: Duration,
    what: &'static str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(timeout, call).await.unwrap_or(Err(Error::Late { what, timeout }))
}
