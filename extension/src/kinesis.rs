//! The Kinesis client: `PutRecords`, its credentials, TLS and endpoint, and what its errors call for.
//!
//! Knows neither queue nor lifecycle. The SDK's own retries are off: one place retries.

mod connector;
mod decision;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::HttpClient;
use extension_spec::Stream;

use crate::dispatcher::{Answer, Failure, Sink};
use crate::pack::Record;
pub use connector::{Connector, Roots};

/// A stream that takes records.
#[derive(Debug)]
pub struct Kinesis {
    client: Client,
    stream: Stream,
    connector: Connector,
}

impl Kinesis {
    /// Builds the client; connects to nothing. `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`, FIPS and dual stack come
    /// from the environment, by the SDK's own rules. An ARN's region wins over the function's: no other has the stream.
    pub async fn new(stream: Stream, region: Option<String>, connector: Connector) -> Self {
        let region = stream.region().map(str::to_owned).or(region).map(Region::new);
        let config = loader(region, connector.clone()).load().await;
        Self { client: Client::new(&config), stream, connector }
    }
}

/// The SDK's configuration, before the environment has been read.
fn loader(region: Option<Region>, http: impl HttpClient + Clone + 'static) -> ConfigLoader {
    let provider = ProviderConfig::empty()
        .with_http_client(http.clone())
        .with_sleep_impl(TokioSleep::new())
        .with_time_source(SystemTimeSource::new())
        .with_region(region.clone());
    // On-demand functions have keys in the environment, SnapStart functions a container endpoint. Lambda knows no other
    // source, and every further one costs cold start.
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Container", EcsCredentialsProvider::builder().configure(&provider).build());
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http)
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

impl Sink for Kinesis {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        let entry = |record: &Record| {
            PutRecordsRequestEntry::builder()
                .data(Blob::new(record.data.as_ref()))
                .partition_key(&*record.key)
                .build()
                .map_err(|error| decision::of_request(&error))
        };
        let entries = records.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.put_records().set_records(Some(entries));
        let request = match &self.stream {
            Stream::Name(name) => request.stream_name(name),
            Stream::Arn(arn) => request.stream_arn(arn),
        };
        match request.send().await {
            Ok(output) => Ok(output.records.iter().map(answer).collect()),
            Err(error) => Err(decision::of_call(&error, self.stream.as_str())),
        }
    }

    fn reset(&self) {
        self.connector.reset();
    }
}

/// A record was taken if it has a sequence number. Every error code of a single record can pass by itself.
fn answer(entry: &PutRecordsResultEntry) -> Answer {
    match entry.sequence_number.as_deref() {
        Some(number) if !number.is_empty() => Ok(()),
        _ => Err(format!(
            "kinesis refused a record: {} ({})",
            entry.error_code.as_deref().unwrap_or("no code"),
            entry.error_message.as_deref().unwrap_or("no message"),
        )),
    }
}

#[cfg(test)]
mod tests;
