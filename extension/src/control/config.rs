//! Reads the environment of the process: our own settings, and the variables of Lambda and the AWS SDKs.
//!
//! The variables are passed in as a list, so that tests never touch the process's environment.

use extension_spec::{Config, Problem};

use crate::delivery::aws::Proxy;
use crate::delivery::aws::credentials::Origin;

/// Everything that is read from the environment, once, at the start.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The settings, all of them usable.
    pub config: Config,
    /// Settings that are not usable.
    pub problems: Vec<Problem>,
    /// Problems that do not keep the settings from working as set.
    pub notices: Vec<Problem>,
    /// `host:port` of the Runtime, Extensions and Telemetry APIs.
    pub runtime_api: Option<String>,
    /// The function's region.
    pub region: Option<String>,
    /// A PEM file with the certificate authorities to trust instead of the compiled-in ones.
    pub ca_bundle: Option<String>,
    /// The name and version of the function, in case `register` does not return them.
    pub function: (String, String),
    /// The memory of the function in MB.
    pub memory_mb: usize,
    /// How Lambda initialised the environment.
    pub initialization: Initialization,
    /// The source of credentials.
    pub credentials: Origin,
    /// The proxy for hosts on other machines.
    pub(crate) proxy: Proxy,
}

/// How Lambda initialised the environment (`AWS_LAMBDA_INITIALIZATION_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initialization {
    /// For an invocation that waits, or shortly before one that Lambda expects.
    OnDemand,
    /// Ahead of traffic: the first invocation may be hours away.
    ProvisionedConcurrency,
    /// From a snapshot that was taken when the version was published.
    SnapStart,
    /// On a managed instance: never frozen, with concurrent invocations and without INVOKE events.
    ManagedInstances,
}

impl Initialization {
    /// Reads the variable. An unknown value counts as on demand.
    pub(super) fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        match get("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref().unwrap_or_default() {
            "provisioned-concurrency" => Self::ProvisionedConcurrency,
            "snap-start" => Self::SnapStart,
            "lambda-managed-instances" => Self::ManagedInstances,
            _ => Self::OnDemand,
        }
    }

    /// Returns the events that Lambda sends to extensions.
    pub(super) fn events(self) -> &'static [&'static str] {
        match self {
            Self::ManagedInstances => &["SHUTDOWN"],
            Self::OnDemand | Self::ProvisionedConcurrency | Self::SnapStart => {
                &["INVOKE", "SHUTDOWN"]
            }
        }
    }
}

impl Environment {
    /// Reads the variables.
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        // A list, because a map costs more at each start than it saves for so few variables.
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        let get = |name: &str| {
            let variable = variables.iter().rfind(|(it, _)| it == name);
            variable.map(|(_, value)| value).filter(|value| !value.is_empty()).cloned()
        };
        let loaded = extension_spec::load(variables.iter().map(|(name, value)| (name, value)));
        let mut notices = loaded.notices;
        let (proxy, wrong) = Proxy::read(get);
        notices.extend(wrong);
        Self {
            config: loaded.config,
            problems: loaded.problems,
            notices,
            runtime_api: get("AWS_LAMBDA_RUNTIME_API"),
            region: get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")),
            ca_bundle: get("AWS_CA_BUNDLE").or_else(|| get("SSL_CERT_FILE")),
            function: (
                get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
                get("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_default(),
            ),
            memory_mb: get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
                .and_then(|size| size.parse().ok())
                .unwrap_or(128),
            initialization: Initialization::read(get),
            credentials: Origin::read(get),
            proxy,
        }
    }

    /// Returns the bound on held memory in bytes: the setting, or an eighth of the function's memory between 8 and 128
    /// MiB.
    pub fn queue_max_bytes(&self) -> usize {
        const MIB: usize = 1024 * 1024;
        let default = (self.memory_mb.saturating_mul(MIB) / 8).clamp(8 * MIB, 128 * MIB);
        self.config.queue_max_bytes.map_or(default, extension_spec::Bytes::size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment::read(variables.iter().map(own))
    }

    #[test]
    fn the_memory_bound_follows_the_function_unless_it_is_set() {
        const MIB: usize = 1024 * 1024;
        let bound = |mb| environment(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", mb)]).queue_max_bytes();
        assert_eq!(
            [bound("64"), bound("128"), bound("512"), bound("10240")],
            [8, 16, 64, 128].map(|it| it * MIB)
        );
        let set = environment(&[("KINESIS_TELEMETRY_QUEUE_MAX_BYTES", "8000000")]);
        assert_eq!(set.queue_max_bytes(), 8_000_000);
    }

    #[test]
    fn an_unusable_proxy_is_reported_without_its_password() {
        let notices = |url| environment(&[("HTTPS_PROXY", url)]).notices;
        assert!(notices("http://me:secret@proxy:3128").is_empty());
        for url in ["socks5://me:secret@proxy:1080", "https://me:secret@proxy", "http://me:secret@"]
        {
            let problems = notices(url);
            assert_eq!(problems.len(), 1, "{url}");
            let text = problems[0].to_string();
            assert!(text.starts_with("HTTPS_PROXY=") && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn aws_ca_bundle_overrides_ssl_cert_file() {
        let variables = [("SSL_CERT_FILE", "b.pem"), ("AWS_CA_BUNDLE", "a.pem")];
        assert_eq!(environment(&variables).ca_bundle.as_deref(), Some("a.pem"));
    }
}
