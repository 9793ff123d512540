//! The checks of a deployment, and of a function that uses it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use aws_sdk_lambda::operation::get_layer_version_by_arn::GetLayerVersionByArnError;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_args::Deployment;
use kinesis_telemetry_stream::Aws;
use tokio::sync::OnceCell;

use super::finding::{Finding, Verdict};
use super::recent::{self, Recent};
use super::silence::Silence;
use super::{function, ledger, log, queue, role, stream};
use crate::deployment::{Values, named};
use crate::fleet::Lambda;
use crate::own_lines::{self, OwnLines};

/// A deployment that exists.
pub(super) struct Patient<'a> {
    pub(super) lambda: Lambda,
    pub(super) values: &'a Values,
    aws: &'a Aws,
    deployment: &'a Deployment,
    /// What was found of a role. Functions share roles, and IAM answers few calls a second.
    roles: RefCell<BTreeMap<String, Rc<OnceCell<Verdict>>>>,
    silent_iam: Silence<Verdict>,
    silent_logs: Silence<OwnLines>,
}

/// What was found of the stream.
pub(super) struct StreamCheck {
    pub(super) findings: Vec<Finding>,
    /// The key that writers must be allowed to use.
    pub(super) key: Option<String>,
    /// The newest records, if they could be read.
    pub(super) recent: Option<Recent>,
}

impl<'a> Patient<'a> {
    pub(super) fn new(aws: &'a Aws, values: &'a Values, deployment: &'a Deployment) -> Self {
        Self {
            lambda: Lambda::new(aws),
            values,
            aws,
            deployment,
            roles: RefCell::default(),
            silent_iam: Silence::default(),
            silent_logs: Silence::default(),
        }
    }

    /// Checks the deployment and one function: by default the test function, if there is one.
    pub(super) async fn examine(&self, function: Option<&str>) -> Vec<Finding> {
        // Services that do not answer are waited for at the same time.
        let (mut findings, stream, queue) =
            tokio::join!(self.layers(), self.stream(), self.queue());
        if let Some(name) = function.or_else(|| self.value("testFunctionName")) {
            let key = stream.key.as_deref();
            let remedy = match function {
                Some(_) => "check --function and --region: kinesis-telemetry functions lists those with the layer".to_owned(),
                None => self.redeploy(),
            };
            findings.extend(Box::pin(self.function(name, key, &remedy)).await);
            let recent = stream.recent.as_ref();
            let name = own_name(name);
            findings.extend(recent.into_iter().flat_map(|it| ledger::findings(name, it)));
        }
        findings.extend(stream.findings);
        findings.extend(queue);
        findings
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.values.0.get(key).map(String::as_str)
    }

    fn redeploy(&self) -> String {
        self.values.redeploy(self.deployment)
    }

    pub(super) async fn layers(&self) -> Vec<Finding> {
        let [x86_64, arm64] = Architecture::ALL.map(|it| self.layer(it));
        let (x86_64, arm64) = tokio::join!(x86_64, arm64);
        x86_64.into_iter().chain(arm64).collect()
    }

    async fn layer(&self, architecture: Architecture) -> Option<Finding> {
        let (key, what) = match architecture {
            Architecture::X86_64 => ("layerArnX86_64", "layer x86_64"),
            Architecture::Arm64 => ("layerArnArm64", "layer arm64"),
        };
        let arn = self.value(key)?;
        let found = self.lambda.ask(|it| it.get_layer_version_by_arn().arn(arn).send()).await;
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
                "reading a layer",
                "lambda:GetLayerVersion",
                &error,
            )),
        };
        Some(Finding::new(what, verdict))
    }

    /// Checks a function: its configuration, what its role is allowed, and what the extension logged there. `if_missing` is the
    /// remedy if there is no such function.
    pub(super) async fn function(
        &self,
        name: &str,
        key: Option<&str>,
        if_missing: &str,
    ) -> Vec<Finding> {
        let ask = self.lambda.ask(|it| it.get_function_configuration().function_name(name).send());
        let configuration = match ask.await {
            Ok(configuration) => configuration,
            Err(error)
                if error.as_service_error().is_some_and(
                    GetFunctionConfigurationError::is_resource_not_found_exception,
                ) =>
            {
                let why = format!("there is no function {name} in {}", self.aws.region);
                return vec![Finding::new("function", Verdict::broken(why, if_missing))];
            }
            Err(error) => {
                let (doing, takes) = ("reading the function", "lambda:GetFunctionConfiguration");
                let error = self.aws.explain(doing, takes, &error);
                return vec![Finding::new("function", Verdict::of_error(&error))];
            }
        };
        let facts = function::Facts::of(name, &configuration);
        let mut findings = vec![Finding::new("function", function::judge(&facts, self.values))];
        findings.extend(function::notes(&facts));
        let name = configuration.function_name().unwrap_or(name);
        let group = own_lines::group_of(name, configuration.logging_config());
        let (concurrency, role, lines) = tokio::join!(
            self.concurrency(name),
            self.role(&facts.role, key),
            self.silent_logs.or(own_lines::read(&group, log::WINDOW, self.aws), |it| !it.is_read())
        );
        findings.extend(concurrency);
        findings.extend(role);
        findings.extend(log::findings(name, &lines));
        findings
    }

    /// Returns a finding if no invocation of the function can run, or if that could not be found out.
    async fn concurrency(&self, name: &str) -> Option<Finding> {
        let ask = self.lambda.ask(|it| it.get_function_concurrency().function_name(name).send());
        let verdict = match ask.await {
            Ok(answer) if answer.reserved_concurrent_executions() == Some(0) => Verdict::broken(
                format!("the reserved concurrency of {name} is 0, so it cannot be invoked"),
                format!("aws lambda delete-function-concurrency --function-name {name}"),
            ),
            Ok(_) => return None,
            Err(error) => {
                let takes = "lambda:GetFunctionConcurrency";
                Verdict::of_error(&self.aws.explain("reading the concurrency", takes, &error))
            }
        };
        Some(Finding::new("concurrency", verdict))
    }

    async fn role(&self, role: &str, key: Option<&str>) -> Option<Finding> {
        let (policy, stream) = (self.value("policyArn")?, self.value("streamArn")?);
        let known = Rc::clone(self.roles.borrow_mut().entry(role.to_owned()).or_default());
        let examine = async || {
            let needs = role::needs(stream, key, self.value("deadLetterQueueUrl"));
            let verdict = role::examine(role, policy, &needs, self.aws);
            self.silent_iam.or(verdict, |it| matches!(it, Verdict::Unknown { .. })).await
        };
        let verdict = known.get_or_init(examine).await.clone();
        Some(Finding::new("policy", verdict))
    }

    /// Checks the stream and its key, and reads the newest records.
    pub(super) async fn stream(&self) -> StreamCheck {
        let Some(arn) = self.value("streamArn") else {
            return StreamCheck { findings: Vec::new(), key: None, recent: None };
        };
        let (mut examined, recent): (_, Result<Recent>) = tokio::join!(
            stream::examine(arn, self.redeploy(), self.aws),
            recent::read(arn, self.aws)
        );
        // If the stream itself could not be checked, its records add nothing.
        if examined.findings.iter().all(Finding::is_well) {
            let verdict = recent.as_ref().map_or_else(Verdict::of_error, Recent::verdict);
            examined.findings.push(Finding::new("newest record", verdict));
        }
        StreamCheck { findings: examined.findings, key: examined.key, recent: recent.ok() }
    }

    pub(super) async fn queue(&self) -> Option<Finding> {
        let url = self.value("deadLetterQueueUrl")?;
        let redrive = format!("kinesis-telemetry redrive{}", named(self.deployment));
        let verdict = queue::examine(url, self.redeploy(), &redrive, self.aws).await;
        Some(Finding::new("queue", verdict))
    }
}

/// Returns the name of a function that is named by name or ARN, with a version or alias or without.
fn own_name(name: &str) -> &str {
    let name = name.rsplit_once("function:").map_or(name, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::own_name;

    #[test]
    fn a_function_has_the_same_name_in_every_form() {
        let arn = "arn:aws:lambda:eu-central-1:111122223333:function:orders";
        let with_alias = format!("{arn}:live");
        for form in ["orders", "orders:live", "111122223333:function:orders", arn, &with_alias] {
            assert_eq!(own_name(form), "orders");
        }
    }
}
