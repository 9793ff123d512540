//! Opens connections, through a proxy if the environment names one.
//!
//! A proxy that opens no tunnel does not stop the delivery: the extension reports it once and connects directly.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use extension_spec::{Problem, printable};
use hyper::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::base::clock::{self, Moment};
use crate::base::log;
use crate::delivery::aws::near::is_near;
use crate::delivery::aws::{causes, text};

/// The variables that name a proxy, in the order in which AWS's own Python tools read them.
const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// The maximum length, in characters, of the reason why a proxy opens no tunnel.
const WHY: usize = 300;
/// The reason that is reported for a proxy that did not answer.
const SILENT: &str = "it did not answer in time";

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
pub(super) type Opened = Result<Stream, Box<dyn Error + Send + Sync>>;
pub(super) type Opening = Pin<Box<dyn Future<Output = Opened> + Send>>;

/// The proxy that the environment names, if any. Clones share its state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy(Option<Arc<Named>>);

#[derive(Debug)]
struct Named {
    /// The variable and its value, for messages.
    shown: String,
    matcher: Matcher,
    /// Returns true for hosts that are reached without the proxy.
    is_near: fn(&str) -> bool,
    /// True if the next connection bypasses the proxy.
    is_passed_over: AtomicBool,
    /// True if a failure was reported. A tunnel that opens resets it.
    is_reported: AtomicBool,
}

impl Proxy {
    /// Reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. An invalid value is returned as a problem, and no proxy is
    /// used.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> (Self, Option<Problem>) {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((*name, get(name)?.trim().to_owned())))
        };
        let Some((name, url)) = first(&PROXY).filter(|(_, url)| !url.is_empty()) else {
            return (Self::default(), None);
        };
        let except = first(&NO_PROXY).map(|(_, hosts)| hosts).unwrap_or_default();
        let Some(except) = exceptions(&except) else { return (Self::default(), None) };
        let matcher = Matcher::builder().https(url.as_str()).no(except).build();
        // The result does not depend on the host.
        let elsewhere = Matcher::builder().https(url.as_str()).build();
        let proxy = elsewhere.intercept(&Uri::from_static("https://kinesis.amazonaws.com"));
        if proxy.is_none_or(|proxy| proxy.uri().scheme_str() != Some("http")) {
            let problem = Problem {
                variable: name.to_owned(),
                value: url,
                wrong: "not the URL of an HTTP proxy".to_owned(),
                remedy:
                    "set http://HOST:PORT, or remove it; the extension connects directly until then"
                        .to_owned(),
            };
            return (Self::default(), Some(problem));
        }
        let shown = format!("{name}={:?}", printable(&url));
        (Self::named(shown, matcher, stays_here), None)
    }

    fn named(shown: String, matcher: Matcher, is_near: fn(&str) -> bool) -> Self {
        let (is_passed_over, is_reported) = Default::default();
        Self(Some(Arc::new(Named { shown, matcher, is_near, is_passed_over, is_reported })))
    }

    /// Uses the proxy again for the next connection.
    pub(super) fn forget(&self) {
        if let Some(named) = &self.0 {
            named.is_passed_over.store(false, Ordering::Relaxed);
        }
    }

    /// Returns the proxy for this URI, if one is to be tried.
    fn to(&self, uri: &Uri) -> Option<(Arc<Named>, Intercept)> {
        let named = self.0.as_ref()?;
        // Plain HTTP is used only for emulators and for this machine's credentials.
        if uri.scheme_str() != Some("https") || (named.is_near)(uri.host()?) {
            return None;
        }
        Some((named.clone(), named.matcher.intercept(uri)?))
    }
}

/// True if a host is reached without the proxy.
fn stays_here(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let is_local =
        host.len() > 10 && host.as_bytes()[host.len() - 10..].eq_ignore_ascii_case(b".localhost");
    is_near(host) || is_local
}

/// Returns `NO_PROXY` in the form that the matcher reads; none if it exempts every host. Tools differ, so spaces also
/// separate hosts, `*.example.com` means `.example.com`, and the port 443 is ignored.
fn exceptions(hosts: &str) -> Option<String> {
    let hosts = hosts.split([',', ' ', '\t', '\n']).filter(|host| !host.is_empty());
    let hosts = hosts.map(|host| {
        let host = host.strip_prefix("*.").map_or(host.to_owned(), |domain| format!(".{domain}"));
        match host.rsplit_once(':') {
            Some((name, "443")) if !name.contains(':') || name.ends_with(']') => {
                name.trim_matches(['[', ']']).to_owned()
            }
            _ => host.trim_matches(['[', ']']).to_owned(),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    (!hosts.iter().any(|host| host == "*")).then(|| hosts.join(","))
}

/// Opens connections, through the proxy if there is one.
#[derive(Clone)]
pub(super) struct Dialer {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    proxy: Proxy,
    connect_timeout: Duration,
}

/// Why there is no connection, neither through the proxy nor directly.
#[derive(Debug, thiserror::Error)]
#[error("not through the proxy ({through_proxy}), and not directly")]
struct Neither {
    through_proxy: String,
    #[source]
    directly: Box<dyn Error + Send + Sync>,
}

impl Dialer {
    pub(super) fn new(tls: &ClientConfig, proxy: Proxy, connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        Self { tcp, tls: Arc::new(tls.clone()), proxy, connect_timeout }
    }

    pub(super) fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Box<dyn Error + Send + Sync>>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    /// Starts to open a connection to the server of this URI.
    pub(super) fn dial(&self, to: Uri) -> Opening {
        let mut direct = HttpsConnector::from((self.tcp.clone(), self.tls.clone()));
        let Some((named, through)) = self.proxy.to(&to) else { return direct.call(to) };
        let tunnel = Tunnel::new(through.uri().clone(), self.tcp.clone());
        let tunnel = match through.basic_auth() {
            Some(auth) => tunnel.with_auth(auth.clone()),
            None => tunnel,
        };
        let mut tunnelled = HttpsConnector::from((tunnel, self.tls.clone()));
        let connect_timeout = self.connect_timeout;
        Box::pin(async move {
            let mut why = None;
            if !named.is_passed_over.load(Ordering::Relaxed) {
                let trial = Trial::new(&named, connect_timeout);
                match timeout(connect_timeout, tunnelled.call(to.clone())).await {
                    Ok(Ok(stream)) => {
                        named.is_reported.store(false, Ordering::Relaxed);
                        trial.end(false);
                        return Ok(stream);
                    }
                    Ok(Err(error)) => why = Some(in_words(&*error)),
                    Err(_) => why = Some(SILENT.to_owned()),
                }
                trial.end(true);
            }
            if let Some(why) = &why {
                named.report(&to, why);
            }
            // Unless the direct connection opens, the proxy is tried again next time.
            let retry = Retry(Some(&named));
            let opened = direct.call(to.clone()).await;
            if opened.is_ok() {
                retry.forgo();
                // A trial that was cancelled has not reported the problem.
                named.report(&to, SILENT);
            }
            opened.map_err(|directly| match why {
                Some(through_proxy) => Neither { through_proxy, directly }.into(),
                None => directly,
            })
        })
    }
}

impl Named {
    fn report(&self, to: &Uri, why: &str) {
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            let (shown, host) = (&self.shown, to.host().unwrap_or_default());
            log::warn(&format!(
                "{shown}: the proxy opens no connection to {host}: {why}; the extension connects directly; allow \
                 {host} in the proxy, or add it to NO_PROXY"
            ));
        }
    }
}

fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut all = vec![error.to_string()];
    if error.source().is_some() {
        all.extend(causes::of(error));
    }
    text::clean(&all.join(": "), WHY) + causes::certificate_remedy(error)
}

/// An attempt through the proxy. If it is cancelled after half the connect timeout it counts as failed, because the
/// proxy may never answer.
struct Trial<'a> {
    named: Option<&'a Named>,
    begun: Moment,
    connect_timeout: Duration,
}

impl<'a> Trial<'a> {
    fn new(named: &'a Named, connect_timeout: Duration) -> Self {
        Self { named: Some(named), begun: clock::now(), connect_timeout }
    }

    fn end(mut self, is_passed_over: bool) {
        if let Some(named) = self.named.take() {
            named.is_passed_over.store(is_passed_over, Ordering::Relaxed);
        }
    }

    /// True if the proxy has been silent for too long. A freeze does not count against the proxy. It shows as a clock
    /// that stood still, or as more time than the connect timeout allows a running attempt.
    fn is_in_vain(&self) -> bool {
        let now = clock::now();
        let patience = self.connect_timeout / 2;
        let elapsed = now.since(self.begun);
        let is_freeze = now.standstill_since(self.begun) >= patience
            || elapsed > self.connect_timeout + patience;
        elapsed >= patience && !is_freeze
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(named) = self.named
            && self.is_in_vain()
        {
            named.is_passed_over.store(true, Ordering::Relaxed);
        }
    }
}

/// Makes the proxy be tried again, unless [`forgo`](Self::forgo) is called before it is dropped.
struct Retry<'a>(Option<&'a Named>);

impl Retry<'_> {
    fn forgo(mut self) {
        self.0 = None;
    }
}

impl Drop for Retry<'_> {
    fn drop(&mut self) {
        if let Some(named) = self.0 {
            named.is_passed_over.store(false, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

#[cfg(test)]
mod tests;
