//! The streams that a redrive writes to. Pure.
//!
//! Every function that can send to the queue can write a letter, but redrive writes the record with the operator's credentials. A
//! letter can therefore choose only between streams that the operator has allowed.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use extension_spec::{Stream, Value as _};

/// Length limit of a stream's ARN. The longest name has 128 characters, and the longest current region 14.
const MOST_ARN_BYTES: usize = 256;

/// The ARNs of the deployment's own stream and of the streams that the operator names.
#[derive(Debug)]
pub(super) struct Allowed {
    own: String,
    all: BTreeSet<String>,
}

/// The reason why a letter's stream is not allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAllowed {
    /// The stream with this ARN is not allowed.
    Other(String),
    /// The text is neither a name nor an ARN.
    Unreadable,
}

impl Allowed {
    /// Fails if `own`, which the deployment publishes, is not the ARN of a stream.
    pub(super) fn new(own: &str, also_to: &[String]) -> Result<Self> {
        let Some(Stream::Arn(own)) = Stream::parse(own) else {
            bail!("the deployment publishes {own:?} as the ARN of its stream: deploy it again");
        };
        let all = also_to.iter().chain([&own]).cloned().collect();
        Ok(Self { own, all })
    }

    /// Returns the ARN of the allowed stream that the name or ARN `stream` refers to. A name refers to the account and region of
    /// the deployment's own stream.
    pub(super) fn resolve(&self, stream: &str) -> Result<String, NotAllowed> {
        let parsed = Stream::parse(stream).filter(|_| stream.len() <= MOST_ARN_BYTES);
        let arn = match parsed.ok_or(NotAllowed::Unreadable)? {
            Stream::Arn(arn) => arn,
            Stream::Name(name) => {
                let place = self.own.rsplit_once('/').map_or("", |it| it.0);
                format!("{place}/{name}")
            }
        };
        if self.all.contains(&arn) { Ok(arn) } else { Err(NotAllowed::Other(arn)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
    const OTHER: &str = "arn:aws:kinesis:us-east-1:999999999999:stream/payments";

    #[test]
    fn a_letter_chooses_only_between_allowed_streams() {
        let allowed = Allowed::new(OWN, &[OTHER.to_owned()]).unwrap();
        for (stream, arn) in [("telemetry", OWN), (OWN, OWN), (OTHER, OTHER)] {
            assert_eq!(allowed.resolve(stream).unwrap(), arn);
        }
        // The name refers to the deployment's account and region, where --also-to allows no such stream.
        let payments = OWN.replace("telemetry", "payments");
        for stream in ["payments", &payments] {
            assert_eq!(allowed.resolve(stream), Err(NotAllowed::Other(payments.clone())));
        }
        let consumer = format!("{OWN}/consumer/x:1");
        let endless = OWN.replace("central", &"x".repeat(256));
        for stream in ["", "*", "telemetry ", &consumer, "tele\u{1b}metry", &endless] {
            assert_eq!(allowed.resolve(stream), Err(NotAllowed::Unreadable), "{stream:?}");
        }
    }

    #[test]
    fn a_name_also_matches_an_added_stream_of_the_same_account() {
        let payments = OWN.replace("telemetry", "payments");
        let allowed = Allowed::new(OWN, std::slice::from_ref(&payments)).unwrap();
        assert_eq!(allowed.resolve("payments").unwrap(), payments);
    }

    #[test]
    fn a_deployment_without_the_arn_of_a_stream_allows_nothing() {
        for own in ["", "telemetry", "the-streamArn"] {
            assert!(Allowed::new(own, &[]).unwrap_err().to_string().contains("deploy it again"));
        }
    }
}
