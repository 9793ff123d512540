//! `doctor`: walks from credentials to stream and queue, says what is broken, and what mends it.

mod finding;
mod function;
mod queue;
mod role;
mod stream;

use std::process::ExitCode;

use anyhow::Result;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use aws_sdk_lambda::operation::get_layer_version_by_arn::GetLayerVersionByArnError;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_args::{Deployment, Doctor};
use kinesis_telemetry_stream::{Aws, say};

use crate::deployment::{Values, named};
use crate::session::Session;
use finding::{Finding, Verdict};

pub(crate) async fn run(options: &Doctor, session: &Session) -> Result<ExitCode> {
    let (aws, credentials) = session.connect(async |aws| Ok(credentials(aws).await)).await?;
    let findings = examine(options, credentials, &aws).await;
    say::out(&if options.json { say::json(&findings)? } else { finding::text(&findings) })?;
    let is_well = findings.iter().all(Finding::is_well);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Every step of the chain; what rests on a step that is broken is not looked at.
async fn examine(options: &Doctor, credentials: Verdict, aws: &Aws) -> Vec<Finding> {
    let Doctor { deployment, function, .. } = options;
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
    // Which key there is decides what the function must be allowed.
    let stream = patient.stream().await;
    let key = stream.as_ref().and_then(|it| it.key.as_deref());
    findings.extend(patient.function(function.as_deref(), key).await);
    findings.extend(stream.into_iter().flat_map(|it| it.findings));
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
    Verdict::broken(format!("missing: {}", missing.join(", ")), values.redeploy(deployment))
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

    fn redeploy(&self) -> String {
        self.values.redeploy(self.deployment)
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
                Verdict::broken(format!("{arn} does not exist any more"), self.redeploy())
            }
            Err(error) => Verdict::of_error(&self.aws.explain(
                "looking at a layer",
                "lambda:GetLayerVersion",
                &error,
            )),
        };
        Some(Finding::new(what, verdict))
    }

    /// The function, and what its role may do. Without a name it is the test function, if there is one.
    async fn function(&self, named: Option<&str>, key: Option<&str>) -> Vec<Finding> {
        let Some(name) = named.or_else(|| self.value("testFunctionName")) else {
            return Vec::new();
        };
        let lambda = aws_sdk_lambda::Client::new(&self.aws.config);
        let found = lambda.get_function_configuration().function_name(name).send().await;
        let configuration = match found {
            Ok(configuration) => configuration,
            Err(error)
                if error.as_service_error().is_some_and(
                    GetFunctionConfigurationError::is_resource_not_found_exception,
                ) =>
            {
                let why = format!("there is no function {name} in {}", self.aws.region);
                let remedy = match named {
                    Some(_) => "check --function and AWS_REGION: aws lambda list-functions says what there is".to_owned(),
                    None => self.redeploy(),
                };
                return vec![Finding::new("function", Verdict::broken(why, remedy))];
            }
            Err(error) => {
                let (doing, takes) = ("looking at the function", "lambda:GetFunctionConfiguration");
                let error = self.aws.explain(doing, takes, &error);
                return vec![Finding::new("function", Verdict::of_error(&error))];
            }
        };
        let facts = function::Facts::of(name, &configuration);
        let mut findings = vec![Finding::new("function", function::judge(&facts, self.values))];
        findings.extend(function::notes(&facts));
        let name = configuration.function_name().unwrap_or(name);
        findings.extend(self.concurrency(name, &lambda).await);
        findings.extend(self.role(&facts.role, key).await);
        findings
    }

    /// Whether it is kept from being invoked at all. Nothing is said where it is not.
    async fn concurrency(&self, name: &str, lambda: &aws_sdk_lambda::Client) -> Option<Finding> {
        let answer = lambda.get_function_concurrency().function_name(name).send().await;
        let verdict = match answer {
            Ok(answer) if answer.reserved_concurrent_executions() == Some(0) => Verdict::broken(
                format!("no concurrency is reserved for {name}, so that nobody can invoke it"),
                format!("aws lambda delete-function-concurrency --function-name {name}"),
            ),
            Ok(_) => return None,
            Err(error) => {
                let takes = "lambda:GetFunctionConcurrency";
                Verdict::of_error(&self.aws.explain("looking at the concurrency", takes, &error))
            }
        };
        Some(Finding::new("concurrency", verdict))
    }

    async fn role(&self, role: &str, key: Option<&str>) -> Option<Finding> {
        let (policy, stream) = (self.value("policyArn")?, self.value("streamArn")?);
        let needs = role::needs(stream, key, self.value("deadLetterQueueUrl"));
        Some(Finding::new("policy", role::examine(role, policy, &needs, self.aws).await))
    }

    async fn stream(&self) -> Option<stream::Examined> {
        Some(stream::examine(self.value("streamArn")?, self.redeploy(), self.aws).await)
    }

    async fn queue(&self) -> Option<Finding> {
        let url = self.value("deadLetterQueueUrl")?;
        let redrive = format!("kinesis-telemetry redrive{}", named(self.deployment));
        let verdict = queue::examine(url, self.redeploy(), &redrive, self.aws).await;
        Some(Finding::new("queue", verdict))
    }
}
