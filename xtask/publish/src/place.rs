//! An account in a region, and the calls that are made there.

use std::time::Duration;

use anyhow::Result;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use kinesis_telemetry_stream::Aws;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Time between two calls in a region. Lambda allows 15 a second for all callers of an account together (Lambda quotas, "Rate of
/// control plane API requests").
const BETWEEN: Duration = Duration::from_millis(150);
/// Attempts of a call that can be repeated. The SDK waits up to 20 seconds between them.
const ATTEMPTS: u32 = 8;
/// Longest time until a request is answered: an upload, or the first invocation of a function.
const ANSWER: Duration = Duration::from_mins(1);

/// Lambda in a region.
pub(crate) struct Place {
    pub(crate) aws: Aws,
    /// Repeats a call that fails because of the network, the service or too many calls.
    pub(crate) lambda: Client,
    /// Makes each call once.
    pub(crate) once: Client,
    turns: Mutex<Interval>,
}

/// Returns the configuration with time limits and attempts of this program. People do not wait for its answers.
pub(crate) fn patient(aws: &Aws) -> Aws {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let timeouts = TimeoutConfig::builder().connect_timeout(ANSWER / 6).read_timeout(ANSWER);
    let config = aws.config.to_builder().retry_config(retries).timeout_config(timeouts.build());
    let mut aws = aws.clone();
    aws.config = config.build();
    aws
}

impl Place {
    pub(crate) fn new(aws: &Aws, region: &str) -> Self {
        let aws = aws.in_region(Some(region));
        let once = aws_sdk_lambda::config::Builder::from(&aws.config);
        let once = Client::from_conf(once.retry_config(RetryConfig::disabled()).build());
        let mut turns = interval(BETWEEN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { lambda: Client::new(&aws.config), once, turns: Mutex::new(turns), aws }
    }

    pub(crate) fn region(&self) -> &str {
        &self.aws.region
    }

    /// Waits for the turn of the next call.
    pub(crate) async fn turn(&self) {
        self.turns.lock().await.tick().await;
    }
}

/// Returns the account of the credentials.
pub(crate) async fn account(aws: &Aws) -> Result<String> {
    let sts = aws_sdk_sts::Client::new(&aws.config);
    let answer = sts.get_caller_identity().send().await;
    let answer = answer
        .map_err(|it| aws.explain("finding out the account", "sts:GetCallerIdentity", &it))?;
    Ok(answer.account.unwrap_or_default())
}
