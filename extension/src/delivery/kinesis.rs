//! The Kinesis client: `PutRecords`.
//!
//! It knows neither the queue nor the lifecycle.

use std::sync::Mutex;

use aws_sdk_kinesis::config::IdentityCache;
use aws_sdk_kinesis::operation::put_records::builders::PutRecordsFluentBuilder;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use aws_sdk_kinesis::{Client, Config};
use aws_types::SdkConfig;
use extension_spec::{Stream, variable};

use crate::base::sync::lock;
use crate::delivery::aws::decision::{self, Service};
use crate::delivery::aws::{self, Access, Connector};
use crate::pack::Record;
use crate::pack::sink::{Answer, Failure, Refusal, Sink};

/// The name in `AWS_ENDPOINT_URL_KINESIS`, which sets a custom endpoint.
const SERVICE: &str = "KINESIS";

/// A client for one stream.
#[derive(Debug)]
pub(crate) struct Kinesis {
    config: SdkConfig,
    client: Mutex<Client>,
    stream: Stream,
    connector: Connector,
    /// True if credentials can be renewed.
    is_renewable: bool,
}

impl Kinesis {
    /// Builds the client without opening a connection. `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`, FIPS and dual
    /// stack come from the environment, by the SDK's rules. The region of an ARN has precedence over the function's,
    /// because the stream is in that region.
    pub(crate) fn new(stream: Stream, access: &Access) -> Self {
        let config = access.config(SERVICE, stream.region(), aws::variable);
        let client = Mutex::new(Client::new(&config));
        let is_renewable = access.credentials.is_renewable();
        Self { config, client, stream, connector: access.connector.clone(), is_renewable }
    }

    /// Prepares the first request without sending it: gets credentials, resolves the endpoint, and starts to open a
    /// connection (name, TCP, TLS).
    pub(crate) async fn connect(&self) {
        let request = self.to_stream(self.client().put_records()).set_records(Some(Vec::new()));
        let opens = Config::builder().http_client(self.connector.opener());
        // The request is expected to fail unsent; real errors surface on the first delivery.
        let _ = request.customize().config_override(opens).send().await;
    }

    fn to_stream(&self, request: PutRecordsFluentBuilder) -> PutRecordsFluentBuilder {
        match &self.stream {
            Stream::Name(name) => request.stream_name(name),
            Stream::Arn(arn) => request.stream_arn(arn),
        }
    }

    fn client(&self) -> Client {
        lock(&self.client).clone()
    }

    fn service(&self) -> Service<'_> {
        Service {
            name: "kinesis",
            kind: "stream",
            resource: self.stream.as_str(),
            permission: "kinesis:PutRecords",
            setting: variable::STREAM,
            endpoint: "kinesis-streams",
            is_renewable: self.is_renewable,
        }
    }
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
        let request = self.to_stream(self.client().put_records()).set_records(Some(entries));
        match request.send().await {
            Ok(output) => {
                let service = self.service();
                // The response must not have more answers than there are records.
                let entries = output.records.iter().take(records.len());
                Ok(entries.map(|entry| answer(entry, &service)).collect())
            }
            Err(error) => Err(decision::of_call(&error, &self.service())),
        }
    }

    fn reset(&self) {
        self.connector.reset();
    }

    fn restart(&self) {
        self.connector.forget();
        self.renew();
    }

    fn renew(&self) -> bool {
        if self.is_renewable {
            // These credentials were rejected, whatever expiry they state.
            let config = Config::from(&self.config)
                .to_builder()
                .identity_cache(IdentityCache::lazy().build())
                .build();
            let client = Client::from_conf(config);
            *lock(&self.client) = client;
        }
        self.is_renewable
    }
}

/// Returns the answer for one record. A record was accepted if it has a sequence number. Every error code of a
/// single record is transient.
fn answer(entry: &PutRecordsResultEntry, service: &Service<'_>) -> Answer {
    match entry.sequence_number.as_deref() {
        Some(number) if !number.is_empty() => Ok(()),
        _ => {
            let code = entry.error_code.as_deref().unwrap_or("no code");
            let message = entry.error_message.as_deref();
            Err(Refusal {
                trouble: decision::of_item("kinesis refused a record", code, message, service),
                is_throttled: code == "ProvisionedThroughputExceededException",
                is_final: false,
            })
        }
    }
}

#[cfg(test)]
mod tests;
