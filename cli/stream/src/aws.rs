//! The connection to AWS: region, credentials, and explanations of errors for people.

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

/// Longest time to open a connection.
const CONNECT: Duration = Duration::from_millis(2_500);
/// Longest wait for the first byte of a response. Two attempts take less than seven seconds.
const ANSWER: Duration = Duration::from_secs(3);
/// Number of attempts of a request that reaches no service. Readers of a busy stream retry on their own
/// (`stream::shard::patiently`).
const ATTEMPTS: u32 = 2;

/// The region and the profile that a command line names; if it names none, the environment decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The region.
    pub region: Option<String>,
    /// The profile. As in the AWS CLI, it is used even if the environment has keys.
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
    /// Finds region and credentials in the usual places of AWS tools, unless `wanted` names them. A request to a service that
    /// does not answer fails within ten seconds.
    ///
    /// This never blocks the runtime, because a configuration file may be a pipe, or on a file server that is unavailable.
    pub async fn find(wanted: &Wanted) -> Result<Self> {
        let (wanted, runtime) = (wanted.clone(), Handle::current());
        spawn_blocking(move || runtime.block_on(Self::load(&wanted)))
            .await
            .context("reading the AWS configuration ended early")?
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

    /// Gets the credentials once, for all later calls. Fails with the reason if there are none within `limit`.
    pub async fn sign_in(self, limit: Duration) -> Result<Self> {
        let Some(provider) = self.config.credentials_provider() else { return Ok(self) };
        match timeout(limit, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(self.signing_with(credentials)),
            Ok(Err(error)) => bail!(credentials::explain(&error, &self.profile)),
            Err(_) => bail!(credentials::late(limit, &self.profile)),
        }
    }

    /// Returns the same region and configuration, whose clients sign with these credentials.
    #[must_use]
    pub fn signing_with(&self, credentials: Credentials) -> Self {
        let provider = SharedCredentialsProvider::new(credentials);
        let config = self.config.to_builder().credentials_provider(provider).build();
        Self { config, ..self.clone() }
    }

    /// Describes the endpoint of a service for a message. `service` is its name in the environment variables of endpoints.
    pub fn place(&self, service: &str) -> String {
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{service}")).ok();
        match own.filter(|url| !url.is_empty()).as_ref().or(self.endpoint.as_ref()) {
            Some(endpoint) => format!("{endpoint} (region {})", self.region),
            None => format!("AWS in region {}", self.region),
        }
    }

    /// Explains an error in one line: what failed, where, and what to do. `doing` describes the failed action, and `permission`
    /// is the permission that it needs, such as `ssm:GetParameters`.
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
        let message = plain(error.message().unwrap_or("no message"));
        match error.code() {
            Some(code) => {
                anyhow!(error_response(doing, permission, &place, &plain(code), &message))
            }
            None if is_timeout(error) => anyhow!(
                "{place} does not answer: {doing} failed ({}); check the network, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY",
                plain(&innermost(error))
            ),
            None => anyhow!(without_response(
                doing,
                &place,
                &plain(&innermost(error)),
                matches!(error, SdkError::DispatchFailure(_))
            )),
        }
    }
}

/// Returns true if the connection or the request timed out.
fn is_timeout<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        _ => false,
    }
}

/// Lists the files in which AWS tools look for profiles, with the reason for each that cannot be read.
pub fn configuration_files() -> String {
    profile::files()
}

/// Returns true if the error code means that the identity lacks a permission.
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

/// Returns true if the error code means that the same request may succeed later.
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

/// Returns true if the error code means that the credentials are invalid for every request.
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

/// Explains an error response of a service. Source of the codes: "Common Error Types" in the API references of the services.
fn error_response(doing: &str, permission: &str, place: &str, code: &str, message: &str) -> String {
    match code {
        _ if is_denied(Some(code)) => format!(
            "access denied: {doing} at {place} requires the permission {permission} ({message}); grant it, or use other \
             credentials (aws sts get-caller-identity shows the current ones)"
        ),
        _ if is_expired(Some(code)) => format!(
            "the credentials have expired: run aws sso login, or get new credentials ({place}: {message})"
        ),
        _ if is_unknown_to_aws(Some(code)) => format!(
            "{place} does not accept these credentials: check AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and this \
             machine's clock ({code}: {message})"
        ),
        "OptInRequired" | "SubscriptionRequiredException" => format!(
            "the account has not enabled this region: check AWS_REGION ({place}: {message})"
        ),
        _ => format!("{doing} at {place} was refused: {code}: {message}"),
    }
}

/// Explains the failure of a request that got no response.
fn without_response(doing: &str, place: &str, why: &str, is_unreachable: bool) -> String {
    // The SDK's own text lists every source of credentials that it tried.
    if why.starts_with("no credentials") || why.contains("not provide credentials") {
        return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws sso login"
            .to_owned();
    }
    if why.contains("expired") && !why.contains("certificate") {
        return format!(
            "the credentials have expired: run aws sso login, or get new credentials ({why})"
        );
    }
    if is_unreachable {
        return format!(
            "{place} cannot be reached: {why}; check that it is running, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY"
        );
    }
    format!("{doing} at {place} failed: {why}")
}

/// Returns the innermost cause of an error. The SDK wraps it several times, each time with less information.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::{error_response, without_response};

    fn refused(code: &str) -> String {
        error_response(
            "reading the parameters",
            "ssm:GetParameters",
            "AWS in region eu-central-1",
            code,
            "no",
        )
    }

    #[test]
    fn an_access_denial_names_the_permission() {
        for code in ["AccessDenied", "AccessDeniedException"] {
            let text = refused(code);
            assert!(text.contains("access denied") && text.contains("ssm:GetParameters"), "{text}");
        }
    }

    #[test]
    fn expired_credentials_are_distinguished_from_invalid_ones() {
        assert!(refused("ExpiredTokenException").contains("have expired: run aws sso login"));
        assert!(
            refused("UnrecognizedClientException").contains("does not accept these credentials")
        );
        assert!(
            without_response("x", "y", "token has expired", false).contains("run aws sso login")
        );
    }

    #[test]
    fn an_unknown_error_code_is_passed_on() {
        assert!(refused("Odd").ends_with("was refused: Odd: no"));
    }

    #[test]
    fn missing_credentials_and_missing_answers_have_remedies() {
        let text = without_response("x", "y", "no credentials in the property bag", true);
        assert!(text.starts_with("no AWS credentials: set AWS_PROFILE"), "{text}");
        let text =
            without_response("x", "http://127.0.0.1:1 (region r)", "connection refused", true);
        assert!(
            text.contains("127.0.0.1:1 (region r) cannot be reached: connection refused"),
            "{text}"
        );
    }
}
