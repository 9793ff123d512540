//! `doctor`: walks from credentials to stream and queue, says what is broken, and what mends it.

mod finding;
mod function;

use std::process::ExitCode;

use anyhow::{Context, Result};
use aws_sdk_kinesis::operation::describe_stream_summary::DescribeStreamSummaryError;
use aws_sdk_kinesis::types::{EncryptionType, StreamStatus};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use aws_sdk_lambda::operation::get_layer_version_by_arn::GetLayerVersionByArnError;
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;
use aws_sdk_sqs::types::QueueAttributeName;
use extension_spec::deployment::Architecture;
use xtask_aws_cli::Deployment;

use crate::aws::Aws;
use crate::client::{Target, region_of_arn};
use crate::deployment::Values;
use crate::say;
use finding::{Finding, Verdict};

pub(crate) async fn run(
    deployment: &Deployment,
    function: Option<&str>,
    json: bool,
) -> Result<ExitCode> {
    let aws = Aws::find(None).await?;
    let findings = examine(deployment, function, &aws).await;
    let text = if json {
        serde_json::to_string_pretty(&findings).context("the findings make no JSON")? + "\n"
    } else {
        finding::text(&findings)
    };
    say::out(&text)?;
    let is_well = findings.iter().all(Finding::is_well);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Every step of the chain; what rests on a step that is broken is not looked at.
async fn examine(deployment: &Deployment, function: Option<&str>, aws: &Aws) -> Vec<Finding> {
    let credentials = credentials(aws).await;
    let known = !matches!(credentials, Verdict::Broken { .. });
    let mut findings = vec![Finding::new("credentials", credentials)];
    if !known {
        return findings;
    }
    let values = match Values::read(deployment, aws).await {
        Ok(values) => values,
        Err(error) => {
            findings.push(Finding::new("parameters", Verdict::of_error(&error)));
            return findings;
        }
    };
    findings.push(Finding::new("parameters", parameters(deployment, &values, aws)));
    if values.0.is_empty() {
        return findings;
    }
    let patient = Patient { aws, values: &values, deployment };
    for architecture in Architecture::ALL {
        findings.extend(patient.layer(architecture).await);
    }
    findings.extend(patient.function(function).await);
    findings.extend(patient.stream().await);
    findings.extend(patient.queue().await);
    findings
}

async fn credentials(aws: &Aws) -> Verdict {
    let who = aws_sdk_sts::Client::new(&aws.config).get_caller_identity().send().await;
    match who {
        Ok(who) => {
            Verdict::well(format!("{}, {}", who.arn().unwrap_or("somebody"), aws.place("STS")))
        }
        Err(error) => {
            let error =
                aws.explain("asking whose these credentials are", "sts:GetCallerIdentity", &error);
            Verdict::Broken { why: format!("{error:#}"), remedy: String::new() }
        }
    }
}

fn parameters(deployment: &Deployment, values: &Values, aws: &Aws) -> Verdict {
    if let Err(error) = values.require(deployment, &aws.place("SSM")) {
        return Verdict::Broken { why: format!("{error:#}"), remedy: String::new() };
    }
    let missing: Vec<String> =
        values.missing().into_iter().map(|it| it.of(deployment.name.as_deref())).collect();
    if missing.is_empty() {
        return Verdict::well(format!("{} of the stack {}", values.0.len(), values.0["stackName"]));
    }
    Verdict::broken(format!("missing: {}", missing.join(", ")), redeploy(deployment))
}

/// What mends most.
fn redeploy(deployment: &Deployment) -> String {
    let name = deployment.name.as_ref().map(|it| format!(" --name {it}")).unwrap_or_default();
    format!("cargo xtask deploy {}{name}", deployment.stage)
}

/// A deployment that is there.
struct Patient<'a> {
    aws: &'a Aws,
    values: &'a Values,
    deployment: &'a Deployment,
}

impl Patient<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.values.0.get(key).map(String::as_str)
    }

    async fn layer(&self, architecture: Architecture) -> Option<Finding> {
        let (key, what) = match architecture {
            Architecture::X86_64 => ("layerArnX86_64", "layer x86_64"),
            Architecture::Arm64 => ("layerArnArm64", "layer arm64"),
        };
        let arn = self.value(key)?;
        let lambda = aws_sdk_lambda::Client::new(&self.aws.config);
        let found = lambda.get_layer_version_by_arn().arn(arn).send().await;
        let verdict = match found {
            Ok(_) => Verdict::well(arn),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetLayerVersionByArnError::is_resource_not_found_exception) =>
            {
                Verdict::broken(format!("{arn} does not exist any more"), redeploy(self.deployment))
            }
            Err(error) => Verdict::of_error(&self.aws.explain(
                "looking at a layer",
                "lambda:GetLayerVersion",
                &error,
            )),
        };
        Some(Finding::new(what, verdict))
    }

    /// The function, and the policy of its role.
    async fn function(&self, name: Option<&str>) -> Vec<Finding> {
        let Some(name) = name.or_else(|| self.value("testFunctionName")) else { return Vec::new() };
        let lambda = aws_sdk_lambda::Client::new(&self.aws.config);
        let configuration =
            match lambda.get_function_configuration().function_name(name).send().await {
                Ok(configuration) => configuration,
                Err(error)
                    if error.as_service_error().is_some_and(
                        GetFunctionConfigurationError::is_resource_not_found_exception,
                    ) =>
                {
                    let why = format!("there is no function {name} in {}", self.aws.region);
                    return vec![Finding::new(
                        "function",
                        Verdict::broken(why, redeploy(self.deployment)),
                    )];
                }
                Err(error) => {
                    let error = self.aws.explain(
                        "looking at the function",
                        "lambda:GetFunctionConfiguration",
                        &error,
                    );
                    return vec![Finding::new("function", Verdict::of_error(&error))];
                }
            };
        let facts = function::Facts::of(name, &configuration);
        let mut findings = vec![Finding::new("function", function::judge(&facts, self.values))];
        findings.extend(self.policy(&facts.role).await);
        findings
    }

    async fn policy(&self, role: &str) -> Option<Finding> {
        let policy = self.value("policyArn")?;
        let name = role.rsplit('/').next().unwrap_or(role);
        let mut pages = aws_sdk_iam::Client::new(&self.aws.config)
            .list_attached_role_policies()
            .role_name(name)
            .into_paginator()
            .items()
            .send();
        while let Some(attached) = pages.next().await {
            match attached {
                Ok(attached) if attached.policy_arn() == Some(policy) => {
                    return Some(Finding::new(
                        "policy",
                        Verdict::well(format!("attached to {name}")),
                    ));
                }
                Ok(_) => {}
                Err(error) => {
                    let doing = format!("looking at the policies of the role {name}");
                    let error = self.aws.explain(&doing, "iam:ListAttachedRolePolicies", &error);
                    return Some(Finding::new("policy", Verdict::of_error(&error)));
                }
            }
        }
        let why = format!(
            "the role {name} does not have it, so the function may not write to the stream"
        );
        let remedy = format!("aws iam attach-role-policy --role-name {name} --policy-arn {policy}");
        Some(Finding::new("policy", Verdict::broken(why, remedy)))
    }

    /// The stream, and the key that it is encrypted with.
    async fn stream(&self) -> Vec<Finding> {
        let Some(arn) = self.value("streamArn") else { return Vec::new() };
        let aws = match Aws::find(region_of_arn(arn)).await {
            Ok(aws) => aws,
            Err(error) => return vec![Finding::new("stream", Verdict::of_error(&error))],
        };
        let target = Target::at(arn, &aws);
        let answer = target.client.describe_stream_summary().stream_arn(arn).send().await;
        let summary = match answer.map(|it| it.stream_description_summary) {
            Ok(Some(summary)) => summary,
            Ok(None) => {
                return vec![Finding::new(
                    "stream",
                    Verdict::unknown("Kinesis says nothing of it"),
                )];
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeStreamSummaryError::is_resource_not_found_exception) =>
            {
                let why = format!("{arn} does not exist");
                return vec![Finding::new(
                    "stream",
                    Verdict::broken(why, redeploy(self.deployment)),
                )];
            }
            Err(error) => {
                return vec![Finding::new(
                    "stream",
                    Verdict::of_error(&target.explain("DescribeStreamSummary of", &error)),
                )];
            }
        };
        let verdict = match summary.stream_status() {
            StreamStatus::Active | StreamStatus::Updating => {
                let (name, shards) = (summary.stream_name(), summary.open_shard_count());
                let hours = summary.retention_period_hours();
                Verdict::well(format!(
                    "{name}: {shards} shards open, keeps records for {hours} hours"
                ))
            }
            other => Verdict::broken(
                format!("{arn} is {other}, and takes no records"),
                "wait until it is ACTIVE, or deploy again if it is being deleted",
            ),
        };
        let mut findings = vec![Finding::new("stream", verdict)];
        if summary.encryption_type() == Some(&EncryptionType::Kms) {
            findings
                .push(Finding::new("key", key(summary.key_id().unwrap_or_default(), &aws).await));
        }
        findings
    }

    async fn queue(&self) -> Option<Finding> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let url = self.value("deadLetterQueueUrl")?;
        let sqs = aws_sdk_sqs::Client::new(&self.aws.config);
        let ask = sqs
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(Visible)
            .attribute_names(Hidden);
        let verdict = match ask.send().await {
            Ok(answer) => {
                let count = |name| {
                    answer
                        .attributes()
                        .and_then(|it| it.get(&name)?.parse::<u64>().ok())
                        .unwrap_or(0)
                };
                let (visible, hidden) = (count(Visible), count(Hidden));
                if visible + hidden == 0 {
                    Verdict::well("no dead letters")
                } else {
                    let name = self
                        .deployment
                        .name
                        .as_ref()
                        .map(|it| format!(" --name {it}"))
                        .unwrap_or_default();
                    Verdict::broken(
                        format!(
                            "{visible} dead letters, and {hidden} that somebody is reading: events did not reach the stream"
                        ),
                        format!(
                            "the function's log says why; then cargo xtask redrive {}{name}",
                            self.deployment.stage
                        ),
                    )
                }
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetQueueAttributesError::is_queue_does_not_exist) =>
            {
                Verdict::broken(format!("{url} does not exist"), redeploy(self.deployment))
            }
            Err(error) => Verdict::of_error(&self.aws.explain(
                "looking at the queue",
                "sqs:GetQueueAttributes",
                &error,
            )),
        };
        Some(Finding::new("queue", verdict))
    }
}

/// Whether what encrypts the stream is there to be used. Without it the stream takes and gives nothing.
async fn key(id: &str, aws: &Aws) -> Verdict {
    let answer = aws_sdk_kms::Client::new(&aws.config).describe_key().key_id(id).send().await;
    match answer.map(|it| it.key_metadata) {
        Ok(Some(key)) if key.enabled() => Verdict::well(id),
        Ok(key) => {
            let state = key
                .and_then(|it| it.key_state)
                .map_or_else(|| "not there".to_owned(), |it| it.to_string());
            Verdict::broken(
                format!("{id} is {state}, so the stream takes and gives nothing"),
                format!(
                    "aws kms enable-key --key-id {id} (if it is pending deletion, aws kms cancel-key-deletion first)"
                ),
            )
        }
        Err(error) => Verdict::of_error(&aws.explain(
            "looking at the stream's key",
            "kms:DescribeKey",
            &error,
        )),
    }
}
