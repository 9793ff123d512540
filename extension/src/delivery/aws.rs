//! Common parts of all AWS clients: connector, credentials, region, and the decisions that errors call for.
//!
//! The SDK's own retries are disabled, so that only one place retries.

mod causes;
mod connector;
pub(crate) mod credentials;
pub(crate) mod decision;
mod near;
mod text;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;

use extension_spec::EXTENSION_NAME;

use crate::base::VERSION;
pub(crate) use connector::Proxy;
pub use connector::{Connector, Roots};
use credentials::{Origin, Provider};

/// How the services are reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The function's region.
    pub region: Option<String>,
    /// The connector that opens connections.
    pub connector: Connector,
    /// The source of credentials.
    pub credentials: Origin,
}

impl Access {
    /// Returns the configuration of a client in this region, or in the function's region if there is none. `service` is
    /// the name of the service in `AWS_ENDPOINT_URL_…`, and `variable` reads the environment.
    ///
    /// The configuration is built here because the SDK's own loader also reads profiles, and links clients of STS and
    /// of everything else that a profile can name. Lambda has no profiles.
    pub fn config(
        &self,
        service: &str,
        region: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> SdkConfig {
        let region = region.or(self.region.as_deref()).map(str::to_owned).map(Region::new);
        let provider = Provider::new(self.credentials.clone(), self.connector.clone());
        // AWS SDKs and Tools Reference Guide: "Service-specific endpoints", "Dual-stack and FIPS endpoints".
        let is_set = |name: &str| Some(variable(name)?.eq_ignore_ascii_case("true"));
        let endpoint = || {
            let own = variable(&format!("AWS_ENDPOINT_URL_{service}"));
            own.or_else(|| variable("AWS_ENDPOINT_URL"))
        };
        let is_ignored = is_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == Some(true);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .app_name(app_name())
            .region(region)
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().build())
            .http_client(self.connector.client())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_use_fips(is_set("AWS_USE_FIPS_ENDPOINT"));
        config.set_use_dual_stack(is_set("AWS_USE_DUALSTACK_ENDPOINT"));
        config.set_endpoint_url(if is_ignored { None } else { endpoint().map(without_secrets) });
        config.build()
    }
}

/// Returns the name in the User-Agent of every request: the extension and its version, as far as the header's grammar
/// allows.
fn app_name() -> AppName {
    AppName::new(format!("{EXTENSION_NAME}-{VERSION}")).expect("a test proves that it is a name")
}

/// Returns a usable endpoint unchanged. The SDK quotes any other endpoint in its error message, so its user and
/// password are removed.
fn without_secrets(endpoint: String) -> String {
    let uri = endpoint.parse::<hyper::Uri>();
    let is_usable = uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    if is_usable { endpoint } else { extension_spec::printable(&endpoint) }
}

/// Returns a variable of the process if it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_names_the_extension_and_its_version() {
        let name = app_name();
        assert_eq!(name.to_string(), format!("kinesis-telemetry-extension-{VERSION}"));
        // The SDK warns about longer names.
        assert!(name.as_ref().len() <= 50);
    }
}
