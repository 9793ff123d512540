//! Delivery through a proxy and without it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::test_environment::TestEnvironment;
use crate::tls::terminate_tls;

/// A host that only the proxy resolves.
const HOST: &str = "kinesis.test";

/// Starts a proxy that connects every tunnel to a port, or refuses all. Returns its port and the first lines of its
/// requests.
async fn proxy(to: Option<u16>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let count = client.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..count]);
                seen.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
                let Some(to) = to else {
                    let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
                    return;
                };
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn only_telemetry_is_sent_through_the_proxy() {
    let kinesis = extension_sandbox::Kinesis::start("telemetry").await.unwrap();
    let plain: u16 = kinesis.url().rsplit(':').next().unwrap().parse().unwrap();
    let (tls, certificate) = terminate_tls(HOST, plain).await;
    let (port, asked) = proxy(Some(tls)).await;
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, certificate).unwrap();
    let url = format!("http://me:secret@127.0.0.1:{port}");
    let mut env = TestEnvironment::new(&[("LOG_LEVEL", "debug")], |options| {
        options.kinesis = Some(kinesis.clone());
        options.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL_KINESIS");
        for (name, value) in [
            ("AWS_ENDPOINT_URL_KINESIS", format!("https://{HOST}")),
            ("AWS_CA_BUNDLE", bundle.to_str().unwrap().to_owned()),
            ("HTTPS_PROXY", url.clone()),
            ("HTTP_PROXY", url.clone()),
            ("ALL_PROXY", url.clone()),
        ] {
            options.environment.push((name.to_owned(), value));
        }
    })
    .await;
    env.kinesis = kinesis;
    for _ in 0..3 {
        env.succeed(5).await;
    }
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 15);
    assert_eq!(ended.count_logged("secret"), 0, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("proxy"), 0, "{:?}", ended.printed);
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|line| line == "CONNECT kinesis.test:443 HTTP/1.1"), "{asked:?}");
    assert!(asked.len() < 4, "connections are kept: {asked:?}");
}

#[tokio::test]
async fn a_rejecting_proxy_is_reported_once_without_its_password() {
    let (port, _) = proxy(None).await;
    let mut env = TestEnvironment::new(&[("FLUSH_TIMEOUT_MS", "300")], |options| {
        options.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL_KINESIS");
        let url = format!("http://me:secret@127.0.0.1:{port}");
        for (name, value) in
            [("AWS_ENDPOINT_URL_KINESIS", format!("https://{HOST}")), ("HTTPS_PROXY", url)]
        {
            options.environment.push((name.to_owned(), value));
        }
    })
    .await;
    for _ in 0..3 {
        env.succeed(5).await;
    }
    let ended = env.end().await;
    assert_eq!(ended.records(), 0);
    let expected =
        format!("HTTPS_PROXY=\"http://…@127.0.0.1:{port}\": the proxy opens no connection to");
    assert_eq!(ended.count_logged(&expected), 1, "{:?}", ended.printed);
    assert_eq!(ended.count_logged("secret"), 0, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_kinesis_on_this_machine_is_reached_without_the_proxy() {
    let (port, asked) = proxy(None).await;
    let mut env = TestEnvironment::new(&[], |options| {
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
            options.environment.push((name.to_owned(), format!("http://127.0.0.1:{port}")));
        }
    })
    .await;
    env.succeed(5).await;
    assert_eq!(env.end().await.verify_exactly_once().count("function"), 5);
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
}
