//! Paced calls to a control plane, whose limits all tools of an account and region share.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function::{GetFunctionError, GetFunctionOutput};
use kinesis_telemetry_stream::Aws;
use tokio::time::{Instant, sleep};

/// Calls per second of commands that only read. Lambda allows 15 for all callers together (Lambda quotas, "Rate of control plane
/// API requests"), and deployments need some of them.
const RATE: u32 = 10;
/// Length of a burst: the calls of this time may be made at once, so that ten functions are not slowed down.
const BURST: Duration = Duration::from_secs(2);
/// Calls of `GetFunction` per second. It has a separate limit of 100 per second (Lambda quotas).
const READ_RATE: u32 = 50;
/// First wait when a service throttles without stating a time.
const WAIT: Duration = Duration::from_secs(1);
/// Longest wait before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(16);
/// Longest wait that a service can request.
const LONGEST_STATED: Duration = Duration::from_mins(1);
/// Number of attempts of one call while a service throttles: about a minute and a half.
const BUSY_ATTEMPTS: usize = 9;
/// Number of attempts of one call after transient errors.
const ATTEMPTS: usize = 8;
/// Time for which the pace stays slower after throttling.
const SLOW: Duration = Duration::from_secs(30);
/// Largest number of times that the pace is halved.
const MOST_HALVINGS: u32 = 4;

/// The pace of calls. It is halved for a while when a service throttles.
#[derive(Debug)]
pub(crate) struct Pace {
    between: Duration,
    burst: Duration,
    /// The time at which the next call is due at an even pace.
    due: Cell<Instant>,
    halved: Cell<(u32, Instant)>,
}

impl Pace {
    pub(crate) fn new(rate: u32, burst: Duration) -> Self {
        let now = Instant::now();
        let between = Duration::from_secs(1) / rate;
        Self { between, burst, due: Cell::new(now), halved: Cell::new((0, now)) }
    }

    /// Waits until a call may be made.
    async fn turn(&self) {
        let now = Instant::now();
        let (halvings, until) = self.halved.get();
        let between = if now < until { self.between * 2_u32.pow(halvings) } else { self.between };
        let due = self.due.get().max(now);
        self.due.set(due + between);
        sleep(due.saturating_duration_since(now + self.burst)).await;
    }

    fn slow_down(&self) {
        let now = Instant::now();
        let (halvings, until) = self.halved.get();
        let halvings = if now < until { halvings + 1 } else { 1 };
        self.halved.set((halvings.min(MOST_HALVINGS), now + SLOW));
    }

    /// Makes a paced call. Retries it while the service throttles, and up to [`ATTEMPTS`] times after errors that `is_retried`
    /// accepts.
    pub(crate) async fn call<T, E, F>(
        &self,
        is_retried: impl Fn(&SdkError<E, HttpResponse>) -> bool,
        call: impl Fn() -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let (mut wait, mut busy, mut failures) = (WAIT, 1, 1);
        loop {
            self.turn().await;
            let error = match call().await {
                Err(error) => error,
                answer => return answer,
            };
            if is_busy(&error) && busy < BUSY_ATTEMPTS {
                busy += 1;
                self.slow_down();
                let stated = retry_after(&error).map(|it| it.min(LONGEST_STATED));
                sleep(stated.map_or_else(|| jitter(wait), |it| it + jitter(WAIT / 4))).await;
            } else if is_retried(&error) && failures < ATTEMPTS {
                failures += 1;
                sleep(jitter(wait)).await;
            } else {
                return Err(error);
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// Lambda's control plane. Calls are paced, and retried while Lambda throttles.
pub(crate) struct Lambda {
    pub(crate) aws: Aws,
    client: Client,
    pace: Pace,
    reads: Pace,
    /// True if read-only calls are retried after failures of the network or the service.
    is_persistent: bool,
}

impl Lambda {
    /// Returns the control plane for commands that only read.
    pub(crate) fn new(aws: &Aws) -> Self {
        Self {
            aws: aws.clone(),
            client: Client::new(&aws.config),
            pace: Pace::new(RATE, BURST),
            reads: Pace::new(READ_RATE, Duration::ZERO),
            is_persistent: false,
        }
    }

    /// Returns the control plane for commands that change functions. It never makes more than `rate` calls per second, because
    /// the SDK does not retry.
    pub(crate) fn at_rate(aws: &Aws, rate: u32) -> Self {
        let config = aws_sdk_lambda::config::Builder::from(&aws.config);
        let config = config.retry_config(RetryConfig::disabled()).build();
        let client = Client::from_conf(config);
        let pace = Pace::new(rate, Duration::ZERO);
        // The run that this one continues may just have made a call.
        pace.due.set(Instant::now() + pace.between);
        Self { client, pace, is_persistent: true, ..Self::new(aws) }
    }

    /// Makes a read-only call. Waits until it may be made, and retries it while Lambda throttles.
    pub(crate) async fn ask<T, E, F>(
        &self,
        call: impl Fn(&Client) -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.pace.call(|it| self.is_persistent && is_transient(it), || call(&self.client)).await
    }

    /// Makes a call that changes state. It is retried only if Lambda has not accepted it.
    pub(crate) async fn change<T, E, F>(
        &self,
        call: impl Fn(&Client) -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.pace.call(|_| false, || call(&self.client)).await
    }

    /// Reads a function with its tags.
    pub(crate) async fn function(
        &self,
        name: &str,
    ) -> Result<GetFunctionOutput, SdkError<GetFunctionError, HttpResponse>> {
        self.reads
            .call(is_transient, || self.client.get_function().function_name(name).send())
            .await
    }
}

/// Returns a random part of a time, so that several callers do not retry together.
pub(crate) fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(fastrand::f64())
}

fn is_busy<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_429 = error.raw_response().is_some_and(|it| it.status().as_u16() == 429);
    let codes = ["TooManyRequestsException", "ThrottlingException", "Throttling"];
    is_429 || error.code().is_some_and(|it| codes.contains(&it))
}

/// Returns true if the service may or may not have executed the call.
pub(crate) fn is_transient<E>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(it) => it.raw().status().as_u16() >= 500,
        _ => true,
    }
}

fn retry_after<E>(error: &SdkError<E, HttpResponse>) -> Option<Duration> {
    let seconds = error.raw_response()?.headers().get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
