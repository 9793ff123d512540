//! The variables that Lambda gives to each kind of process.
//!
//! Source: Lambda Developer Guide, "Using the Lambda Extensions API", and observations of AWS's emulator.

use crate::options::{LogFormat, Mode, Options};

/// The values in which environments with the same options differ.
pub(crate) struct Endpoints {
    /// `host:port` of the APIs.
    pub(crate) runtime_api: String,
    /// The folder that stands for `/tmp`.
    pub(crate) tmp: String,
    /// The library and the file of clocks that can be set.
    pub(crate) clock: Option<(String, String)>,
    /// URL of the credentials endpoint and its token, if the environment variables hold no keys.
    pub(crate) credentials: Option<(String, String)>,
}

/// Returns the variables that extensions and the function both have.
fn common(options: &Options, endpoints: &Endpoints) -> Vec<(String, String)> {
    let format = match options.log_format {
        LogFormat::Text => "Text",
        LogFormat::Json => "JSON",
    };
    let memory = options.memory_mb.to_string();
    let concurrency = options.max_concurrency.to_string();
    let variables: [(&str, &str); 13] = [
        ("AWS_REGION", options.region.as_str()),
        ("AWS_DEFAULT_REGION", &options.region),
        ("AWS_LAMBDA_FUNCTION_NAME", &options.function_name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &options.function_version),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", options.mode.initialization_type()),
        ("AWS_LAMBDA_LOG_FORMAT", format),
        ("AWS_LAMBDA_RUNTIME_API", &endpoints.runtime_api),
        ("LANG", "en_US.UTF-8"),
        (
            "LD_LIBRARY_PATH",
            "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        // Lambda does not set it. Here all processes share `/tmp`, and an environment must not find files of another
        // one.
        ("TMPDIR", &endpoints.tmp),
        ("TZ", ":UTC"),
    ];
    let keys = match &endpoints.credentials {
        Some((uri, token)) => vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
        ],
        None => vec![
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_SESSION_TOKEN", "example-session-token"),
        ],
    };
    let is_managed = options.mode == Mode::ManagedInstances;
    let workers = is_managed.then_some(("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.as_str()));
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut all: Vec<_> = keys.into_iter().chain(variables).chain(workers).map(own).collect();
    if let Some((library, file)) = &endpoints.clock {
        all.push(("LD_PRELOAD".to_owned(), library.clone()));
        all.push(("SANDBOX_CLOCK".to_owned(), file.clone()));
    }
    all.extend(options.environment.iter().cloned());
    all
}

/// The whole environment of an extension.
pub(crate) fn of_extension(options: &Options, endpoints: &Endpoints) -> Vec<(String, String)> {
    common(options, endpoints)
}

/// The whole environment of the function.
pub(crate) fn of_function(
    options: &Options,
    endpoints: &Endpoints,
    log_stream: &str,
) -> Vec<(String, String)> {
    let mut all = common(options, endpoints);
    if options.mode != Mode::SnapStart {
        // All environments restored from one snapshot have the snapshot's variables, but different log streams.
        let group = format!("/aws/lambda/{}", options.function_name);
        all.push(("AWS_LAMBDA_LOG_GROUP_NAME".to_owned(), group));
        all.push(("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), log_stream.to_owned()));
    }
    for (name, value) in [
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("_HANDLER", "bootstrap"),
    ] {
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_sees_neither_the_log_group_nor_the_handler() {
        let options =
            Options { environment: vec![("OWN".into(), "1".into())], ..Options::default() };
        let names =
            |all: Vec<(String, String)>| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let endpoints = Endpoints {
            runtime_api: "127.0.0.1:1".into(),
            tmp: "/nowhere".into(),
            clock: None,
            credentials: None,
        };
        let extension = names(of_extension(&options, &endpoints));
        let function = names(of_function(&options, &endpoints, "stream"));
        for hidden in
            ["AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "LAMBDA_TASK_ROOT", "_HANDLER"]
        {
            assert!(
                !extension.contains(&hidden.to_owned()) && function.contains(&hidden.to_owned()),
                "{hidden}"
            );
        }
        assert!(extension.contains(&"OWN".to_owned()) && function.contains(&"OWN".to_owned()));
    }
}
