//! Lambda's APIs on loopback: one connection for the Extensions API and the Telemetry API.
//!
//! This module knows HTTP and describes errors. The paths are in its two submodules.

mod connection;
pub(crate) mod early;
pub(crate) mod extensions;
pub(crate) mod telemetry;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};

use crate::base::sync::lock;
use connection::{BoxError, Sender};
use early::Early;

/// The largest response that is read, in bytes. Lambda's responses take a few hundred bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// A client of the APIs at one `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    authority: String,
    /// The connection between two calls. A call takes it, so an abandoned call closes it.
    idle: Arc<Mutex<Option<Sender>>>,
}

/// A response of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if all of it arrived. For errors it need not be valid JSON.
    pub body: Result<Bytes, Error>,
}

/// Why there is no usable response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The service rejected the call.
    #[error("{what} was answered {status}: {body}")]
    Refused {
        /// The call, in words.
        what: &'static str,
        /// The status of the response.
        status: StatusCode,
        /// The body of the response.
        body: String,
    },
    /// There was no response.
    #[error("{what} was not answered: {source}")]
    Broken {
        /// The call, in words.
        what: &'static str,
        /// The cause.
        source: BoxError,
    },
    /// There was no response in time.
    #[error("{what} was not answered within {} ms", .timeout.as_millis())]
    Late {
        /// The call, in words.
        what: &'static str,
        /// The time limit.
        timeout: Duration,
    },
}

impl Api {
    /// Creates a client. `authority` is the value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn new(authority: &str) -> Self {
        Self { authority: authority.to_owned(), idle: Arc::default() }
    }

    /// Returns a client that continues on an early connection. Its first call must be the registration that was already
    /// written.
    pub(crate) async fn resume(authority: &str, early: Early) -> Self {
        let api = Self::new(authority);
        *lock(&api.idle) = connection::resume(early).await.ok();
        api
    }

    /// Sends a request and waits for the response without a limit, because `next` may take hours.
    ///
    /// The future is boxed. Otherwise each future that awaits a call would contain its kilobyte, some several times.
    fn call<'a>(
        &'a self,
        what: &'static str,
        method: Method,
        path: &'a str,
        headers: &'a [(&'static str, &'a str)],
        body: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>> {
        Box::pin(self.exchange(what, method, path, headers, body))
    }

    async fn exchange(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Result<Answer, Error> {
        let broken = |source: BoxError| Error::Broken { what, source };
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.authority.as_str());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| broken(error.into()))?;
        let (sender, response) = self.send(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(broken);
        *lock(&self.idle) = Some(sender);
        let body = body.map(Collected::to_bytes);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends a request on the idle connection, or on a new one if that is closed.
    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Sender, Response<Incoming>), BoxError> {
        let idle = lock(&self.idle).take();
        if let Some(mut sender) = idle
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                // Hyper returns the request only if it has sent no part of it.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut sender = connection::connect(&self.authority).await?;
        let response = sender.send_request(request).await?;
        Ok((sender, response))
    }
}

impl Answer {
    /// Returns the response as an error.
    fn refused(&self, what: &'static str) -> Error {
        let body = self.body.as_deref().unwrap_or_default();
        let body = String::from_utf8_lossy(body).trim().chars().take(500).collect();
        Error::Refused { what, status: self.status, body }
    }
}

impl Error {
    /// True if this is a rejection with this error type of Lambda's.
    pub(crate) fn is_of_type(&self, error_type: &str) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            error_type: String,
        }
        let Self::Refused { body, .. } = self else { return false };
        serde_json::from_str(body).is_ok_and(|body: Body| body.error_type == error_type)
    }

    /// Returns the status of a rejection.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }
}

/// Limits the time of a call.
async fn within<T>(
    timeout: Duration,
    what: &'static str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(timeout, call).await.unwrap_or(Err(Error::Late { what, timeout }))
}
