//! The queue, as a sender sees it.

use std::sync::Arc;
use std::time::Duration;

use extension_sandbox::Sqs;
use extension_sandbox::sqs::Fault;
use serde_json::{Value, json};

use crate::client::{Answer, Api};
use crate::folder::until;

/// A queue, and its client.
async fn queue() -> (Arc<Sqs>, Api) {
    let sqs = Sqs::start("letters").await.unwrap();
    let api = Api::new(sqs.url().strip_prefix("http://").unwrap());
    (sqs, api)
}

/// Sends entries as they are.
async fn send(api: &Api, queue_url: &str, entries: &[Value]) -> Answer {
    let headers = [("X-Amz-Target", "AmazonSQS.SendMessageBatch")];
    let body = json!({ "QueueUrl": queue_url, "Entries": entries }).to_string();
    api.call("POST", "/", &headers, &body).await
}

/// Sends these bodies under the ids 0, 1 …
async fn post(sqs: &Sqs, api: &Api, bodies: &[&str]) -> Answer {
    let entry = |(id, body): (usize, &&str)| json!({ "Id": id.to_string(), "MessageBody": body });
    let entries: Vec<_> = bodies.iter().enumerate().map(entry).collect();
    send(api, &sqs.queue_url(), &entries).await
}

/// Status and type of the error, and its older name.
fn error(answer: &Answer) -> (u16, String, String) {
    let kind = answer.json()["__type"].as_str().unwrap().to_owned();
    (answer.status, kind, answer.header("x-amzn-query-error").unwrap())
}

#[tokio::test]
async fn a_message_is_taken_with_its_attributes_and_acknowledged_with_its_digest() {
    let (sqs, api) = queue().await;
    let entry = json!({
        "Id": "one",
        "MessageBody": "abc",
        "MessageAttributes": { "why": { "DataType": "String", "StringValue": "too old" } },
    });
    let answer = send(&api, &sqs.queue_url(), &[entry]).await;
    assert_eq!(answer.header("content-type").unwrap(), "application/x-amz-json-1.0");
    let body = answer.json();
    let result = &body["Successful"][0];
    assert_eq!((answer.status, &result["Id"]), (200, &json!("one")));
    assert_eq!(result["MD5OfMessageBody"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(result["MD5OfMessageAttributes"].as_str().unwrap().len(), 32);
    assert_eq!(result["MessageId"].as_str().unwrap().len(), 36);
    assert_eq!(body.get("Failed"), None);
    let message = &sqs.messages()[0];
    assert_eq!((message.body.as_str(), message.attributes["why"].as_str()), ("abc", "too old"));
}

#[tokio::test]
async fn entries_fail_singly_by_script_and_say_whose_fault_it_is() {
    let (sqs, api) = queue().await;
    sqs.set_script([Fault::internal([0]), Fault::invalid([1])]);
    for (failed, sender_fault) in [("0", false), ("1", true)] {
        let body = post(&sqs, &api, &["a", "b"]).await.json();
        assert_eq!(body["Successful"].as_array().unwrap().len(), 1);
        assert_eq!(body["Failed"][0]["Id"], failed);
        assert_eq!(body["Failed"][0]["SenderFault"], sender_fault);
        assert!(body["Failed"][0]["Code"].is_string());
    }
    let bodies: Vec<_> = sqs.messages().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, ["b", "a"]);
}

#[tokio::test]
async fn characters_that_xml_lacks_fail_their_entry_and_no_other() {
    let (sqs, api) = queue().await;
    let body = post(&sqs, &api, &["plain", "\u{0}"]).await.json();
    assert_eq!(body["Failed"][0]["Id"], "1");
    assert_eq!(body["Failed"][0]["Code"], "InvalidMessageContents");
    assert_eq!(body["Failed"][0]["SenderFault"], true);
    assert_eq!(sqs.messages().len(), 1);
}

#[tokio::test]
async fn a_batch_that_breaks_a_limit_is_refused_as_a_whole() {
    let (sqs, api) = queue().await;
    let answer = post(&sqs, &api, &["x"; 11]).await;
    assert_eq!(
        error(&answer),
        (
            400,
            "com.amazonaws.sqs#TooManyEntriesInBatchRequest".to_owned(),
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender".to_owned()
        )
    );
    sqs.set_max_message_bytes(256 * 1024);
    let half = "x".repeat(128 * 1024);
    assert_eq!(post(&sqs, &api, &[&half, &half]).await.status, 200);
    let answer = post(&sqs, &api, &[&half, &half, "x"]).await;
    assert_eq!(error(&answer).1, "com.amazonaws.sqs#BatchRequestTooLong");
    assert_eq!(sqs.messages().len(), 2);
}

#[tokio::test]
async fn another_queue_does_not_exist_whatever_host_its_url_names() {
    let (sqs, api) = queue().await;
    let entries = [json!({ "Id": "0", "MessageBody": "x" })];
    let aws = "https://sqs.eu-central-1.amazonaws.com/111122223333";
    assert_eq!(send(&api, &format!("{aws}/letters"), &entries).await.status, 200);
    let answer = send(&api, &format!("{aws}/parcels"), &entries).await;
    assert_eq!(error(&answer).2, "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert_eq!(sqs.queue_arn("eu-central-1"), "arn:aws:sqs:eu-central-1:111122223333:letters");
}

#[tokio::test]
async fn whole_requests_fail_by_script_and_then_as_always() {
    let (sqs, api) = queue().await;
    sqs.set_script([Fault::missing(), Fault::denied(), Fault::throttled(), Fault::kms_throttled()]);
    sqs.set_always(Some(Fault::unavailable()));
    for (status, kind) in [
        (400, "QueueDoesNotExist"),
        (403, "AccessDenied"),
        (400, "RequestThrottled"),
        (400, "KmsThrottled"),
        (503, "ServiceUnavailable"),
        (503, "ServiceUnavailable"),
    ] {
        let (found, name, _) = error(&post(&sqs, &api, &["x"]).await);
        assert_eq!((found, name), (status, format!("com.amazonaws.sqs#{kind}")));
    }
    assert!(sqs.messages().is_empty());
    sqs.set_always(None);
    assert_eq!(post(&sqs, &api, &["x"]).await.status, 200);
    assert_eq!((sqs.messages().len(), sqs.requests()), (1, 7));
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_in_flight_until_its_sender_gives_up() {
    let (sqs, api) = queue().await;
    sqs.set_script([Fault::Silence]);
    let patience = Duration::from_millis(100);
    let sent = tokio::time::timeout(patience, post(&sqs, &api, &["x"])).await;
    assert!(sent.is_err());
    until("its end is noticed", || sqs.in_flight().is_empty()).await;
    assert_eq!((sqs.requests(), sqs.messages().len()), (1, 0));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_messages_taken() {
    let (sqs, api) = queue().await;
    sqs.set_script([Fault::TakeAndVanish]);
    let sender = (sqs.clone(), api.clone());
    // The client of these tests panics where there is no answer.
    let sent = tokio::spawn(async move { post(&sender.0, &sender.1, &["x"]).await.status });
    assert!(sent.await.is_err());
    assert_eq!(sqs.messages().len(), 1);
}
