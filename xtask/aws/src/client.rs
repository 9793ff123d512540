//! The Kinesis client of these commands, and what its errors mean for a person.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};

/// A shard takes five `GetRecords` a second, from all its readers together: being told so is normal,
/// so there are more attempts than the SDK's three, and because a second is enough, shorter pauses.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(8)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(1))
}

/// A stream, and the client that reaches it.
pub(crate) struct Target {
    pub(crate) client: aws_sdk_kinesis::Client,
    stream: String,
    region: String,
    endpoint: Option<String>,
}

impl Target {
    pub(crate) async fn of(stream: &str) -> Result<Self> {
        let https = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls_context()?)
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https)
            .retry_config(retries());
        if let Some(region) = region_of_arn(stream) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let region = config
            .region()
            .map(ToString::to_string)
            .context("no AWS region is set: set AWS_REGION, or give the stream as an ARN")?;
        let endpoint = ["AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Ok(Self {
            client: aws_sdk_kinesis::Client::new(&config),
            stream: stream.to_owned(),
            region,
            endpoint,
        })
    }

    pub(crate) fn name(&self) -> Option<String> {
        (!is_arn(&self.stream)).then(|| self.stream.clone())
    }

    pub(crate) fn arn(&self) -> Option<String> {
        is_arn(&self.stream).then(|| self.stream.clone())
    }

    /// One line that says what went wrong, where, and what to do about it.
    pub(crate) fn explain<E>(&self, doing: &str, error: &SdkError<E>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let Self { stream, region, .. } = self;
        let place = match &self.endpoint {
            Some(endpoint) => format!("{endpoint} (region {region})"),
            None => format!("AWS in region {region}"),
        };
        match (error.code(), error) {
            (Some("ResourceNotFoundException"), _) => anyhow!(
                "no stream \"{stream}\" at {place}: check the name, AWS_REGION and \
                 AWS_ENDPOINT_URL_KINESIS, or list what there is with \"aws kinesis list-streams\""
            ),
            (Some(code), _) => {
                let message = error.message().unwrap_or("no further word");
                anyhow!("{doing} \"{stream}\" at {place} was refused: {code}: {message}")
            }
            (None, _) => match innermost(error) {
                // The SDK's own text lists every place that it searched.
                why if why.starts_with("no credentials") => anyhow!(
                    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                ),
                why if matches!(error, SdkError::DispatchFailure(_)) => anyhow!(
                    "{place} cannot be reached: {why}; check that it is running, and \
                     AWS_ENDPOINT_URL_KINESIS"
                ),
                why => anyhow!("{doing} \"{stream}\" at {place} failed: {why}"),
            },
        }
    }
}

/// What AWS's own tools honour: with `AWS_CA_BUNDLE`, only that file is trusted.
fn tls_context() -> Result<TlsContext> {
    let trusted = match std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty()) {
        None => TrustStore::default(),
        Some(path) => {
            let pem = std::fs::read(&path)
                .with_context(|| format!("AWS_CA_BUNDLE=\"{path}\" cannot be read"))?;
            TrustStore::empty().with_pem_certificate(pem)
        }
    };
    TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(|error| anyhow!("TLS cannot be set up: {}", innermost(&error)))
}

/// The SDK wraps the cause several times over, each time saying less.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn is_arn(stream: &str) -> bool {
    stream.starts_with("arn:")
}

/// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`: an ARN knows its region better than the environment.
fn region_of_arn(stream: &str) -> Option<&str> {
    is_arn(stream).then(|| stream.split(':').nth(3)).flatten().filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::region_of_arn;

    #[test]
    fn the_region_of_an_arn_wins() {
        let arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
        assert_eq!(region_of_arn(arn), Some("eu-central-1"));
    }

    #[test]
    fn a_name_has_no_region() {
        assert_eq!(region_of_arn("telemetry"), None);
        assert_eq!(region_of_arn("arn:aws:kinesis"), None);
    }
}
