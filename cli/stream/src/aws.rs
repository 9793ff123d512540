//! The way to AWS, and the meaning of its errors for a person.

mod causes;
mod credentials;
mod profile;
mod region;

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_config::credential_process::CredentialProcessProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use kinesis_telemetry_terminal::plain;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::http;
use causes::causes;
use profile::Profile;
pub use region::is_region;

/// Longest time in which a connection is opened.
const CONNECT: Duration = Duration::from_millis(2_500);
/// Longest time until a request has the first byte of its answer. Two attempts take less than seven seconds.
const ANSWER: Duration = Duration::from_secs(3);
/// A request that finds no service is made twice. Readers wait for their turn at a busy stream on their own
/// (`stream::shard::patiently`).
const ATTEMPTS: u32 = 2;

/// The region and the profile that a command line names; where it names none, the environment decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The region.
    pub region: Option<String>,
    /// The profile. It is used even if keys are in the environment, as by the AWS CLI.
    pub profile: Option<String>,
}

/// Credentials in a region.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The configuration of the SDK's clients.
    pub config: SdkConfig,
    /// The name of the region.
    pub region: String,
    endpoint: Option<String>,
    profile: Profile,
}

impl Aws {
    /// Finds region and credentials where every AWS tool finds them, unless `wanted` names them. A service that does not answer
    /// fails a request within ten seconds.
    ///
    /// This never blocks the runtime: a file of the configuration may be a pipe, or on a server that is gone.
    pub async fn find(wanted: &Wanted) -> Result<Self> {
        let (wanted, runtime) = (wanted.clone(), Handle::current());
        spawn_blocking(move || runtime.block_on(Self::load(&wanted)))
            .await
            .context("reading AWS's configuration ended early")?
    }

    async fn load(wanted: &Wanted) -> Result<Self> {
        let profile = Profile::selected(wanted.profile.as_deref()).await?;
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ANSWER);
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(200));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http::client()?)
            .timeout_config(timeouts.build())
            .retry_config(retries)
            .profile_name(&profile.name);
        if let Some(region) = &wanted.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let of_profile = match profile.process() {
            Some(command) => {
                Some(SharedCredentialsProvider::new(CredentialProcessProvider::new(command)))
            }
            None if wanted.profile.is_some() => {
                let provider =
                    ProfileFileCredentialsProvider::builder().profile_name(&profile.name);
                Some(SharedCredentialsProvider::new(provider.build()))
            }
            None => None,
        };
        if let Some(provider) = of_profile {
            let chain = if wanted.profile.is_some() {
                CredentialsProviderChain::first_try("Profile", provider)
            } else {
                let variables = EnvironmentVariableCredentialsProvider::new();
                CredentialsProviderChain::first_try("Environment", variables)
                    .or_else("Profile", provider)
            };
            loader = loader.credentials_provider(chain);
        }
        let config = loader.load().await;
        let named = wanted.region.is_some().then_some("--region");
        let region = region::checked(config.region().map(ToString::to_string), named, &profile)?;
        let endpoint = config.endpoint_url().map(str::to_owned);
        Ok(Self { config, region, endpoint, profile })
    }

    /// Returns the same credentials in another region, if one is given.
    #[must_use]
    pub fn in_region(&self, region: Option<&str>) -> Self {
        let Some(region) = region else { return self.clone() };
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, region: region.to_owned(), ..self.clone() }
    }

    /// Gets the credentials, so that no later call has to. Fails with the reason if there are none within `limit`.
    pub async fn sign_in(self, limit: Duration) -> Result<Self> {
        let Some(provider) = self.config.credentials_provider() else { return Ok(self) };
        match timeout(limit, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(self.signing_with(credentials)),
            Ok(Err(error)) => bail!(credentials::explain(&error, &self.profile)),
            Err(_) => bail!(credentials::late(limit, &self.profile)),
        }
    }

    /// Returns the same place, whose clients sign with these credentials.
    #[must_use]
    pub fn signing_with(&self, credentials: Credentials) -> Self {
        let provider = SharedCredentialsProvider::new(credentials);
        let config = self.config.to_builder().credentials_provider(provider).build();
        Self { config, ..self.clone() }
    }

    /// Returns the endpoint of a service in words. `service` is its name in the environment variables of endpoints.
    pub fn place(&self, service: &str) -> String {
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{service}")).ok();
        match own.filter(|url| !url.is_empty()).as_ref().or(self.endpoint.as_ref()) {
            Some(endpoint) => format!("{endpoint} (region {})", self.region),
            None => format!("AWS in region {}", self.region),
        }
    }

    /// One line that says what went wrong, where, and what to do about it. `doing` is what was being done, `permission` what
    /// one must be allowed for it: `ssm:GetParameters`.
    pub fn explain<E, R>(
        &self,
        doing: &str,
        permission: &str,
        error: &SdkError<E, R>,
    ) -> anyhow::Error
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        if let Some(error) = credentials::cause(error) {
            return anyhow!(credentials::explain(error, &self.profile));
        }
        let service = match permission.split(':').next().unwrap_or_default() {
            "logs" => "CLOUDWATCH_LOGS".to_owned(),
            service => service.to_uppercase(),
        };
        let place = self.place(&service);
        let message = plain(error.message().unwrap_or("no further word"));
        match error.code() {
            Some(code) => {
                anyhow!(of_service(doing, permission, &place, &plain(code), &message))
            }
            None if is_timeout(error) => anyhow!(
                "{place} does not answer: {doing} failed ({}); check the network, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY",
                plain(&innermost(error))
            ),
            None => anyhow!(of_nobody(
                doing,
                &place,
                &plain(&innermost(error)),
                matches!(error, SdkError::DispatchFailure(_))
            )),
        }
    }
}

/// Returns true if nothing answered in time, be it the connection or the request.
fn is_timeout<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        _ => false,
    }
}

/// Returns the files in which AWS's tools look for profiles, and says of each if it cannot be read.
pub fn configuration_files() -> String {
    profile::files()
}

/// Returns true if the identity may not do this, which others may.
pub fn is_denied(code: Option<&str>) -> bool {
    matches!(
        code,
        Some(
            "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedOperation"
                | "AuthorizationError"
        )
    )
}

/// Returns true if Kinesis may answer the same request later.
pub fn is_throttled(code: Option<&str>) -> bool {
    matches!(
        code,
        Some(
            "ProvisionedThroughputExceededException"
                | "LimitExceededException"
                | "KMSThrottlingException"
                | "ThrottlingException"
        )
    )
}

/// Returns true if the credentials themselves are invalid, for this request and any other.
pub fn is_of_credentials(code: Option<&str>) -> bool {
    is_expired(code) || is_unknown_to_aws(code)
}

fn is_expired(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired")
    )
}

fn is_unknown_to_aws(code: Option<&str>) -> bool {
    matches!(
        code,
        Some(
            "UnrecognizedClientException"
                | "InvalidClientTokenId"
                | "InvalidAccessKeyId"
                | "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "MissingAuthenticationToken"
                | "AuthFailure"
        )
    )
}

/// Returns the meaning of a service's refusal. Codes: "Common Error Types" in the API references of the services.
fn of_service(doing: &str, permission: &str, place: &str, code: &str, message: &str) -> String {
    match code {
        _ if is_denied(Some(code)) => format!(
            "these credentials may not do this: {doing} at {place} takes the permission {permission} ({message}); have it \
             allowed, or use others (aws sts get-caller-identity says whose these are)"
        ),
        _ if is_expired(Some(code)) => format!(
            "the credentials have expired: run aws sso login, or get new ones ({place}: {message})"
        ),
        _ if is_unknown_to_aws(Some(code)) => format!(
            "{place} does not take these credentials: check AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and this \
             machine's clock ({code}: {message})"
        ),
        "OptInRequired" | "SubscriptionRequiredException" => format!(
            "the account has not enabled this region: check AWS_REGION ({place}: {message})"
        ),
        _ => format!("{doing} at {place} was refused: {code}: {message}"),
    }
}

/// Returns the meaning of a request without a response.
fn of_nobody(doing: &str, place: &str, why: &str, is_unreachable: bool) -> String {
    // The SDK's own text lists every place that it searched.
    if why.starts_with("no credentials") || why.contains("not provide credentials") {
        return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws sso login"
            .to_owned();
    }
    if why.contains("expired") && !why.contains("certificate") {
        return format!("the credentials have expired: run aws sso login, or get new ones ({why})");
    }
    if is_unreachable {
        return format!(
            "{place} cannot be reached: {why}; check that it is running, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY"
        );
    }
    format!("{doing} at {place} failed: {why}")
}

/// The SDK wraps the cause several times over, each time saying less.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::{of_nobody, of_service};

    fn refused(code: &str) -> String {
        of_service(
            "reading the parameters",
            "ssm:GetParameters",
            "AWS in region eu-central-1",
            code,
            "no",
        )
    }

    #[test]
    fn who_may_not_is_told_which_permission_it_takes() {
        for code in ["AccessDenied", "AccessDeniedException"] {
            let text = refused(code);
            assert!(
                text.contains("may not do this") && text.contains("ssm:GetParameters"),
                "{text}"
            );
        }
    }

    #[test]
    fn credentials_that_have_expired_are_told_from_wrong_ones() {
        assert!(refused("ExpiredTokenException").contains("have expired: run aws sso login"));
        assert!(refused("UnrecognizedClientException").contains("does not take these credentials"));
        assert!(of_nobody("x", "y", "token has expired", false).contains("run aws sso login"));
    }

    #[test]
    fn what_nobody_foresaw_is_passed_on() {
        assert!(refused("Odd").ends_with("was refused: Odd: no"));
    }

    #[test]
    fn no_credentials_and_no_answer_have_remedies() {
        let text = of_nobody("x", "y", "no credentials in the property bag", true);
        assert!(text.starts_with("no AWS credentials: set AWS_PROFILE"), "{text}");
        let text = of_nobody("x", "http://127.0.0.1:1 (region r)", "connection refused", true);
        assert!(
            text.contains("127.0.0.1:1 (region r) cannot be reached: connection refused"),
            "{text}"
        );
    }
}
