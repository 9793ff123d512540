//! A stream, and the Kinesis client that reaches it.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Result, anyhow};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

use crate::aws::{Aws, Wanted};

/// Longest time until the first byte of the answer to a request of several MB.
const UPLOAD: Duration = Duration::from_secs(30);

/// A stream, and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Kinesis client.
    pub client: aws_sdk_kinesis::Client,
    stream: String,
    aws: Aws,
}

impl Target {
    /// Reaches the stream with the credentials and the region of the environment; the region of an ARN takes precedence.
    pub async fn of(stream: &str) -> Result<Self> {
        let region = region_of_arn(stream).map(str::to_owned);
        Ok(Self::at(stream, &Aws::find(&Wanted { region, profile: None }).await?))
    }

    /// Reaches the stream with these credentials, in their region or in that of the ARN.
    pub fn at(stream: &str, aws: &Aws) -> Self {
        let aws = aws.in_region(region_of_arn(stream));
        let client = aws_sdk_kinesis::Client::new(&aws.config);
        Self { client, stream: stream.to_owned(), aws }
    }

    /// Returns the same stream for requests of several MB, whose responses arrive only after the upload.
    #[must_use]
    pub fn for_large_requests(self) -> Self {
        let timeouts = self.aws.config.timeout_config().map(TimeoutConfig::to_builder);
        let timeouts = timeouts.unwrap_or_default().read_timeout(UPLOAD).build();
        let config = aws_sdk_kinesis::config::Builder::from(&self.aws.config);
        let client = aws_sdk_kinesis::Client::from_conf(config.timeout_config(timeouts).build());
        Self { client, ..self }
    }

    /// Returns the stream's name, if the stream was named by it.
    pub fn name(&self) -> Option<String> {
        (!is_arn(&self.stream)).then(|| self.stream.clone())
    }

    /// Returns the stream's ARN, if the stream was named by it.
    pub fn arn(&self) -> Option<String> {
        is_arn(&self.stream).then(|| self.stream.clone())
    }

    /// Explains an error of this Kinesis call in one line: what failed, and what to do.
    pub fn explain<E, R>(&self, call: &str, error: &SdkError<E, R>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        let Self { stream, aws, .. } = self;
        if error.code() == Some("ResourceNotFoundException") {
            return anyhow!(
                "no stream \"{stream}\" at {}: check the name, AWS_REGION and AWS_ENDPOINT_URL_KINESIS, or list the streams \
                 with \"aws kinesis list-streams\"",
                aws.place("KINESIS")
            );
        }
        aws.explain(&format!("{call} \"{stream}\""), &permission(call), error)
    }
}

/// Returns the permission of a call: `GetRecords of` requires `kinesis:GetRecords`.
fn permission(call: &str) -> String {
    format!("kinesis:{}", call.split(' ').next().unwrap_or_default())
}

fn is_arn(stream: &str) -> bool {
    stream.starts_with("arn:")
}

/// Returns the region in `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`. It takes precedence over that of the environment.
pub fn region_of_arn(stream: &str) -> Option<&str> {
    is_arn(stream).then(|| stream.split(':').nth(3)).flatten().filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::region_of_arn;

    #[test]
    fn the_region_of_an_arn_takes_precedence() {
        let arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
        assert_eq!(region_of_arn(arn), Some("eu-central-1"));
    }

    #[test]
    fn a_name_has_no_region() {
        assert_eq!(region_of_arn("telemetry"), None);
        assert_eq!(region_of_arn("arn:aws:kinesis"), None);
    }
}
