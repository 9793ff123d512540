//! The deployment or stream that a command works on, and values that several commands take.

use std::ops::RangeBounds;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::{Args, value_parser};
use extension_spec::{Stream, Value as _, deployment};

/// A deployment: a stack that publishes its values as SSM parameters.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Name of the deployment; omit it for the plain deployment, which has none.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// Stage that the deployment must be of. `cargo xtask` passes it.
    #[arg(long, value_name = "STAGE", hide = true)]
    pub stage: Option<String>,
}

/// A stream: that of a deployment, or any other.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The deployment whose stream is read.
    #[command(flatten)]
    pub deployment: Deployment,
    /// Read this stream instead of a deployment's; an ARN may name another region or account.
    #[arg(long, value_name = "NAME|ARN", value_parser = stream, conflicts_with_all = ["name", "stage"])]
    pub stream: Option<String>,
}

/// Refuses a name that no deployment can have.
pub(crate) fn name(name: &str) -> Result<String, String> {
    if deployment::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("set {}", deployment::NAME.1))
    }
}

/// Refuses text that is neither the name nor the ARN of a stream.
fn stream(text: &str) -> Result<String, String> {
    match Stream::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("set the name of a stream (1 to 128 letters, digits, \"_\", \".\" or \"-\"), or its ARN: \
                     arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"
            .to_owned()),
    }
}

/// Refuses text that is not the full ARN of a stream. A name lacks the account and the region.
pub(crate) fn stream_arn(text: &str) -> Result<String, String> {
    match Stream::parse(text) {
        Some(Stream::Arn(arn)) => Ok(arn),
        _ => {
            Err("set the full ARN of a stream: arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"
                .to_owned())
        }
    }
}

/// Parses a number of seconds in a range.
pub(crate) fn seconds(range: impl RangeBounds<u64>) -> impl TypedValueParser<Value = Duration> {
    value_parser!(u64).range(range).map(Duration::from_secs)
}
