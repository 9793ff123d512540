//! What the AWS SDK needs, whatever the service: connector, credentials, region; and what its errors call for.
//!
//! The SDK's own retries are off: one place retries.

mod connector;
pub mod decision;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::HttpClient;

pub use connector::{Connector, Roots};

/// The SDK's configuration, before the environment has been read.
pub fn loader(region: Option<Region>, http: impl HttpClient + Clone + 'static) -> ConfigLoader {
    let provider = ProviderConfig::empty()
        .with_http_client(http.clone())
        .with_sleep_impl(TokioSleep::new())
        .with_time_source(SystemTimeSource::new())
        .with_region(region.clone());
    // On-demand functions have keys in the environment, SnapStart functions a container endpoint. Lambda knows no other
    // source, and every further one costs cold start.
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Container", EcsCredentialsProvider::builder().configure(&provider).build());
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http)
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
