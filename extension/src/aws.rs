//! What the AWS SDK needs, whatever the service: connector, credentials, region; and what its errors call for.
//!
//! The SDK's own retries are off: one place retries.

mod connector;
pub mod container;
pub mod decision;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_smithy_async::rt::sleep::TokioSleep;

pub use connector::{Connector, Roots};
use container::Container;

/// How the services are reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The function's region.
    pub region: Option<String>,
    /// Opens connections.
    pub connector: Connector,
    /// Where credentials are to be had, if they are not in variables.
    pub credentials: Option<container::Endpoint>,
}

impl Access {
    /// The SDK's configuration for this region, if there is one, or else the function's; before the environment has been
    /// read.
    pub fn loader(&self, region: Option<&str>) -> ConfigLoader {
        let region = region.or(self.region.as_deref()).map(str::to_owned).map(Region::new);
        let container = Container::new(self.credentials.clone(), self.connector.clone());
        // On-demand functions have keys in the environment, SnapStart functions a container endpoint. Lambda knows no other
        // source, and every further one costs cold start.
        let credentials = CredentialsProviderChain::first_try(
            "Environment",
            EnvironmentVariableCredentialsProvider::new(),
        )
        .or_else("Container", container);
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region)
            .credentials_provider(credentials)
            .http_client(self.connector.clone())
            .sleep_impl(TokioSleep::new())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
    }
}
