use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use super::*;
use crate::delivery::aws::Roots;
use crate::delivery::aws::credentials::Origin;
use crate::pack::sink::Decision;

/// Records the URIs of requests, and gives one response.
#[derive(Clone, Debug)]
struct Nowhere(Arc<Mutex<Vec<String>>>, (u16, String));

/// The response that a record was accepted.
const TAKEN: &str = r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"s"}]}"#;

impl HttpConnector for Nowhere {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request.uri().to_owned());
        let (status, body) = self.1.clone();
        let status = status.try_into().unwrap();
        let body = Limited::new(SdkBody::from(body), 1_000_000);
        let body = SdkBody::from_body_1_x(body);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

impl HttpClient for Nowhere {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Returns the endpoint for this stream with these variables.
async fn endpoint(stream: &str, variables: &[(&str, &str)]) -> String {
    let nowhere = Nowhere(Arc::default(), (200, TAKEN.to_owned()));
    assert_eq!(put(&nowhere, stream, variables).await, Ok(vec![Ok(())]));
    let uris = nowhere.0.lock().unwrap();
    assert_eq!(uris.len(), 1, "exactly one request");
    uris[0].clone()
}

/// Returns the result for a record after this response.
async fn outcome(status: u16, body: &str) -> Result<Vec<Answer>, Failure> {
    put(&Nowhere(Arc::default(), (status, body.to_owned())), "telemetry", &[]).await
}

async fn put(
    nowhere: &Nowhere,
    stream: &str,
    variables: &[(&str, &str)],
) -> Result<Vec<Answer>, Failure> {
    let stream: Stream = extension_spec::Value::parse(stream).unwrap();
    let region = stream.region().unwrap_or("eu-west-1").to_owned();
    let variable = |name: &str| {
        let set = variables.iter().find(|(it, _)| *it == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    let connector = Connector::new(Roots::compiled_in(), std::time::Duration::from_secs(1));
    let credentials = Origin::Variables(Credentials::new("id", "secret", None, None, "test"));
    let access = Access { region: Some(region), connector, credentials };
    let config = access.config(SERVICE, None, variable);
    let config = config.into_builder().http_client(nowhere.clone()).build();
    let connector = access.connector;
    let client = Mutex::new(Client::new(&config));
    let kinesis = Kinesis { config, client, stream, connector, is_renewable: false };
    kinesis.put(&[Record::sample("{}\n", "k")]).await
}

#[tokio::test]
async fn error_codes_are_bounded_and_without_control_characters() {
    let code = format!("Odd\\u001b[31m\\n{}", "x".repeat(5_000));
    let body = format!(r#"{{"__type":"{code}","message":"{code}"}}"#);
    let failure = outcome(400, &body).await.unwrap_err();
    let record = format!(
        r#"{{"FailedRecordCount":1,"Records":[{{"ErrorCode":"{code}","ErrorMessage":"{code}"}}]}}"#
    );
    let answers = outcome(200, &record).await.unwrap();
    let refusal = answers.into_iter().next().unwrap().unwrap_err();
    for trouble in [failure.trouble, refusal.trouble] {
        let text = trouble.to_string();
        assert!(text.contains("Odd [31m xxx"), "{text}");
        assert!(text.chars().count() < 600 && !text.contains(char::is_control), "{text}");
        assert!(trouble.kind.chars().count() <= 100, "{}", trouble.kind);
    }
}

#[tokio::test]
async fn a_response_that_is_not_from_aws_shows_its_start() {
    for (status, body, expected) in [
        (
            403,
            "<html>\n  <title>Blocked</title>",
            "HTTP status 403: <html> <title>Blocked</title>; this answer is not from AWS",
        ),
        (407, "", "HTTP status 407: no message; this answer is not from AWS"),
        (
            403,
            r#"{"reason":"blocked"}"#,
            r#"HTTP status 403: {"reason":"blocked"}; this answer is not"#,
        ),
    ] {
        let text = outcome(status, body).await.unwrap_err().trouble.to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    let unread = outcome(200, &"x".repeat(1_000_001)).await.unwrap_err();
    assert_eq!(unread.decision, Decision::Reconnect);
    let text = unread.trouble.to_string();
    assert!(text.ends_with("length limit exceeded"), "{text}");
    let text = outcome(403, &"é".repeat(100_000)).await.unwrap_err().trouble.to_string();
    assert!(text.contains("ééé") && text.chars().count() < 400, "{text}");
}

#[tokio::test]
async fn surplus_answers_for_records_are_ignored() {
    let entry = r#"{"SequenceNumber":"1","ShardId":"s"}"#;
    let body = format!(r#"{{"FailedRecordCount":0,"Records":[{}]}}"#, [entry; 1_000].join(","));
    assert_eq!(outcome(200, &body).await, Ok(vec![Ok(())]));
}

const ARN: &str = "arn:aws:kinesis:us-east-1:111122223333:stream/telemetry";

#[tokio::test]
async fn a_name_uses_the_regional_endpoint_and_an_arn_its_own() {
    assert_eq!(endpoint("telemetry", &[]).await, "https://kinesis.eu-west-1.amazonaws.com/");
    assert_eq!(
        endpoint(ARN, &[]).await,
        "https://111122223333.data-kinesis.us-east-1.amazonaws.com/"
    );
}

#[tokio::test]
async fn fips_and_dual_stack_are_honoured() {
    let fips = endpoint("telemetry", &[("AWS_USE_FIPS_ENDPOINT", "true")]).await;
    assert_eq!(fips, "https://kinesis-fips.eu-west-1.amazonaws.com/");
    let dual = endpoint("telemetry", &[("AWS_USE_DUALSTACK_ENDPOINT", "true")]).await;
    assert_eq!(dual, "https://kinesis.eu-west-1.api.aws/");
}

#[tokio::test]
async fn a_service_endpoint_overrides_the_general_one() {
    let general = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let own = ("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:2");
    assert_eq!(endpoint(ARN, &[general]).await, "http://127.0.0.1:1/");
    assert_eq!(endpoint(ARN, &[general, own]).await, "http://127.0.0.1:2/");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let aws = endpoint("telemetry", &[general, own, ignored]).await;
    assert_eq!(aws, "https://kinesis.eu-west-1.amazonaws.com/");
}
