//! Invokes the functions of the stack for verification, and prepares their versions.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::client::Waiters as _;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{LogType, ProvisionedConcurrencyStatusEnum};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_sandbox::Mode;
use kinesis_telemetry_stream::Aws;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Longest time until the answer of an invocation: the longest timeout of the functions, and an init before it.
const ANSWER: Duration = Duration::from_mins(1);
/// Longest time until a version can be invoked. A snapshot takes minutes.
const PREPARED: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(3);

/// An invocation that was made.
#[derive(Debug)]
pub(crate) struct Answer {
    /// True if the function failed.
    pub(crate) failed: bool,
    /// The request ids of the invocation: an emulator and the sandbox that runs in it may each have one.
    pub(crate) request_ids: Vec<String>,
    /// The end of its log.
    pub(crate) log: String,
}

/// The functions of the stack.
#[derive(Clone)]
pub(crate) struct Lambda {
    client: Client,
    aws: Aws,
}

impl Lambda {
    pub(crate) fn new(aws: &Aws) -> Self {
        let timeouts =
            aws.config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let config =
            Builder::from(&aws.config).timeout_config(timeouts.read_timeout(ANSWER).build());
        Self { client: Client::from_conf(config.build()), aws: aws.clone() }
    }

    /// Returns the version that is invoked in this mode, once it is ready; `None` for the unpublished one.
    pub(crate) async fn prepare(&self, function: &str, mode: Mode) -> Result<Option<String>> {
        if !matches!(mode, Mode::SnapStart | Mode::ProvisionedConcurrency) {
            return Ok(None);
        }
        let published = self.client.publish_version().function_name(function).send().await;
        let published = published.map_err(|error| {
            self.aws.explain(
                &format!("publishing a version of {function}"),
                "lambda:PublishVersion",
                &error,
            )
        })?;
        let version = published.version.context("a version was published without a number")?;
        if mode == Mode::ProvisionedConcurrency {
            self.provision(function, &version).await?;
        } else {
            let wait = self.client.wait_until_published_version_active();
            let waited = wait.function_name(function).qualifier(&version).wait(PREPARED).await;
            waited.map_err(|error| {
                anyhow!("version {version} of {function} is not active: {error}")
            })?;
        }
        Ok(Some(version))
    }

    /// Makes Lambda initialize one environment ahead of traffic.
    async fn provision(&self, function: &str, version: &str) -> Result<()> {
        let put = self.client.put_provisioned_concurrency_config().function_name(function);
        let put = put.qualifier(version).provisioned_concurrent_executions(1).send().await;
        put.map_err(|error| {
            self.aws.explain(
                &format!("provisioning concurrency for {function}"),
                "lambda:PutProvisionedConcurrencyConfig",
                &error,
            )
        })?;
        let give_up = Instant::now() + PREPARED;
        while Instant::now() < give_up {
            let get = self.client.get_provisioned_concurrency_config().function_name(function);
            let state = get.qualifier(version).send().await.map_err(|error| {
                self.aws.explain(
                    &format!("reading the provisioned concurrency of {function}"),
                    "lambda:GetProvisionedConcurrencyConfig",
                    &error,
                )
            })?;
            match state.status() {
                Some(ProvisionedConcurrencyStatusEnum::Ready) => return Ok(()),
                Some(ProvisionedConcurrencyStatusEnum::Failed) => {
                    bail!("{}", state.status_reason().unwrap_or("Lambda gives no reason"))
                }
                _ => sleep(PAUSE).await,
            }
        }
        bail!(
            "concurrency for {function} is not provisioned within {} min",
            PREPARED.as_secs() / 60
        )
    }

    /// Makes this many concurrent invocations.
    pub(crate) async fn invoke_at_once(
        &self,
        function: &str,
        version: Option<&str>,
        payload: &str,
        count: usize,
    ) -> Result<Vec<Answer>> {
        let mut running = JoinSet::new();
        for _ in 0..count {
            let (lambda, function) = (self.clone(), function.to_owned());
            let (version, payload) = (version.map(str::to_owned), payload.to_owned());
            running.spawn(async move { lambda.invoke(&function, version, payload).await });
        }
        running.join_all().await.into_iter().collect()
    }

    async fn invoke(
        &self,
        function: &str,
        version: Option<String>,
        payload: String,
    ) -> Result<Answer> {
        let invoke = self.client.invoke().function_name(function).set_qualifier(version);
        let answer = invoke.log_type(LogType::Tail).payload(Blob::new(payload)).send().await;
        let answer = answer.map_err(|error| {
            self.aws.explain(&format!("invoking {function}"), "lambda:InvokeFunction", &error)
        })?;
        let result = answer.payload().map(|it| String::from_utf8_lossy(it.as_ref()));
        let result: Value = serde_json::from_str(&result.unwrap_or_default()).unwrap_or_default();
        let own = result["requestId"].as_str();
        let request_ids = own.into_iter().chain(answer.request_id()).map(str::to_owned).collect();
        let log = answer.log_result().and_then(|it| BASE64_STANDARD.decode(it).ok());
        Ok(Answer {
            failed: answer.function_error().is_some(),
            request_ids,
            log: String::from_utf8_lossy(&log.unwrap_or_default()).into_owned(),
        })
    }
}
