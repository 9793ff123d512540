use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers every request with 204, and how many connections and requests it has seen.
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
async fn a_connection_that_was_opened_before_serves_the_first_request() {
    let (uri, connections, requests) = server().await;
    let connector = connector();
    connector.pool().prepared.open(uri.parse().unwrap());
    is_seen(&connections).await;
    assert_eq!(requests.load(Ordering::Relaxed), 0, "opening is no request");
    assert_eq!(connector.get(&uri, None).await.unwrap().0, 204);
    assert_eq!(connector.get(&uri, None).await.unwrap().0, 204);
    assert_eq!((connections.load(Ordering::Relaxed), requests.load(Ordering::Relaxed)), (1, 2));
}

#[tokio::test]
async fn a_connection_that_could_not_be_opened_before_is_opened_for_the_request() {
    let (uri, connections, _) = server().await;
    let connector = connector();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for to in [format!("http://{nobody}/"), uri.replace("http:", "https:")] {
        connector.pool().prepared.open(to.parse().unwrap());
        assert_eq!(connector.get(&uri, None).await.unwrap().0, 204, "after {to}");
    }
    assert!(connections.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_connection_that_was_opened_long_ago_by_either_clock_is_not_used() {
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
async fn after_a_reset_no_old_connection_is_used_not_even_one_that_was_only_opened() {
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
