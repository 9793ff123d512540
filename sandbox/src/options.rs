//! The configuration of an environment: what it runs, and how the platform behaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::Kinesis;

/// The least time limit of an init ahead of traffic (Lambda Developer Guide, "Understanding the Lambda execution
/// environment lifecycle").
pub(crate) const AHEAD_OF_TRAFFIC: Duration = Duration::from_secs(130);

/// The limit of external and internal extensions together.
pub(crate) const MAX_EXTENSIONS: usize = 10;

/// The configuration of a [`Sandbox`](crate::Sandbox). The defaults are those of a new on-demand function.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// How Lambda runs the function.
    pub mode: Mode,
    /// External extensions, in the order in which they start. Lambda starts at most 10.
    pub extensions: Vec<Program>,
    /// The function's program.
    pub function: Program,
    /// Name of the function.
    pub function_name: String,
    /// Version of the function.
    pub function_version: String,
    /// Account that owns the function.
    pub account_id: String,
    /// The region of the function.
    pub region: String,
    /// The function's memory in MB, as its environment states it. The sandbox does not enforce it.
    pub memory_mb: u32,
    /// The function's timeout.
    pub timeout: Duration,
    /// The number of concurrent invocations on a managed instance. In every other mode it is one.
    pub max_concurrency: u32,
    /// The X-Ray trace header of every invocation, as its callers send it.
    pub trace: Option<String>,
    /// The tenant of the environment, if the function isolates tenants.
    pub tenant: Option<String>,
    /// The function's log format.
    pub log_format: LogFormat,
    /// The environment variables of the function's configuration. The function and the extensions see them.
    pub environment: Vec<(String, String)>,
    /// True if there is a Telemetry API. Without it a subscription is answered with 202, as local emulators do.
    pub has_telemetry: bool,
    /// True if processes are frozen between invocations.
    pub freezes: bool,
    /// A library that lets the processes see the clocks that [`Sandbox::pass`](crate::Sandbox::pass) sets:
    /// `libextension_sandbox_clock.so`, for programs that are linked dynamically on Linux with glibc.
    pub clock: Option<PathBuf>,
    /// The Kinesis whose requests in flight are recorded at each `next` and each freeze.
    pub kinesis: Option<Arc<Kinesis>>,
    /// True if a freeze closes the connections to `kinesis`.
    pub freeze_closes_connections: bool,
    /// The length of the longest log line in bytes. A longer line becomes several events.
    pub max_line_bytes: usize,
    /// The bytes of telemetry that are buffered for a slow listener before events are dropped.
    pub telemetry_backlog_bytes: usize,
    /// The time limit of the init of an on-demand function. In the other modes it is at least 130 s.
    pub init_timeout: Duration,
    /// The time between SHUTDOWN and SIGKILL.
    pub shutdown_timeout: Duration,
    /// True if the sandbox also prints the lines of extensions, and the reason why a program fails, on stderr.
    pub echo: bool,
}

/// How Lambda runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One invocation at a time, frozen between them. An init long before the first invocation is a proactive one.
    OnDemand,
    /// One invocation at a time, with an init ahead of traffic.
    ProvisionedConcurrency,
    /// One invocation at a time, from a snapshot: the environment is frozen after init, and restored with new credentials.
    SnapStart,
    /// Managed instances: never frozen, no INVOKE events, lean telemetry.
    ManagedInstances,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] =
        [Self::OnDemand, Self::ProvisionedConcurrency, Self::SnapStart, Self::ManagedInstances];

    /// Returns the value of `AWS_LAMBDA_INITIALIZATION_TYPE`, which events of init state too.
    pub fn initialization_type(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::ProvisionedConcurrency => "provisioned-concurrency",
            Self::SnapStart => "snap-start",
            Self::ManagedInstances => "lambda-managed-instances",
        }
    }
}

/// A process of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// An executable. The name of an extension is its file name.
    File(PathBuf),
    /// No process: the owner of the sandbox calls the APIs under this name.
    Driven(String),
}

impl Program {
    /// Returns the name under which an extension registers.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Driven(name) => name.clone(),
        }
    }
}

impl<P: AsRef<Path>> From<P> for Program {
    fn from(path: P) -> Self {
        Self::File(path.as_ref().to_owned())
    }
}

/// The function's `LoggingConfig.LogFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line is a string.
    Text,
    /// A line that is JSON is delivered as JSON to subscribers whose schema supports it.
    Json,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::OnDemand,
            extensions: Vec::new(),
            function: Program::Driven("function".to_owned()),
            function_name: "test-function".to_owned(),
            function_version: "$LATEST".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            max_concurrency: 2,
            trace: None,
            tenant: None,
            log_format: LogFormat::Text,
            environment: Vec::new(),
            has_telemetry: true,
            freezes: true,
            clock: None,
            kinesis: None,
            freeze_closes_connections: false,
            max_line_bytes: 256 * 1024,
            telemetry_backlog_bytes: 16 * 1024 * 1024,
            init_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(2),
            echo: false,
        }
    }
}

impl Options {
    /// ARN of the function.
    pub(crate) fn function_arn(&self) -> String {
        format!(
            "arn:aws:lambda:{}:{}:function:{}",
            self.region, self.account_id, self.function_name
        )
    }

    /// Longest init.
    pub(crate) fn longest_init(&self) -> Duration {
        match self.mode {
            Mode::OnDemand => self.init_timeout,
            _ => self.init_timeout.max(self.timeout).max(AHEAD_OF_TRAFFIC),
        }
    }
}
