//! The Kinesis client: `PutRecords`.
//!
//! Knows neither queue nor lifecycle.

use std::sync::{Mutex, PoisonError};

use aws_config::identity::IdentityCache;
use aws_config::{Region, SdkConfig};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use aws_sdk_kinesis::{Client, Config};
use extension_spec::{Stream, variable};

use crate::aws::decision::{self, Service};
use crate::aws::{self, Connector};
use crate::pack::Record;
use crate::sink::{Answer, Failure, Refusal, Sink};

/// A stream that takes records.
#[derive(Debug)]
pub struct Kinesis {
    config: SdkConfig,
    client: Mutex<Client>,
    stream: Stream,
    connector: Connector,
    /// Whether credentials come from where new ones can be had.
    is_renewable: bool,
}

impl Kinesis {
    /// Builds the client; connects to nothing. `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`, FIPS and dual stack come
    /// from the environment, by the SDK's own rules. An ARN's region wins over the function's: no other has the stream.
    /// `is_renewable` says whether the credentials are a container's, and no variables.
    pub async fn new(
        stream: Stream,
        region: Option<String>,
        connector: Connector,
        is_renewable: bool,
    ) -> Self {
        let region = stream.region().map(str::to_owned).or(region).map(Region::new);
        let config = aws::loader(region, connector.clone()).load().await;
        let client = Mutex::new(Client::new(&config));
        Self { config, client, stream, connector, is_renewable }
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn service(&self) -> Service<'_> {
        Service {
            name: "kinesis",
            kind: "stream",
            resource: self.stream.as_str(),
            permission: "kinesis:PutRecords",
            setting: variable::STREAM,
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
        let request = self.client().put_records().set_records(Some(entries));
        let request = match &self.stream {
            Stream::Name(name) => request.stream_name(name),
            Stream::Arn(arn) => request.stream_arn(arn),
        };
        match request.send().await {
            Ok(output) => Ok(output.records.iter().map(answer).collect()),
            Err(error) => Err(decision::of_call(&error, &self.service())),
        }
    }

    fn reset(&self) {
        self.connector.reset();
    }

    fn renew(&self) -> bool {
        if self.is_renewable {
            // Whatever the old ones say of their expiry, they are not accepted.
            let config = Config::from(&self.config)
                .to_builder()
                .identity_cache(IdentityCache::lazy().build())
                .build();
            let client = Client::from_conf(config);
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
        }
        self.is_renewable
    }
}

/// A record was taken if it has a sequence number. Every error code of a single record can pass by itself.
fn answer(entry: &PutRecordsResultEntry) -> Answer {
    match entry.sequence_number.as_deref() {
        Some(number) if !number.is_empty() => Ok(()),
        _ => {
            let code = entry.error_code.as_deref().unwrap_or("no code");
            let text = entry.error_message.as_deref().unwrap_or("no message");
            Err(Refusal {
                message: format!("kinesis refused a record: {code} ({text})"),
                is_throttled: code == "ProvisionedThroughputExceededException",
                is_final: false,
            })
        }
    }
}

#[cfg(test)]
mod tests;
