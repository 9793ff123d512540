//! The test function of a deployment, and its invocations.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::primitives::Blob;
use kinesis_telemetry_args::Invoke;
use kinesis_telemetry_stream::Aws;
use kinesis_telemetry_terminal::StatusLine;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::audit::Sent;
use crate::own_lines::{self, OwnLines};

/// Longest time until an invocation is answered (Lambda quotas, "Function timeout").
const LONGEST: Duration = Duration::from_mins(15);

/// Longest wait for the function's configuration. Without it, the default log group is assumed.
const CONFIGURATION: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub(super) struct Function {
    client: aws_sdk_lambda::Client,
    aws: Aws,
    pub(super) name: String,
}

impl Function {
    pub(super) fn new(name: &str, aws: &Aws) -> Self {
        let timeouts =
            aws.config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let config = aws_sdk_lambda::config::Builder::from(&aws.config)
            .timeout_config(timeouts.read_timeout(LONGEST).build());
        let client = aws_sdk_lambda::Client::from_conf(config.build());
        Self { client, aws: aws.clone(), name: name.to_owned() }
    }

    /// Returns the function's log group: the default one if the configuration cannot be read.
    async fn log_group(&self) -> String {
        // The client of this function waits for the end of invocations.
        let client = aws_sdk_lambda::Client::new(&self.aws.config);
        let answer = client.get_function_configuration().function_name(&self.name).send();
        let answer = timeout(CONFIGURATION, answer).await.ok().and_then(Result::ok);
        own_lines::group_of(&self.name, answer.as_ref().and_then(|it| it.logging_config()))
    }

    /// Reads the extension's log lines of the last `before_now`.
    pub(super) async fn own_lines(&self, before_now: Duration) -> OwnLines {
        own_lines::read(&self.log_group().await, before_now, &self.aws).await
    }

    /// Makes these invocations, `concurrency` at a time.
    pub(super) async fn invoke_all(
        &self,
        options: &Invoke,
        progress: &StatusLine,
    ) -> Result<Vec<Sent>> {
        let (count, most) = (options.count as usize, options.concurrency as usize);
        let (mut sent, mut running) = (Vec::new(), JoinSet::new());
        while sent.len() < count {
            while running.len() < most && sent.len() + running.len() < count {
                let (function, lines, bytes) = (self.clone(), options.lines, options.bytes);
                running.spawn(async move { function.invoke(lines, bytes).await });
            }
            progress.report(&format!(
                "{} of {count} invocations of {} done",
                sent.len(),
                self.name
            ));
            let done = running.join_next().await.context("no invocation is running")?;
            sent.push(done.context("an invocation ended early")??);
        }
        Ok(sent)
    }

    pub(super) async fn invoke(&self, lines: u32, bytes: u32) -> Result<Sent> {
        let name = &self.name;
        let payload = json!({ "lines": lines, "bytes": bytes }).to_string();
        let answer =
            self.client.invoke().function_name(name).payload(Blob::new(payload)).send().await;
        let answer = answer.map_err(|error| match error.code() {
            Some("ResourceNotFoundException") => {
                anyhow!("the test function {name} does not exist: deploy the stage again")
            }
            _ => self.aws.explain(&format!("invoking {name}"), "lambda:InvokeFunction", &error),
        })?;
        let text = answer.payload().map(|it| String::from_utf8_lossy(it.as_ref()).into_owned());
        let text = text.unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            let group = self.log_group().await;
            bail!(
                "the test function {name} failed ({kind}): {text}; its log has the reason: aws logs tail {group} --since 10m"
            );
        }
        // The request ID that the function received, which is also in its telemetry.
        let own = serde_json::from_str(&text)
            .ok()
            .and_then(|it: Value| Some(it["requestId"].as_str()?.to_owned()));
        let request_id = own.or_else(|| answer.request_id().map(str::to_owned));
        let request_id = request_id
            .with_context(|| format!("the response of {name} has no request ID: {text}"))?;
        Ok(Sent { request_id, lines })
    }
}
