//! Calls of Lambda's control plane, which all tools of an account and region share.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use kinesis_telemetry_stream::Aws;
use tokio::time::{Instant, sleep};

/// Time between two calls. Lambda allows 15 a second for all callers together (Lambda quotas, "Rate of control plane API
/// requests"), and deployments need some of them.
const BETWEEN: Duration = Duration::from_millis(100);
/// Time whose calls may be made at once: those of ten functions are not slowed down.
const BURST: Duration = Duration::from_secs(2);
/// First time to wait when Lambda is too busy and does not say for how long.
const WAIT: Duration = Duration::from_secs(1);
/// Longest time to wait before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(16);
/// Attempts of one call while Lambda is too busy: about a minute and a half.
const ATTEMPTS: usize = 9;

/// Lambda's control plane. Its calls are paced, and repeated while Lambda is too busy.
pub(crate) struct Lambda {
    pub(crate) aws: Aws,
    client: Client,
    /// When the next call is due, if they are made at an even pace.
    due: Cell<Instant>,
}

impl Lambda {
    pub(crate) fn new(aws: &Aws) -> Self {
        let client = Client::new(&aws.config);
        Self { aws: aws.clone(), client, due: Cell::new(Instant::now()) }
    }

    /// Makes a call. Waits for its turn, and repeats it while Lambda answers that there are too many.
    pub(crate) async fn ask<T, E, F>(
        &self,
        call: impl Fn(&Client) -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut wait = WAIT;
        for _ in 1..ATTEMPTS {
            self.turn().await;
            match call(&self.client).await {
                Err(error) if is_busy(&error) => {
                    let stated = retry_after(&error);
                    sleep(stated.unwrap_or(wait).min(LONGEST_WAIT)).await;
                    wait *= 2;
                }
                answer => return answer,
            }
        }
        call(&self.client).await
    }

    async fn turn(&self) {
        let now = Instant::now();
        let due = self.due.get().max(now);
        self.due.set(due + BETWEEN);
        sleep(due.saturating_duration_since(now + BURST)).await;
    }
}

fn is_busy<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_429 = error.raw_response().is_some_and(|it| it.status().as_u16() == 429);
    is_429 || matches!(error.code(), Some("TooManyRequestsException" | "ThrottlingException"))
}

fn retry_after<E>(error: &SdkError<E, HttpResponse>) -> Option<Duration> {
    let seconds = error.raw_response()?.headers().get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
