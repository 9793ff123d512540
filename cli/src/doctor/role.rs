//! Checks that a function's role has the permissions that telemetry needs.

use std::collections::VecDeque;
use std::time::Duration;

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyError;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
};
use kinesis_telemetry_stream::Aws;
use tokio::time::sleep;

use super::finding::Verdict;

/// Number of attempts while IAM throttles.
const ATTEMPTS: usize = 8;
/// Time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// A permission that a role needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    action: &'static str,
    resource: String,
    /// Name and value of the encryption context that Kinesis passes to KMS. A policy may require it.
    context: Option<(&'static str, String)>,
}

/// The verdict on a role.
#[derive(Clone, Debug)]
pub(super) struct RoleCheck {
    pub(super) verdict: Verdict,
    /// True if IAM did not answer.
    pub(super) is_silent: bool,
}

impl From<Verdict> for RoleCheck {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, is_silent: false }
    }
}

/// Returns the permissions that a role needs to write to this stream, encrypted with this key, and to this queue.
fn needs(stream: &str, key: Option<&str>, queue_url: Option<&str>) -> Vec<Need> {
    let need = |action, resource| Need { action, resource, context: None };
    let mut needs = vec![need("kinesis:PutRecords", stream.to_owned())];
    needs.extend(key.map(|key| Need {
        context: Some(("kms:EncryptionContext:aws:kinesis:arn", stream.to_owned())),
        ..need("kms:GenerateDataKey", key.to_owned())
    }));
    let queue = queue_url.and_then(|url| queue_arn(url, stream));
    needs.extend(queue.map(|queue| need("sqs:SendMessage", queue)));
    needs
}

/// Converts `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME` to an ARN. A deployment's queue and stream are in the same region.
fn queue_arn(url: &str, stream: &str) -> Option<String> {
    let mut path = url.rsplit('/');
    let (name, account) = (path.next()?, path.next()?);
    let mut place = stream.split(':').skip(1);
    let (partition, region) = (place.next()?, place.nth(1)?);
    Some(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

/// Simulates the role's policies for the stream and the queue. If the simulation is denied, checks that the role has the policy.
///
/// `key` is the key of the stream. The simulation for the stream starts before the key is known, so that the timeouts overlap if
/// neither service answers.
pub(super) async fn check(
    role: &str,
    policy: &str,
    stream: &str,
    key: impl Future<Output = Option<String>>,
    queue_url: Option<&str>,
    aws: &Aws,
) -> RoleCheck {
    let iam = aws_sdk_iam::Client::new(&aws.config);
    let name = role.rsplit('/').next().unwrap_or(role);
    let mut allowed = Vec::new();
    let mut needs = VecDeque::from(needs(stream, None, None));
    let mut key = Some(key);
    while let Some(need) = needs.pop_front() {
        match simulate(&iam, role, &need).await {
            Ok(Some(result)) => {
                if let Some(why) = refusal(&result) {
                    let Need { action, resource, .. } = need;
                    let why =
                        format!("the role {name} is not allowed {action} on {resource}: {why}");
                    let attach = format!(
                        "aws iam attach-role-policy --role-name {name} --policy-arn {policy}"
                    );
                    return Verdict::broken(why, attach).into();
                }
            }
            Err(error) if error.code().is_none() => {
                let doing = format!("simulating the policies of the role {name}");
                let error = aws.explain(&doing, "iam:SimulatePrincipalPolicy", &error);
                return RoleCheck { verdict: Verdict::of_error(&error), is_silent: true };
            }
            Ok(None) | Err(_) => return attached(&iam, name, policy, aws).await,
        }
        allowed.push(need.action);
        if let Some(key) = key.take() {
            needs = self::needs(stream, key.await.as_deref(), queue_url).into();
            // IAM has just answered this one.
            needs.pop_front();
        }
    }
    Verdict::well(format!("role {name}, allowed: {}", allowed.join(", "))).into()
}

/// Returns IAM's result; `None` if IAM throttles, or answers without a result.
async fn simulate(
    iam: &aws_sdk_iam::Client,
    role: &str,
    need: &Need,
) -> Result<Option<EvaluationResult>, SdkError<SimulatePrincipalPolicyError, HttpResponse>> {
    let entry = |(name, value): &(&str, String)| {
        let entry = ContextEntry::builder().context_key_name(*name).context_key_values(value);
        entry.context_key_type(ContextKeyTypeEnum::String).build()
    };
    for _ in 0..ATTEMPTS {
        let request = iam.simulate_principal_policy().policy_source_arn(role);
        let request = request.action_names(need.action).resource_arns(&need.resource);
        let context = need.context.as_ref().map(|it| vec![entry(it)]);
        match request.set_context_entries(context).send().await {
            // IAM allows few of these calls a second, and any other result would be a guess.
            Err(error) if matches!(error.code(), Some("Throttling" | "ThrottlingException")) => {
                sleep(PAUSE).await;
            }
            answer => return Ok(answer?.evaluation_results.unwrap_or_default().pop()),
        }
    }
    Ok(None)
}

/// Returns the reason why the action is not allowed; `None` if it is allowed.
fn refusal(result: &EvaluationResult) -> Option<&'static str> {
    use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny};
    let boundary = result.permissions_boundary_decision_detail();
    let organisation = result.organizations_decision_detail();
    match result.eval_decision() {
        Allowed => None,
        ExplicitDeny => Some("a policy denies it explicitly"),
        _ if boundary.is_some_and(|it| !it.allowed_by_permissions_boundary()) => {
            Some("its permissions boundary does not allow it")
        }
        _ if organisation.is_some_and(|it| !it.allowed_by_organizations()) => {
            Some("a policy of the organisation does not allow it")
        }
        _ => Some("no policy allows it"),
    }
}

/// Checks that the role has the policy. Other policies may allow or deny the same actions.
async fn attached(iam: &aws_sdk_iam::Client, name: &str, policy: &str, aws: &Aws) -> RoleCheck {
    let mut pages =
        iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
    while let Some(attached) = pages.next().await {
        match attached {
            Ok(attached) if attached.policy_arn() == Some(policy) => {
                return Verdict::well(format!(
                    "attached to {name}; iam:SimulatePrincipalPolicy is needed to check that no other policy denies it"
                ))
                .into();
            }
            Ok(_) => {}
            Err(error) => {
                let doing = format!("listing the policies of the role {name}");
                let is_silent = error.code().is_none();
                let error = aws.explain(&doing, "iam:ListAttachedRolePolicies", &error);
                return RoleCheck { verdict: Verdict::of_error(&error), is_silent };
            }
        }
    }
    Verdict::broken(
        format!(
            "not attached to the role {name}; iam:SimulatePrincipalPolicy is needed to check that another policy allows the same"
        ),
        format!("aws iam attach-role-policy --role-name {name} --policy-arn {policy}"),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_needs_the_stream_its_key_and_the_queue() {
        let stream = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
        let url = "https://sqs.eu-central-1.amazonaws.com/111122223333/letters";
        let found = needs(stream, Some("arn:aws:kms:key"), Some(url));
        let found: Vec<_> = found.iter().map(|it| (it.action, it.resource.as_str())).collect();
        let expected = [
            ("kinesis:PutRecords", stream),
            ("kms:GenerateDataKey", "arn:aws:kms:key"),
            ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:111122223333:letters"),
        ];
        assert_eq!(found, expected);
        assert_eq!(needs(stream, None, None).len(), 1);
    }
}
