//! The checks of a deployment, and of a function that uses it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use aws_sdk_lambda::operation::get_function_configuration::{
    GetFunctionConfigurationError, GetFunctionConfigurationOutput,
};
use aws_sdk_lambda::operation::get_layer_version_by_arn::{
    GetLayerVersionByArnError, GetLayerVersionByArnOutput,
};
use extension_spec::deployment::Architecture;
use kinesis_telemetry_args::Deployment;
use kinesis_telemetry_stream::Aws;
use tokio::sync::OnceCell;

use super::finding::{Finding, Verdict};
use super::progress::Progress;
use super::recent::{self, Recent};
use super::role::RoleCheck;
use super::silence::Silence;
use super::stream::StreamFindings;
use super::{function, ledger, log, queue, role, stream};
use crate::deployment::{Values, named};
use crate::fleet::Lambda;
use crate::own_lines::{self, OwnLines};

/// The checks of a deployment that exists.
///
/// They run concurrently, so that the timeouts of services which do not answer overlap.
pub(super) struct DeploymentChecks<'a> {
    pub(super) lambda: Lambda,
    pub(super) values: &'a Values,
    aws: &'a Aws,
    deployment: &'a Deployment,
    progress: &'a Progress,
    /// The findings of the stream and its key.
    stream: OnceCell<StreamFindings>,
    /// The findings of each role. Functions share roles, and IAM allows few calls a second.
    roles: RefCell<BTreeMap<String, Rc<OnceCell<Verdict>>>>,
    silent_lambda: Silence<Result<GetFunctionConfigurationOutput, Verdict>>,
    silent_iam: Silence<RoleCheck>,
    silent_logs: Silence<OwnLines>,
}

/// The findings of the stream and its records.
pub(super) struct StreamCheck {
    pub(super) findings: Vec<Finding>,
    /// The newest records, if they could be read.
    pub(super) recent: Option<Recent>,
}

impl<'a> DeploymentChecks<'a> {
    pub(super) fn new(
        aws: &'a Aws,
        values: &'a Values,
        deployment: &'a Deployment,
        progress: &'a Progress,
    ) -> Self {
        Self {
            lambda: Lambda::new(aws),
            values,
            aws,
            deployment,
            progress,
            stream: OnceCell::new(),
            roles: RefCell::default(),
            silent_lambda: Silence::default(),
            silent_iam: Silence::default(),
            silent_logs: Silence::default(),
        }
    }

    /// Checks the deployment and one function: by default the test function, if there is one.
    pub(super) async fn run(&self, function: Option<&str>) -> Vec<Finding> {
        let name = function.or_else(|| self.value("testFunctionName"));
        let of_function = async {
            let Some(name) = name else { return Vec::new() };
            let remedy = match function {
                Some(_) => "check --function and --region: kinesis-telemetry functions lists those with the layer".to_owned(),
                None => self.redeploy(),
            };
            let check = Box::pin(self.function(name, &remedy));
            self.progress.during(&format!("function {name}"), check).await
        };
        let (mut findings, stream, queue, of_function) =
            tokio::join!(self.layers(), self.stream(), self.queue(), of_function);
        findings.extend(of_function);
        if let Some(name) = name {
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
        let both = Box::pin(async { tokio::join!(x86_64, arm64) });
        let (x86_64, arm64) = self.progress.during("layers", both).await;
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
            Ok(it) => Verdict::well(build_of(arn, &it)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetLayerVersionByArnError::is_resource_not_found_exception) =>
            {
                Verdict::broken(format!("{arn} no longer exists"), self.redeploy())
            }
            Err(error) => Verdict::of_error(&self.aws.explain(
                "reading a layer",
                "lambda:GetLayerVersion",
                &error,
            )),
        };
        Some(Finding::new(what, verdict))
    }

    /// Checks a function: its configuration, the permissions of its role, and the extension's log lines. `if_missing` is the
    /// remedy if the function does not exist.
    pub(super) async fn function(&self, name: &str, if_missing: &str) -> Vec<Finding> {
        let read = Box::pin(self.configuration(name, if_missing));
        let is_silent = |it: &Result<_, _>| matches!(it, Err(Verdict::Unknown { .. }));
        let configuration = match self.silent_lambda.or(read, is_silent).await {
            Ok(configuration) => configuration,
            Err(verdict) => return vec![Finding::new("function", verdict)],
        };
        let facts = function::Facts::of(name, &configuration);
        let mut findings = vec![Finding::new("function", function::judge(&facts, self.values))];
        findings.extend(function::notes(&facts));
        let name = configuration.function_name().unwrap_or(name);
        let group = own_lines::group_of(name, configuration.logging_config());
        let (concurrency, role, lines) = tokio::join!(
            self.concurrency(name),
            self.role(&facts.role),
            self.silent_logs.or(own_lines::read(&group, log::WINDOW, self.aws), |it| !it.is_read())
        );
        findings.extend(concurrency);
        findings.extend(role);
        findings.extend(log::findings(name, &lines));
        findings
    }

    async fn configuration(
        &self,
        name: &str,
        if_missing: &str,
    ) -> Result<GetFunctionConfigurationOutput, Verdict> {
        let ask = self.lambda.ask(|it| it.get_function_configuration().function_name(name).send());
        ask.await.map_err(|error| {
            let is_absent = error
                .as_service_error()
                .is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception);
            if is_absent {
                let why = format!("the function {name} does not exist in {}", self.aws.region);
                return Verdict::broken(why, if_missing);
            }
            let (doing, takes) = ("reading the function", "lambda:GetFunctionConfiguration");
            Verdict::of_error(&self.aws.explain(doing, takes, &error))
        })
    }

    /// Returns a finding if no invocation of the function can run, or if that could not be checked.
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

    async fn role(&self, role: &str) -> Option<Finding> {
        let (policy, stream) = (self.value("policyArn")?, self.value("streamArn")?);
        let known = Rc::clone(self.roles.borrow_mut().entry(role.to_owned()).or_default());
        let check = async || {
            let queue_url = self.value("deadLetterQueueUrl");
            let check = role::check(role, policy, stream, self.key(), queue_url, self.aws);
            let check = Box::pin(check);
            self.silent_iam.or(check, |it| it.is_silent).await.verdict
        };
        let verdict = known.get_or_init(check).await.clone();
        Some(Finding::new("policy", verdict))
    }

    /// Checks the stream and its key, and reads the newest records.
    pub(super) async fn stream(&self) -> StreamCheck {
        let Some(arn) = self.value("streamArn") else {
            return StreamCheck { findings: Vec::new(), recent: None };
        };
        let both = async { tokio::join!(self.described(arn), recent::read(arn, self.aws)) };
        let (described, recent) = self.progress.during("stream", both).await;
        let mut findings = described.findings.clone();
        // If the stream itself could not be checked, its records would add nothing.
        if findings.iter().all(Finding::is_well) {
            let verdict = recent.as_ref().map_or_else(Verdict::of_error, Recent::verdict);
            findings.push(Finding::new("newest record", verdict));
        }
        StreamCheck { findings, recent: recent.ok() }
    }

    /// Returns the key that writers must be allowed to use.
    async fn key(&self) -> Option<String> {
        self.described(self.value("streamArn")?).await.key.clone()
    }

    async fn described(&self, arn: &str) -> &StreamFindings {
        self.stream.get_or_init(|| stream::check(arn, self.redeploy(), self.aws)).await
    }

    pub(super) async fn queue(&self) -> Option<Finding> {
        let url = self.value("deadLetterQueueUrl")?;
        let redrive = format!("kinesis-telemetry redrive{}", named(self.deployment));
        let check = queue::check(url, self.redeploy(), &redrive, self.aws);
        let verdict = self.progress.during("queue", check).await;
        Some(Finding::new("queue", verdict))
    }
}

/// Returns the ARN of a layer version, with its release (the beginning of its description) and its signer.
fn build_of(arn: &str, answer: &GetLayerVersionByArnOutput) -> String {
    let release = answer.description().and_then(|it| it.split(": ").next());
    let signer = answer.content().and_then(|it| it.signing_profile_version_arn());
    let signer = signer.map(|it| format!("signed by {it}"));
    let details: Vec<_> =
        release.into_iter().chain(signer.as_deref()).filter(|it| !it.is_empty()).collect();
    match details[..] {
        [] => arn.to_owned(),
        _ => format!("{arn} ({})", details.join(", ")),
    }
}

/// Returns the name of a function from its name or ARN, with or without a version or alias.
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
