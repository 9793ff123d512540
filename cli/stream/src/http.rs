//! The HTTP client of these commands, with its certificates and its proxy.

use anyhow::{Context, Result};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_types::sdk_config::SharedHttpClient;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The variables that name a proxy, in the order in which AWS's own tools read them, which are written in Python.
const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// Hosts of this machine, which are reached without a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Returns a client with the certificates and the proxy of the environment.
pub(crate) fn client() -> Result<SharedHttpClient> {
    let tls = tls_context()?;
    let proxy = proxy(|name| std::env::var(name).ok())?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone())
            .proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    }))
}

/// Returns the TLS context. Like AWS's own tools, it trusts only the certificates in `AWS_CA_BUNDLE` if that is set; otherwise
/// those of the machine, or Mozilla's if the machine has none, as in an empty container.
fn tls_context() -> Result<TlsContext> {
    let bundle = std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty());
    let trusted = match bundle {
        Some(path) => {
            let pem = std::fs::read(&path)
                .with_context(|| format!("AWS_CA_BUNDLE=\"{path}\" cannot be read"))?;
            TrustStore::empty().with_pem_certificate(pem)
        }
        None if rustls_native_certs::load_native_certs().certs.is_empty() => {
            TrustStore::empty().with_pem_certificate(mozillas())
        }
        None => TrustStore::default(),
    };
    TlsContext::builder().with_trust_store(trusted).build().context("TLS cannot be set up")
}

/// Returns the root certificates that Mozilla trusts, in PEM.
fn mozillas() -> String {
    let pem = |der: &[u8]| {
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|it| pem(it)).collect()
}

/// Returns the proxy for HTTPS, which AWS uses. Plain HTTP is for emulators and for the credentials of this machine.
fn proxy(variable: impl Fn(&str) -> Option<String>) -> Result<ProxyConfig> {
    let first = |names: &[&'static str]| {
        let set = |name: &&'static str| Some((*name, variable(name).filter(|it| !it.is_empty())?));
        names.iter().find_map(set)
    };
    let Some((name, url)) = first(&PROXY) else { return Ok(ProxyConfig::disabled()) };
    let whole = if url.contains("://") { url.clone() } else { format!("http://{url}") };
    // The value may contain a password.
    let unusable = || format!("{name} is not a usable proxy: set http://HOST:PORT");
    let proxy = ProxyConfig::https(whole).with_context(unusable)?;
    let except = first(&NO_PROXY).map(|(_, names)| format!(",{names}")).unwrap_or_default();
    Ok(proxy.no_proxy(format!("{LOOPBACK}{except}")))
}

#[cfg(test)]
mod tests {
    use super::{TlsContext, TrustStore, mozillas, proxy};

    #[test]
    fn mozillas_certificates_are_usable() {
        assert!(mozillas().matches("BEGIN CERTIFICATE").count() > 100);
        let store = TrustStore::empty().with_pem_certificate(mozillas());
        assert!(TlsContext::builder().with_trust_store(store).build().is_ok());
    }

    #[test]
    fn an_invalid_proxy_is_reported_without_its_password() {
        let set =
            |url: &'static str| proxy(move |name| (name == "HTTPS_PROXY").then(|| url.to_owned()));
        assert!(set("").unwrap().is_disabled());
        assert!(!set("proxy.example.org:3128").unwrap().is_disabled());
        let error = format!("{:#}", set("socks5://me:secret@proxy.example.org").unwrap_err());
        assert!(error.starts_with("HTTPS_PROXY is not a usable proxy: set http://"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
