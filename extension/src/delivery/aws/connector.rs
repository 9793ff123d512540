//! The SDK's HTTP connector: HTTP/1.1 over TLS with ring.
//!
//! It replaces the SDK's own connector, which costs a function ten times as much before its first record. Connections
//! are kept while they are young, and dropped when they may have died in a freeze.

mod prepared;
mod proxy;
mod roots;

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::sync::Notify;

use crate::base::clock::{self, Moment};
use crate::base::sync::lock;
use prepared::Prepared;
use proxy::Dialer;
pub(crate) use proxy::Proxy;
pub use roots::Roots;

/// The age above which an idle connection is not used again. It is longer than the pause between two requests of a
/// flush or of a busy function, and much shorter than the idle timeouts of NAT gateways (350 s) and load balancers (60
/// s).
const MAX_IDLE: Duration = Duration::from_secs(20);
/// The largest response that is read, in bytes. `PutRecords` responds with about 200 bytes per
/// record, and accepts 500 records.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// The maximum number of informational responses (1xx) before the final one. No AWS service sends more than one.
const MAX_INFORMATIONAL: usize = 16;
/// The number of servers whose TLS sessions are kept: Kinesis, and a few others such as SQS.
const SESSIONS: usize = 8;

/// A pool of connections that can be discarded.
#[derive(Clone, Debug)]
pub struct Connector {
    connect_timeout: Duration,
    proxy: Proxy,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug)]
struct Current {
    tls: ClientConfig,
    pool: Pool,
    /// The time of the last use on both clocks: a paused machine may stop the monotonic clock, and the wall clock may
    /// be set back.
    used: Moment,
}

#[derive(Clone, Debug)]
struct Pool {
    client: Client<Prepared, SdkBody>,
    prepared: Prepared,
}

impl Connector {
    /// Creates a connector without connections.
    pub fn new(roots: Roots, connect_timeout: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the protocol versions that rustls considers safe")
            .with_root_certificates(roots.0)
            .with_no_client_auth();
        tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        Self::with(tls, Proxy::default(), connect_timeout)
    }

    /// Returns a connector that uses this proxy.
    #[must_use]
    pub(crate) fn through(self, proxy: Proxy) -> Self {
        let tls = self.current().tls.clone();
        Self::with(tls, proxy, self.connect_timeout)
    }

    fn with(tls: ClientConfig, proxy: Proxy, connect_timeout: Duration) -> Self {
        let pool = Pool::new(&tls, &proxy, connect_timeout);
        let current = Current { tls, pool, used: clock::now() };
        Self { connect_timeout, proxy, current: Arc::new(Mutex::new(current)) }
    }

    /// Returns another connector that trusts the same authorities, with its own connections.
    #[must_use]
    pub fn separate(&self) -> Self {
        let tls = self.current().tls.clone();
        Self::with(tls, self.proxy.clone(), self.connect_timeout)
    }

    /// Discards all connections. Requests in flight keep theirs until they end.
    pub fn reset(&self) {
        let mut current = self.current();
        current.pool = Pool::new(&current.tls, &self.proxy, self.connect_timeout);
    }

    /// Discards all connections and the state negotiated with servers, because other copies of this process may share
    /// it.
    pub fn forget(&self) {
        self.proxy.forget();
        self.current().tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        self.reset();
    }

    /// Returns a client that sends nothing. Instead of sending a request it starts to open a connection for the next
    /// one.
    pub fn opener(&self) -> SharedHttpClient {
        let opener = SharedHttpConnector::new(Opener(self.clone()));
        http_client_fn(move |_, _| opener.clone())
    }

    /// Returns a client that sends requests.
    pub fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Requests a document. Returns the status and the body of the response.
    pub(super) async fn get(
        &self,
        uri: &str,
        authorization: Option<&str>,
    ) -> Result<(u16, SdkBody), Box<dyn std::error::Error + Send + Sync>> {
        let mut request = hyper::Request::get(uri);
        if let Some(token) = authorization {
            request = request.header(hyper::header::AUTHORIZATION, token);
        }
        let response = self.pool().send(request.body(SdkBody::empty())?).await?;
        let (parts, body) = response.into_parts();
        Ok((parts.status.as_u16(), SdkBody::from_body_1_x(body)))
    }

    /// Returns the pool to use now.
    fn pool(&self) -> Pool {
        let mut current = self.current();
        let now = clock::now();
        if now.since(current.used) > MAX_IDLE {
            current.pool = Pool::new(&current.tls, &self.proxy, self.connect_timeout);
        }
        current.used = now;
        current.pool.clone()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.current)
    }
}

impl Pool {
    fn new(tls: &ClientConfig, proxy: &Proxy, connect_timeout: Duration) -> Self {
        let prepared = Prepared::new(Dialer::new(tls, proxy.clone(), connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(MAX_IDLE)
            .build(prepared.clone());
        Self { client, prepared }
    }

    /// Sends a request. Fails if the server sends informational responses without end.
    async fn send(&self, mut request: Request<SdkBody>) -> Result<Response<Incoming>, SendError> {
        let (count, too_many) = (AtomicUsize::new(0), Arc::new(Notify::new()));
        let flood = too_many.clone();
        hyper::ext::on_informational(&mut request, move |_| {
            if count.fetch_add(1, Ordering::Relaxed) == MAX_INFORMATIONAL {
                flood.notify_one();
            }
        });
        let mut answer = pin!(self.client.request(request));
        let mut flood = pin!(too_many.notified());
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer.map_err(SendError::from));
            }
            flood.as_mut().poll(context).map(|()| Err(SendError::TooManyInformational))
        })
        .await
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pool = self.pool();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // The part before an `@` may contain a password.
            let authority = request.uri().authority().map(|it| it.as_str().rsplit('@'));
            let authority = authority.and_then(|mut it| it.next()).unwrap_or_default().to_owned();
            let sent = pool.send(request).await;
            let response = sent.map_err(|error| classify(authority, error))?;
            HttpResponse::try_from(response.map(bounded))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Returns the body of a response, limited to [`MAX_ANSWER`].
fn bounded(body: Incoming) -> SdkBody {
    let body = Limited::new(body, MAX_ANSWER).map_err(|error| {
        let is_too_long = error.is::<LengthLimitError>();
        if is_too_long { format!("the answer exceeds {MAX_ANSWER} bytes").into() } else { error }
    });
    SdkBody::from_body_1_x(body)
}

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Client(#[from] legacy::Error),
    #[error("more than {MAX_INFORMATIONAL} informational answers (1xx)")]
    TooManyInformational,
}

/// Why there is no response, and from which server.
#[derive(Debug, thiserror::Error)]
#[error("{authority}")]
struct Unreachable {
    authority: String,
    source: SendError,
}

/// Classifies a failure for the SDK: as an I/O error, unless the request itself is invalid.
fn classify(authority: String, source: SendError) -> ConnectorError {
    let cause = source.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    let is_user = cause.is_some_and(hyper::Error::is_user);
    let error = Unreachable { authority, source }.into();
    if is_user { ConnectorError::user(error) } else { ConnectorError::io(error) }
}

/// A client that opens connections and sends nothing.
#[derive(Debug)]
struct Opener(Connector);

impl HttpConnector for Opener {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Ok(to) = request.uri().parse() {
            self.0.pool().prepared.open(to);
        }
        HttpConnectorFuture::ready(Err(ConnectorError::user("nothing is sent".into())))
    }
}

#[cfg(test)]
mod tests;
