//! A producer that writes to the stream without an SDK.

use std::sync::Arc;

use extension_sandbox::Kinesis;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Sends records to one stream.
pub(crate) struct Producer {
    pub(crate) kinesis: Arc<Kinesis>,
    pub(crate) access_key: &'static str,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
}

/// The status and the body of an answer, or the reason why there was none.
pub(crate) type Sent = Result<(u16, String), String>;

impl Producer {
    /// Starts a producer with a stream of its own.
    pub(crate) async fn start() -> Self {
        let kinesis = Kinesis::start("telemetry").await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { kinesis, access_key: "AKIDEXAMPLE", client }
    }

    /// Sends entries as they are.
    pub(crate) async fn send(&self, records: Value) -> Sent {
        let body = json!({ "StreamName": self.kinesis.stream(), "Records": records }).to_string();
        let scope = "20260101/eu-central-1/kinesis/aws4_request";
        let authorization = format!("AWS4-HMAC-SHA256 Credential={}/{scope}", self.access_key);
        let request = Request::post(self.kinesis.url())
            .header("x-amz-target", "Kinesis_20131202.PutRecords")
            .header("authorization", authorization)
            .body(Full::new(bytes::Bytes::from(body)))
            .unwrap();
        let response = self.client.request(request).await.map_err(|error| causes(&error))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| causes(&error))?;
        Ok((status, String::from_utf8(body.to_bytes().to_vec()).unwrap()))
    }

    /// Sends a record of one byte for each key.
    pub(crate) async fn put(&self, keys: &[&str]) -> Sent {
        let entry = |key: &&str| json!({ "Data": "eA==", "PartitionKey": key });
        self.send(keys.iter().map(entry).collect()).await
    }

    /// Sends records and asserts that the request succeeds. Returns the error code of each record, or its shard.
    pub(crate) async fn outcomes(&self, keys: &[&str]) -> Vec<String> {
        let (status, body) = self.put(keys).await.unwrap();
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let records = body["Records"].as_array().unwrap();
        assert_eq!(records.len(), keys.len());
        let failed = records.iter().filter(|it| it["ErrorCode"].is_string()).count();
        assert_eq!(body["FailedRecordCount"], json!(failed));
        let outcome = |it: &Value| {
            assert_ne!(it["ErrorCode"].is_string(), it["SequenceNumber"].is_string(), "{it}");
            it["ErrorCode"].as_str().or(it["ShardId"].as_str()).unwrap().to_owned()
        };
        records.iter().map(outcome).collect()
    }

    /// Sends one record. Returns the status and the code of the answer.
    pub(crate) async fn failure(&self) -> (u16, String) {
        let (status, body) = self.put(&["k"]).await.unwrap();
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        (status, body["__type"].as_str().unwrap_or_default().to_owned())
    }
}

/// Returns an error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
