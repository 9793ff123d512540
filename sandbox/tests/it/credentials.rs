//! Tests the credentials endpoint as an SDK uses it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use extension_sandbox::Credentials;
use extension_sandbox::credentials::Keys;

use crate::client::{Answer, Api};

const HOUR: Duration = Duration::from_hours(1);

/// Requests credentials as the environment variables state.
async fn ask(credentials: &Arc<Credentials>, token: &str) -> Answer {
    let environment: BTreeMap<_, _> = credentials.environment().into_iter().collect();
    let uri = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].strip_prefix("http://").unwrap();
    let (address, path) = uri.split_once('/').unwrap();
    Api::new(address).call("GET", &format!("/{path}"), &[("Authorization", token)], "").await
}

#[tokio::test]
async fn whoever_knows_the_token_gets_the_keys_and_when_they_expire() {
    let credentials = Credentials::start(Keys::new("FIRST", HOUR)).await.unwrap();
    let answer = ask(&credentials, credentials.token()).await;
    let body = answer.json();
    assert_eq!((answer.status, body["AccessKeyId"].as_str()), (200, Some("FIRST")));
    assert!(body["SecretAccessKey"].is_string() && body["Token"] == "session-of-FIRST", "{body}");
    let expiration = humantime::parse_rfc3339(body["Expiration"].as_str().unwrap()).unwrap();
    let lifetime = expiration.duration_since(SystemTime::now()).unwrap();
    assert!(lifetime > HOUR / 2 && lifetime <= HOUR, "{lifetime:?}");
}

#[tokio::test]
async fn another_token_or_path_is_refused_and_counted() {
    let credentials = Credentials::start(Keys::new("FIRST", HOUR)).await.unwrap();
    assert_eq!(ask(&credentials, "guessed").await.status, 404);
    let address = credentials.full_uri();
    let address = address.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let headers = [("Authorization", credentials.token())];
    assert_eq!(Api::new(address).call("GET", "/", &headers, "").await.status, 404);
    assert_eq!((credentials.requests(), credentials.refused()), (2, 2));
}

#[tokio::test]
async fn keys_change_from_the_next_request_on_and_the_endpoint_may_fail_meanwhile() {
    let credentials = Credentials::start(Keys::new("FIRST", HOUR)).await.unwrap();
    credentials.set_failure(Some(500));
    assert_eq!(ask(&credentials, credentials.token()).await.status, 500);
    credentials.set_failure(None);
    credentials.set_keys(Keys::new("SECOND", HOUR));
    assert_eq!(ask(&credentials, credentials.token()).await.json()["AccessKeyId"], "SECOND");
    assert_eq!((credentials.requests(), credentials.refused()), (2, 0));
}

#[tokio::test]
async fn the_environment_leads_only_to_the_endpoint() {
    let credentials = Credentials::start(Keys::new("FIRST", HOUR)).await.unwrap();
    let environment = credentials.environment();
    let empty: Vec<_> = environment.iter().filter(|it| it.1.is_empty()).map(|it| &it.0).collect();
    assert_eq!(empty, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
}
