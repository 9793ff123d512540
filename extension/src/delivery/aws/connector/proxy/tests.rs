use std::sync::Mutex;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn read(variables: &[(&str, &str)]) -> Proxy {
    let get = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
    let (proxy, problem) = Proxy::read(get);
    assert_eq!(problem, None);
    proxy
}

fn is_proxied(proxy: &Proxy, uri: &str) -> bool {
    proxy.to(&uri.parse().unwrap()).is_some()
}

const AWS: &str = "https://kinesis.eu-west-1.amazonaws.com/";

#[test]
fn https_to_other_machines_is_proxied() {
    for name in PROXY {
        for url in
            ["http://proxy:3128", "proxy:3128", "http://me:se%40cret@proxy", " http://proxy/ "]
        {
            let proxy = read(&[(name, url)]);
            assert!(is_proxied(&proxy, AWS), "{name}={url}");
            for near in [
                "https://localhost:4566/",
                "https://LOCALHOST/",
                "https://a.localhost/",
                "https://127.0.0.1/",
                "https://127.8.8.8/",
                "https://[::1]/",
                "https://169.254.100.1/",
                "https://169.254.169.254/",
                "https://[fe80::1]/",
                "https://[fd00:ec2::23]/",
                "http://kinesis.eu-west-1.amazonaws.com/",
            ] {
                assert!(!is_proxied(&proxy, near), "{near}");
            }
        }
    }
    assert!(!is_proxied(&read(&[("HTTP_PROXY", "http://proxy:3128")]), AWS));
    assert!(!is_proxied(&read(&[("HTTPS_PROXY", "")]), AWS));
}

#[test]
fn exceptions_are_not_proxied() {
    for name in NO_PROXY {
        for except in [
            "*",
            "kinesis.eu-west-1.amazonaws.com",
            "example.com, amazonaws.com",
            "example.com .amazonaws.com",
            "*.amazonaws.com",
            "KINESIS.eu-west-1.amazonaws.com:443",
        ] {
            let proxy = read(&[("HTTPS_PROXY", "http://proxy:3128"), (name, except)]);
            assert!(!is_proxied(&proxy, AWS), "{name}={except}");
        }
        for other in
            ["", ",", "example.com", "zonaws.com", "sqs.eu-west-1.amazonaws.com", "10.0.0.0/8"]
        {
            let proxy = read(&[("HTTPS_PROXY", "http://proxy:3128"), (name, other)]);
            assert!(is_proxied(&proxy, AWS), "{name}={other}");
        }
        let proxy =
            read(&[("HTTPS_PROXY", "http://proxy:3128"), (name, "10.0.0.0/8,[fd00::1]:443")]);
        assert!(!is_proxied(&proxy, "https://10.1.2.3/"));
        assert!(!is_proxied(&proxy, "https://[fd00::1]/"));
        assert!(is_proxied(&proxy, "https://11.1.2.3/"));
    }
}

#[test]
fn messages_contain_no_proxy_password() {
    for url in ["http://me:secret@proxy:3128", "me:secret@proxy:3128"] {
        let shown = format!("{:?}", read(&[("HTTPS_PROXY", url)]));
        assert!(shown.contains("proxy:3128") && !shown.contains("secret"), "{shown}");
    }
}

/// Starts a TLS server for `localhost`. Returns its port, and a client configuration that trusts it.
async fn tls_server() -> (u16, ClientConfig) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 1]).await;
            });
        }
    });
    (port, client)
}

/// Starts a proxy that gives this answer to every `CONNECT`, or none if it is empty. With 200 it opens a tunnel to
/// `to`. Returns a proxy that is used for every host, and the requests that it received.
async fn proxy(answer: &'static str, to: u16) -> (Proxy, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://me:secret@{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let count = stream.read(&mut head).await.unwrap();
            seen.lock().unwrap().push(String::from_utf8_lossy(&head[..count]).into_owned());
            tokio::spawn(async move {
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
                if answer.starts_with("200") {
                    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                }
            });
        }
    });
    let matcher = Matcher::builder().https(url.as_str()).build();
    (Proxy::named("HTTPS_PROXY".to_owned(), matcher, |_| false), asked)
}

const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_tunnel_is_opened_with_the_credentials_of_the_proxy() {
    let (port, tls) = tls_server().await;
    let (proxy, asked) = proxy("200 OK", port).await;
    let dialer = Dialer::new(&tls, proxy, CONNECT_TIMEOUT);
    // Nothing listens on this port: only the proxy knows the server.
    for _ in 0..2 {
        dialer.dial("https://localhost:1/".parse().unwrap()).await.unwrap();
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].starts_with("CONNECT localhost:1 HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_bypassed() {
    let (port, tls) = tls_server().await;
    let (other, _) = tls_server().await;
    // The last proxy opens a tunnel to a server whose certificate is not trusted.
    for answer in ["407 No", "403 Forbidden", "502 Bad", "200 OK", "", "nonsense"] {
        let (proxy, asked) = proxy(answer, other).await;
        let dialer = Dialer::new(&tls, proxy.clone(), CONNECT_TIMEOUT);
        let to: Uri = format!("https://localhost:{port}/").parse().unwrap();
        for _ in 0..3 {
            dialer.dial(to.clone()).await.unwrap();
        }
        assert_eq!(asked.lock().unwrap().len(), 1, "{answer:?}: it is bypassed");
        assert!(proxy.0.as_ref().unwrap().is_reported.load(Ordering::Relaxed), "{answer:?}");
        proxy.forget();
        dialer.dial(to).await.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 2, "{answer:?}: a restored process asks again");
    }
}

#[tokio::test]
async fn a_proxy_is_tried_again_if_there_is_no_direct_connection() {
    let (_, tls) = tls_server().await;
    let (proxy, asked) = proxy("403 Forbidden", 0).await;
    let dialer = Dialer::new(&tls, proxy, CONNECT_TIMEOUT);
    for _ in 0..2 {
        let error = dialer.dial("https://localhost:1/".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().starts_with("not through the proxy (tunnel error"), "{error}");
    }
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_silent_proxy_is_bypassed_even_if_the_attempt_is_cancelled() {
    let (port, tls) = tls_server().await;
    let (proxy, _) = proxy("", 0).await;
    let dialer = Dialer::new(&tls, proxy.clone(), CONNECT_TIMEOUT);
    let to: Uri = format!("https://localhost:{port}/").parse().unwrap();
    let cancelled = timeout(CONNECT_TIMEOUT * 2 / 3, dialer.dial(to.clone())).await;
    assert!(cancelled.is_err());
    timeout(CONNECT_TIMEOUT / 2, dialer.dial(to)).await.unwrap().unwrap();
    assert!(proxy.0.as_ref().unwrap().is_reported.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_freeze_during_an_attempt_does_not_count_against_the_proxy() {
    let is_passed_over = async |running: Duration, standstill: Duration| {
        let proxy = read(&[("HTTPS_PROXY", "http://proxy:3128")]);
        let named = proxy.0.as_deref().unwrap();
        let trial = Trial::new(named, CONNECT_TIMEOUT);
        tokio::time::advance(running).await;
        clock::advance_wall(standstill.as_secs_f64());
        drop(trial);
        clock::advance_wall(-standstill.as_secs_f64());
        named.is_passed_over.load(Ordering::Relaxed)
    };
    let (zero, minute) = (Duration::ZERO, Duration::from_mins(1));
    let silent = CONNECT_TIMEOUT * 2 / 3;
    assert!(is_passed_over(silent, zero).await);
    assert!(is_passed_over(CONNECT_TIMEOUT, zero).await);
    assert!(!is_passed_over(CONNECT_TIMEOUT / 3, zero).await, "it was hardly tried");
    assert!(!is_passed_over(minute, zero).await, "the monotonic clock ran during the freeze");
    assert!(!is_passed_over(zero, minute).await, "the monotonic clock stood still");
    assert!(!is_passed_over(silent, minute).await, "it stood still in an attempt");
}
