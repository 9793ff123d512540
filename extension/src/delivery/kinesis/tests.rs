use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::delivery::aws::Roots;
use crate::delivery::aws::credentials::Origin;

/// Notes where requests would go, and answers that the record was taken.
#[derive(Clone, Debug, Default)]
struct Nowhere(Arc<Mutex<Vec<String>>>);

impl HttpConnector for Nowhere {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request.uri().to_owned());
        let body = r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"s"}]}"#;
        let status = 200.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
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

/// Where a record for this stream would go, with these variables set.
async fn endpoint(stream: &str, variables: &[(&str, &str)]) -> String {
    let nowhere = Nowhere::default();
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
    let record = Record::sample("{}\n", "k");
    assert_eq!(kinesis.put(&[record]).await, Ok(vec![Ok(())]));
    let uris = nowhere.0.lock().unwrap();
    assert_eq!(uris.len(), 1, "one request, and no other");
    uris[0].clone()
}

const ARN: &str = "arn:aws:kinesis:us-east-1:111122223333:stream/telemetry";

#[tokio::test]
async fn a_name_goes_to_the_regions_endpoint_and_an_arn_to_the_accounts_own_in_its_own_region() {
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
async fn an_endpoint_of_ones_own_wins_and_that_of_the_service_before_the_general_one() {
    let general = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let own = ("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:2");
    assert_eq!(endpoint(ARN, &[general]).await, "http://127.0.0.1:1/");
    assert_eq!(endpoint(ARN, &[general, own]).await, "http://127.0.0.1:2/");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let aws = endpoint("telemetry", &[general, own, ignored]).await;
    assert_eq!(aws, "https://kinesis.eu-west-1.amazonaws.com/");
}
