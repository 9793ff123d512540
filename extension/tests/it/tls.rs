//! Delivery over TLS, as in production, to an endpoint with a trusted or an untrusted certificate.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::test_environment::TestEnvironment;

/// Terminates TLS for a host, and forwards to a port until the test ends. Returns its own port and its certificate.
pub(crate) async fn terminate_tls(host: &str, to: u16) -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([host.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, cert.pem())
}

/// A file that is deleted with the test.
struct Bundle(PathBuf);

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Creates an environment that reaches its Kinesis over TLS. `is_trusted` decides whether its certificate is trusted.
async fn env(settings: &[(&str, &str)], is_trusted: bool) -> (TestEnvironment, Bundle) {
    let kinesis = extension_sandbox::Kinesis::start("telemetry").await.unwrap();
    let plain: u16 = kinesis.url().rsplit(':').next().unwrap().parse().unwrap();
    let (port, certificate) = terminate_tls("localhost", plain).await;
    let path = std::env::temp_dir().join(format!("bundle-{:016x}.pem", fastrand::u64(..)));
    std::fs::write(&path, certificate).unwrap();
    let bundle = path.to_str().unwrap().to_owned();
    let mut env = TestEnvironment::new(settings, |options| {
        options.kinesis = Some(kinesis.clone());
        options.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL_KINESIS");
        let mut set =
            |name: &str, value: String| options.environment.push((name.to_owned(), value));
        set("AWS_ENDPOINT_URL_KINESIS", format!("https://localhost:{port}"));
        if is_trusted {
            set("AWS_CA_BUNDLE", bundle);
        }
    })
    .await;
    env.kinesis = kinesis;
    (env, Bundle(path))
}

#[tokio::test]
async fn a_certificate_in_the_bundle_is_trusted() {
    let (mut env, _bundle) = env(&[], true).await;
    for _ in 0..3 {
        env.succeed(5).await;
    }
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 15);
}

#[tokio::test]
async fn an_untrusted_certificate_is_reported_once() {
    let (mut env, _bundle) = env(&[("FLUSH_TIMEOUT_MS", "200")], false).await;
    for _ in 0..2 {
        env.succeed(5).await;
    }
    let ended = env.end().await;
    assert_eq!(ended.records(), 0);
    assert_eq!(
        ended.count_logged("invalid peer certificate: UnknownIssuer"),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.count_logged("set AWS_CA_BUNDLE to a PEM file"), 1, "{:?}", ended.printed);
}

/// Creates an environment with these variables of AWS in addition to those that the sandbox sets.
async fn env_with(variables: &[(&str, &str)]) -> TestEnvironment {
    TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "200")], |options| {
        for (name, value) in variables {
            options.environment.retain(|(set, _)| set != name);
            options.environment.push(((*name).to_owned(), (*value).to_owned()));
        }
    })
    .await
}

#[tokio::test]
async fn a_bundle_that_is_a_fifo_does_not_block_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("ca.pem");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut env = env_with(&[("AWS_CA_BUNDLE", fifo.to_str().unwrap())]).await;
    env.succeed(5).await;
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 5);
    assert_eq!(ended.count_logged("it is not a regular file"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_line_break_in_a_key_is_reported_as_a_bad_setting() {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        let mut env = env_with(&[(name, "hidden\nvalue")]).await;
        env.succeed(5).await;
        let ended = env.end().await;
        assert_eq!(ended.records(), 0);
        let expected = format!("{name} holds a line break");
        assert_eq!(ended.count_logged(&expected), 1, "{:?}", ended.printed);
        assert_eq!(
            (ended.count_logged("a bug"), ended.count_logged("hidden")),
            (0, 0),
            "{:?}",
            ended.printed
        );
    }
}

#[tokio::test]
async fn an_invalid_region_is_not_reported_as_a_bug() {
    for region in ["eu-west-1\n", "eu west", "\u{e9}"] {
        let mut env = env_with(&[("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)]).await;
        env.succeed(5).await;
        let ended = env.end().await;
        assert_eq!(ended.count_logged("a bug"), 0, "{:?}", ended.printed);
        assert_eq!(ended.records(), 0, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn a_password_in_an_endpoint_is_never_reported() {
    for endpoint in [
        "http://me:secret@127.0.0.1:1",
        "https://me:secret@127.0.0.1:1",
        "http://me:sec ret@127.0.0.1:1",
        "me:secret@127.0.0.1:1",
        "http://me:secret@",
    ] {
        let debug = ("KINESIS_TELEMETRY_LOG_LEVEL", "debug");
        let mut env = env_with(&[("AWS_ENDPOINT_URL_KINESIS", endpoint), debug]).await;
        env.succeed(5).await;
        let ended = env.end().await;
        assert_eq!(ended.records(), 0);
        assert!(
            ended.count_logged("telemetry is not delivered") >= 1,
            "{endpoint}: {:?}",
            ended.printed
        );
        for secret in ["secret", "sec ret", "a bug"] {
            assert_eq!(ended.count_logged(secret), 0, "{endpoint}: {:?}", ended.printed);
        }
    }
}
