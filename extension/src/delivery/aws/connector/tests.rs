use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Starts a server that answers every request with 204. Returns its URI, and the numbers of connections and requests.
async fn server() -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let seen = (connections.clone(), requests.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.0.fetch_add(1, Ordering::Relaxed);
            let requests = seen.1.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
                    requests.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    (uri, connections, requests)
}

fn connector() -> Connector {
    Connector::new(Roots::compiled_in(), Duration::from_secs(1))
}

async fn is_seen(count: &AtomicUsize) {
    while count.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_prepared_connection_serves_the_first_request() {
    let (uri, connections, requests) = server().await;
    let connector = connector();
    connector.pool().prepared.open(uri.parse().unwrap());
    is_seen(&connections).await;
    assert_eq!(requests.load(Ordering::Relaxed), 0, "opening a connection sends no request");
    assert_eq!(connector.get(&uri, None).await.unwrap().0, 204);
    assert_eq!(connector.get(&uri, None).await.unwrap().0, 204);
    assert_eq!((connections.load(Ordering::Relaxed), requests.load(Ordering::Relaxed)), (1, 2));
}

#[tokio::test]
async fn a_failed_prepared_connection_is_opened_again() {
    let (uri, connections, _) = server().await;
    let connector = connector();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for to in [format!("http://{closed}/"), uri.replace("http:", "https:")] {
        connector.pool().prepared.open(to.parse().unwrap());
        assert_eq!(connector.get(&uri, None).await.unwrap().0, 204, "after {to}");
    }
    assert!(connections.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_connection_that_is_old_by_either_clock_is_not_used() {
    let (uri, connections, _) = server().await;
    let connector = connector();
    let long = MAX_IDLE + Duration::from_secs(1);
    let Pool { prepared, client } = connector.pool();
    for age in [(long, Duration::ZERO), (Duration::ZERO, long)] {
        connections.store(0, Ordering::Relaxed);
        prepared.open(uri.parse().unwrap());
        is_seen(&connections).await;
        prepared.age(age);
        let request = hyper::Request::get(&uri).header("connection", "close");
        client.request(request.body(SdkBody::empty()).unwrap()).await.unwrap();
        assert_eq!(connections.load(Ordering::Relaxed), 2, "{age:?}");
    }
}

#[tokio::test]
async fn a_reset_discards_used_and_prepared_connections() {
    let (uri, connections, _) = server().await;
    let connector = connector();
    connector.pool().prepared.open(uri.parse().unwrap());
    is_seen(&connections).await;
    connector.reset();
    connector.get(&uri, None).await.unwrap();
    assert_eq!(connections.load(Ordering::Relaxed), 2);
    connector.forget();
    connector.get(&uri, None).await.unwrap();
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

/// Starts a server that sends `part` to each connection until the client disconnects. Returns its URI, and the number
/// of bytes sent.
async fn flood(head: &'static str, part: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let sent = Arc::<AtomicUsize>::default();
    let count = sent.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let parts = part.repeat(64 * 1024 / part.len());
                let mut next = stream.write_all(head.as_bytes()).await;
                while next.is_ok() {
                    next = stream.write_all(parts.as_bytes()).await;
                    count.fetch_add(parts.len(), Ordering::Relaxed);
                }
            });
        }
    });
    (uri, sent)
}

/// Sends a request as the SDK does, and reads the response.
async fn exchange(connector: &Connector, uri: &str) -> Result<usize, String> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(uri).unwrap();
    let response = connector.call(request).await.map_err(|error| {
        let cause = error.source().and_then(|it| it.source()).unwrap();
        cause.to_string()
    })?;
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes().len())
}

#[tokio::test]
async fn an_endless_response_is_read_up_to_a_bound() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 500 X\r\nContent-Length: 999999999\r\n\r\n"] {
        let (uri, sent) = flood(head, "{\"Records\":[ ").await;
        let error = exchange(&connector(), &uri).await.unwrap_err();
        assert_eq!(error, "the answer exceeds 4194304 bytes");
        // Data in the kernel's buffers is counted as well.
        assert!(sent.load(Ordering::Relaxed) < 5 * MAX_ANSWER);
    }
}

#[tokio::test]
async fn endless_informational_responses_fail_the_request() {
    let (uri, _) = flood("", "HTTP/1.1 103 Early Hints\r\n\r\n").await;
    let error = exchange(&connector(), &uri).await.unwrap_err();
    assert_eq!(error, "more than 16 informational answers (1xx)");
    let (uri, _) = flood("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", " ").await;
    assert_eq!(exchange(&connector(), &uri).await.unwrap_err(), "the answer exceeds 4194304 bytes");
}

#[tokio::test]
async fn errors_contain_no_userinfo_of_an_endpoint() {
    let mut request = HttpRequest::new(SdkBody::empty());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    request.set_uri(format!("http://me:secret@{closed}/").as_str()).unwrap();
    let error = connector().call(request).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), closed.to_string());
}
