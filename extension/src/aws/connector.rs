//! The SDK's HTTP connector: HTTP/1.1 over TLS with ring.
//!
//! Written out because the SDK's own costs a function ten times as much before its first record. Connections are kept
//! while they are young and dropped when they may have died in a freeze.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client, connect};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// An idle connection older than this is not used again. Longer than the pause between two requests of a flush or of a
/// busy function, and much shorter than the idle timeouts of NAT gateways (350 s) and load balancers (60 s).
const MAX_IDLE: Duration = Duration::from_secs(20);

type Pool = Client<HttpsConnector<connect::HttpConnector>, SdkBody>;

/// A pool of connections that can be thrown away.
#[derive(Clone, Debug)]
pub struct Connector {
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug)]
struct Current {
    pool: Pool,
    /// By both clocks: a paused machine may stop the monotonic one, and the wall clock may be set back.
    used: (Instant, SystemTime),
}

/// The certificate authorities that are trusted.
#[derive(Debug)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Mozilla's list, compiled in: parsing the system's would cost more than everything else before the first record.
    pub fn compiled_in() -> Self {
        Self(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Those of a PEM file, as `AWS_CA_BUNDLE` names it, instead.
    pub fn from_pem_file(path: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("cannot read certificates from {path:?}: {error}")
        };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        // A bundle may well hold one that rustls does not know what to make of; the others count.
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if roots.is_empty() {
            return Err(failed(&"it holds none"));
        }
        Ok(Self(roots))
    }
}

impl Connector {
    /// Connects to nothing yet.
    pub fn new(roots: Roots, connect_timeout: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the protocol versions that rustls considers safe")
            .with_root_certificates(roots.0)
            .with_no_client_auth();
        let tls = Arc::new(tls);
        let pool = pool(&tls, connect_timeout);
        let current = Current { pool, used: (Instant::now(), SystemTime::now()) };
        Self { tls, connect_timeout, current: Arc::new(Mutex::new(current)) }
    }

    /// Uses none of the present connections any more. Requests under way keep theirs until they end.
    pub fn reset(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).pool = self.new_pool();
    }

    fn new_pool(&self) -> Pool {
        pool(&self.tls, self.connect_timeout)
    }

    /// The pool to use now.
    fn pool(&self) -> Pool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (Instant::now(), SystemTime::now());
        if idle(current.used, now) > MAX_IDLE {
            current.pool = self.new_pool();
        }
        current.used = now;
        current.pool.clone()
    }
}

/// Time without use: the larger of both clocks.
fn idle(used: (Instant, SystemTime), now: (Instant, SystemTime)) -> Duration {
    now.0.saturating_duration_since(used.0).max(now.1.duration_since(used.1).unwrap_or_default())
}

fn pool(tls: &Arc<ClientConfig>, connect_timeout: Duration) -> Pool {
    let mut tcp = connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(ClientConfig::clone(tls))
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(MAX_IDLE)
        .build(https)
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pool = self.pool();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let sent = pool.request(request).await;
            let response = sent.map_err(|error| classify(authority, error))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Why there is no answer, and from whom.
#[derive(Debug, thiserror::Error)]
#[error("{authority}")]
struct Unreachable {
    authority: String,
    source: legacy::Error,
}

/// Everything that goes wrong between here and the service is an I/O error to the SDK, unless we built a bad request.
fn classify(authority: String, source: legacy::Error) -> ConnectorError {
    let cause = source.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    let is_user = cause.is_some_and(hyper::Error::is_user);
    let error = Unreachable { authority, source }.into();
    if is_user { ConnectorError::user(error) } else { ConnectorError::io(error) }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_the_larger_of_both_clocks() {
        let start = (Instant::now(), SystemTime::now());
        let (short, long) = (Duration::from_secs(1), Duration::from_hours(1));
        assert_eq!(idle(start, (start.0 + short, start.1 + long)), long, "a paused machine");
        assert_eq!(idle(start, (start.0 + long, start.1 + short)), long);
        assert_eq!(idle(start, (start.0 + short, start.1 - long)), short, "a clock set back");
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
        let error = Roots::from_pem_file("/nowhere/ca.pem").unwrap_err();
        assert!(
            error.starts_with("cannot read certificates from \"/nowhere/ca.pem\": "),
            "{error}"
        );
        let empty =
            std::env::temp_dir().join(format!("empty-{}.pem", crate::chance::new_instance()));
        std::fs::write(&empty, "no certificate").unwrap();
        let error = Roots::from_pem_file(empty.to_str().unwrap()).unwrap_err();
        std::fs::remove_file(&empty).unwrap();
        assert!(error.contains("it holds none"), "{error}");
    }
}
