//! The HTTP calls of an extension and a function, made by the tests.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// An answer of an API.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().unwrap().to_owned())
    }

    /// Status and type of the error.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["errorType"].as_str().unwrap_or_default().to_owned())
    }
}

/// Calls the APIs at one address.
#[derive(Clone)]
pub(crate) struct Api {
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    pub(crate) fn new(address: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address: address.to_owned(), client }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let response = self.client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Registers, and returns the identifier.
    pub(crate) async fn register(&self, name: &str, events: &[&str]) -> String {
        let body = json!({ "events": events }).to_string();
        let headers = [("Lambda-Extension-Name", name)];
        let answer = self.call("POST", "/2020-01-01/extension/register", &headers, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.header("Lambda-Extension-Identifier").unwrap()
    }

    pub(crate) async fn extension_next(&self, id: &str) -> Answer {
        let headers = [("Lambda-Extension-Identifier", id)];
        self.call("GET", "/2020-01-01/extension/event/next", &headers, "").await
    }

    pub(crate) async fn subscribe(
        &self,
        id: &str,
        port: u16,
        change: impl FnOnce(&mut Value),
    ) -> Answer {
        let mut body = json!({
            "schemaVersion": "2025-01-29",
            "destination": { "protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}/x") },
            "types": ["platform", "function"],
            "buffering": { "maxItems": 1_000, "maxBytes": 262_144, "timeoutMs": 25 },
        });
        change(&mut body);
        let headers = [("Lambda-Extension-Identifier", id)];
        self.call("PUT", "/2022-07-01/telemetry", &headers, &body.to_string()).await
    }

    /// Waits for an invocation, and returns its request.
    pub(crate) async fn runtime_next(&self) -> String {
        let answer = self.call("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
        answer.header("Lambda-Runtime-Aws-Request-Id").unwrap()
    }

    pub(crate) async fn respond(&self, request_id: &str, body: &str) -> Answer {
        let path = format!("/2018-06-01/runtime/invocation/{request_id}/response");
        self.call("POST", &path, &[], body).await
    }

    /// Runs a function that answers every invocation with its request.
    pub(crate) fn run_function(&self) {
        let api = self.clone();
        tokio::spawn(async move {
            loop {
                let request_id = api.runtime_next().await;
                api.respond(&request_id, &request_id).await;
            }
        });
    }

    /// An extension that registers, subscribes this listener, and asks for events until SHUTDOWN.
    pub(crate) fn run_extension(&self, name: &'static str, port: Option<u16>) {
        let api = self.clone();
        tokio::spawn(async move {
            let id = api.register(name, &["INVOKE", "SHUTDOWN"]).await;
            if let Some(port) = port {
                assert_eq!(api.subscribe(&id, port, |_| ()).await.status, 200);
            }
            while api.extension_next(&id).await.json()["eventType"] == "INVOKE" {}
        });
    }
}

/// A listener that keeps what it acknowledges.
pub(crate) struct Listener {
    pub(crate) port: u16,
    pub(crate) batches: Arc<Mutex<Vec<Vec<Value>>>>,
    /// The statuses of the next answers; afterwards 200.
    pub(crate) statuses: Arc<Mutex<Vec<u16>>>,
    /// While this is false, nothing is answered.
    pub(crate) answers: watch::Sender<bool>,
    pub(crate) paths: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let (answers, may_answer) = watch::channel(true);
        let listener = Self {
            port,
            batches: Arc::default(),
            statuses: Arc::default(),
            answers,
            paths: Arc::default(),
        };
        let (batches, statuses, paths) =
            (listener.batches.clone(), listener.statuses.clone(), listener.paths.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (batches, statuses, paths, may_answer) =
                    (batches.clone(), statuses.clone(), paths.clone(), may_answer.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (batches, statuses, paths, mut may_answer) =
                        (batches.clone(), statuses.clone(), paths.clone(), may_answer.clone());
                    async move {
                        let start = format!("{} {}", request.method(), request.uri().path());
                        paths.lock().unwrap().push(start);
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        may_answer.wait_for(|may| *may).await.unwrap();
                        let status = statuses.lock().unwrap().pop().unwrap_or(200);
                        if status == 200 {
                            batches.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                        }
                        let response =
                            Response::builder().status(status).body(Empty::<Bytes>::new());
                        Ok::<_, Infallible>(response.unwrap())
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        listener
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.batches.lock().unwrap().concat()
    }

    /// Returns the types of the events that arrived.
    pub(crate) fn types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until an event of this type has arrived.
    pub(crate) async fn wait_for(&self, event_type: &str) {
        let come = async {
            while !self.types().iter().any(|it| it == event_type) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        assert!(
            tokio::time::timeout(patience, come).await.is_ok(),
            "no {event_type} in {:?}",
            self.types()
        );
    }
}
