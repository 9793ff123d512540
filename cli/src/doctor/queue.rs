//! Checks that the dead-letter queue of a deployment is empty.

use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;
use aws_sdk_sqs::types::QueueAttributeName;
use kinesis_telemetry_stream::{Aws, counted};

use super::finding::Verdict;

/// Checks a queue. `redeploy` is the command that creates it again, and `redrive` the one that empties it.
pub(super) async fn check(url: &str, redeploy: String, redrive: &str, aws: &Aws) -> Verdict {
    use QueueAttributeName::{
        ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
    };
    let sqs = aws_sdk_sqs::Client::new(&aws.config);
    let ask = sqs.get_queue_attributes().queue_url(url);
    match ask.attribute_names(Visible).attribute_names(Hidden).send().await {
        Ok(answer) => {
            let count = |name| {
                let count = answer.attributes().and_then(|it| it.get(&name)?.parse::<usize>().ok());
                count.unwrap_or(0)
            };
            match (count(Visible), count(Hidden)) {
                (0, 0) => Verdict::well("no dead letters"),
                (visible, hidden) => Verdict::broken(
                    format!(
                        "{} ({hidden} in flight): their events did not reach the stream",
                        counted(visible, "dead letter")
                    ),
                    format!("fix the cause, which is in the function's log, then run {redrive}"),
                ),
            }
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetQueueAttributesError::is_queue_does_not_exist) =>
        {
            Verdict::broken(format!("{url} does not exist"), redeploy)
        }
        Err(error) => {
            Verdict::of_error(&aws.explain("reading the queue", "sqs:GetQueueAttributes", &error))
        }
    }
}
