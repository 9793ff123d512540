//! The stream of a deployment, and the key that it is encrypted with.

use aws_sdk_kinesis::operation::describe_stream_summary::DescribeStreamSummaryError;
use aws_sdk_kinesis::types::{EncryptionType, StreamStatus};
use aws_sdk_kms::types::KeyManagerType;
use kinesis_telemetry_stream::{Aws, Target, counted, region_of_arn};

use super::finding::{Finding, Verdict};

/// The findings of a stream and its key.
pub(super) struct StreamFindings {
    pub(super) findings: Vec<Finding>,
    /// The ARN of the key that writers must be allowed to use, if there is one.
    pub(super) key: Option<String>,
}

impl StreamFindings {
    fn of(stream: Verdict) -> Self {
        Self { findings: vec![Finding::new("stream", stream)], key: None }
    }
}

/// Checks a stream. `redeploy` is the command that creates it again.
pub(super) async fn check(arn: &str, redeploy: String, aws: &Aws) -> StreamFindings {
    let aws = aws.in_region(region_of_arn(arn));
    let target = Target::at(arn, &aws);
    // The target's client waits half a minute for uploads; this request is short.
    let client = aws_sdk_kinesis::Client::new(&aws.config);
    let answer = client.describe_stream_summary().stream_arn(arn).send().await;
    let summary = match answer.map(|it| it.stream_description_summary) {
        Ok(Some(summary)) => summary,
        Ok(None) => {
            return StreamFindings::of(Verdict::unknown("Kinesis answered without a description"));
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeStreamSummaryError::is_resource_not_found_exception) =>
        {
            return StreamFindings::of(Verdict::broken(format!("{arn} does not exist"), redeploy));
        }
        Err(error) => {
            let error = target.explain("DescribeStreamSummary of", &error);
            return StreamFindings::of(Verdict::of_error(&error));
        }
    };
    let mut found = StreamFindings::of(match summary.stream_status() {
        StreamStatus::Active | StreamStatus::Updating => {
            let (name, shards) = (summary.stream_name(), summary.open_shard_count());
            let hours = summary.retention_period_hours();
            Verdict::well(format!(
                "{name}: {} open, keeps records for {hours} hours",
                counted(shards.unsigned_abs() as usize, "shard")
            ))
        }
        other => Verdict::broken(
            format!("{arn} is {other}, and accepts no records"),
            "wait until it is ACTIVE, or deploy again if it is being deleted",
        ),
    });
    if summary.encryption_type() == Some(&EncryptionType::Kms) {
        let id = key_arn(summary.key_id().unwrap_or_default(), arn);
        let (verdict, key) = key(&id, &aws).await;
        found.findings.push(Finding::new("key", verdict));
        found.key = key;
    }
    found
}

/// Checks that the key of the stream can be used. Without it, the stream can be neither written nor read.
///
/// Also returns its ARN, unless AWS manages the key: writers need no permission for such keys.
async fn key(id: &str, aws: &Aws) -> (Verdict, Option<String>) {
    let answer = aws_sdk_kms::Client::new(&aws.config).describe_key().key_id(id).send().await;
    match answer.map(|it| it.key_metadata) {
        Ok(Some(key)) if key.enabled() => {
            let is_own = key.key_manager() != Some(&KeyManagerType::Aws);
            (Verdict::well(id), key.arn.filter(|_| is_own))
        }
        Ok(key) => {
            let state = key
                .and_then(|it| it.key_state)
                .map_or_else(|| "not there".to_owned(), |it| it.to_string());
            let remedy = format!(
                "aws kms enable-key --key-id {id} (if it is pending deletion, aws kms cancel-key-deletion first)"
            );
            let why = format!("{id} is {state}, so the stream can be neither written nor read");
            (Verdict::broken(why, remedy), None)
        }
        Err(error) => {
            let error = aws.explain("reading the stream's key", "kms:DescribeKey", &error);
            (Verdict::of_error(&error), id.contains(":key/").then(|| id.to_owned()))
        }
    }
}

/// Returns the ARN of a key that Kinesis names. A key ID or alias refers to the account and region of the stream, not of the
/// caller (Kinesis API reference, `StartStreamEncryption`).
fn key_arn(id: &str, stream: &str) -> String {
    let mut parts = stream.split(':').skip(1);
    match (parts.next(), parts.nth(1), parts.next()) {
        (Some(partition), Some(region), Some(account)) if !id.starts_with("arn:") => {
            let kind = if id.starts_with("alias/") { "" } else { "key/" };
            format!("arn:{partition}:kms:{region}:{account}:{kind}{id}")
        }
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::key_arn;

    #[test]
    fn a_key_id_refers_to_the_account_of_the_stream() {
        let stream = "arn:aws-cn:kinesis:cn-north-1:444455556666:stream/central";
        let place = "arn:aws-cn:kms:cn-north-1:444455556666";
        assert_eq!(key_arn("1111-22", stream), format!("{place}:key/1111-22"));
        assert_eq!(key_arn("alias/aws/kinesis", stream), format!("{place}:alias/aws/kinesis"));
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1111-22";
        assert_eq!(key_arn(arn, stream), arn);
    }
}
