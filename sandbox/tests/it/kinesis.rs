//! Tests the stream: requests in flight, and lost responses.

use std::sync::Arc;
use std::time::Duration;

use extension_sandbox::kinesis::faults::{Fault, Faults};
use extension_sandbox::{Kinesis, Options, Program, Sandbox, Status};
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::client::Api;
use crate::folder::until;

/// Sends one record on a connection of its own. Returns true if there was an answer.
fn put(kinesis: &Kinesis) -> JoinHandle<bool> {
    let records = [json!({ "Data": "eA==", "PartitionKey": "k" })];
    let body = json!({ "StreamName": kinesis.stream(), "Records": records }).to_string();
    let request = Request::post(kinesis.url())
        .header("x-amz-target", "Kinesis_20131202.PutRecords")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    tokio::spawn(async move {
        let client = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.is_ok()
    })
}

/// Runs one invocation, at whose end the extension calls `next` while a request is in flight or has been abandoned.
async fn invoke(freeze_closes_connections: bool, gives_up: bool) -> (Sandbox, Arc<Kinesis>) {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    kinesis.set_faults(Faults::always(Fault::Silence));
    let options = Options {
        extensions: vec![Program::Driven("extension".to_owned())],
        kinesis: Some(kinesis.clone()),
        freeze_closes_connections,
        timeout: Duration::from_secs(20),
        ..Options::default()
    };
    let mut sandbox = Sandbox::new(options).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    api.run_function();
    let sender = kinesis.clone();
    tokio::spawn(async move {
        let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
        api.extension_next(&id).await;
        let request = put(&sender);
        until("the request is in flight", || !sender.in_flight().is_empty()).await;
        if gives_up {
            request.abort();
        }
        api.extension_next(&id).await;
    });
    assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    (sandbox, kinesis)
}

#[tokio::test]
async fn a_request_in_flight_at_next_is_counted_also_when_the_freeze_closes_its_connection() {
    for freeze_closes_connections in [false, true] {
        let (sandbox, kinesis) = invoke(freeze_closes_connections, false).await;
        if freeze_closes_connections {
            until("the connection is closed", || kinesis.in_flight().is_empty()).await;
        }
        assert_eq!(sandbox.in_flight_at_next(), 1, "closes: {freeze_closes_connections}");
        assert_eq!(sandbox.caught_by_freeze(), 1);
        assert!(!kinesis.was_abandoned(1));
    }
}

#[tokio::test]
async fn a_request_that_its_sender_gave_up_before_next_is_not_counted() {
    let (sandbox, kinesis) = invoke(false, true).await;
    until("its end is noticed", || kinesis.was_abandoned(1)).await;
    assert_eq!(sandbox.in_flight_at_next(), 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_records_taken_and_the_sender_without_one() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    kinesis.set_faults(Faults::script([Fault::TakeAndVanish]));
    assert!(!put(&kinesis).await.unwrap());
    assert_eq!(kinesis.records().len(), 1);
    assert!(kinesis.in_flight().is_empty() && !kinesis.was_abandoned(1));
    assert!(put(&kinesis).await.unwrap(), "then it is fair again");
    assert_eq!(kinesis.records().len(), 2);
}
