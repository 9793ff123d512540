//! Runs a scenario in the sandbox.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, bail};
use extension_sandbox::{Kinesis, LogFormat, Options, Sandbox, Status};
use extension_spec::variable;
use kinesis_telemetry_consumer::{self as consumer, Gathering};

use crate::life::{Delivered, delivered};
use crate::scenario::Scenario;

const STREAM: &str = "telemetry";
/// The extension delivers the last report after SHUTDOWN, however busy this machine is.
const SHUTDOWN: Duration = Duration::from_secs(30);
/// The name of the function in the sandbox.
const FUNCTION: &str = "test-function";

/// The result of a scenario in the sandbox.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) delivered: Delivered,
    /// True for each invocation that failed.
    pub(crate) failed: Vec<bool>,
}

/// Runs a scenario in the sandbox, with the extension, which delivers to the sandbox's stream. A burst has one environment there,
/// with so many invocations.
pub(crate) async fn run(
    scenario: &Scenario,
    invocations: usize,
    extension: &Path,
    function: &Path,
) -> Result<Expected> {
    let kinesis = Kinesis::start(STREAM).await.context("the sandbox cannot listen on loopback")?;
    let options = Options {
        mode: scenario.mode,
        extensions: vec![extension.into()],
        function: function.into(),
        function_name: FUNCTION.to_owned(),
        memory_mb: 256,
        timeout: scenario.timeout,
        log_format: LogFormat::Json,
        shutdown_timeout: SHUTDOWN,
        environment: vec![
            ("AWS_ENDPOINT_URL_KINESIS".to_owned(), kinesis.url()),
            (variable::STREAM.to_owned(), STREAM.to_owned()),
        ],
        kinesis: Some(kinesis.clone()),
        ..Options::default()
    };
    let mut sandbox =
        Sandbox::new(options).await.context("the sandbox cannot listen on loopback")?;
    let init = sandbox.init().await;
    if init.status != Status::Success {
        let why = init.message.or(init.error_type).unwrap_or_default();
        bail!("the sandbox cannot initialise {}: {why}", function.display());
    }
    let mut failed = Vec::new();
    for payload in scenario.sandbox_payloads().iter().cycle().take(invocations) {
        failed.push(sandbox.invoke(*payload).await.status != Status::Success);
    }
    sandbox.shutdown().await;
    let mut gathering = Gathering::default();
    for record in kinesis.records() {
        let arrived = record.arrived.duration_since(UNIX_EPOCH).unwrap_or_default();
        let arrived_ms = i64::try_from(arrived.as_millis()).unwrap_or(i64::MAX);
        for event in consumer::record(&record.data) {
            let event = event.map_err(|it| anyhow!("{}: {}", it.why, it.line))?;
            gathering.add(event, arrived_ms);
        }
    }
    let delivered = delivered(&gathering, FUNCTION, &BTreeSet::new());
    if delivered.lives.is_empty() {
        bail!("the sandbox's stream has no events of the scenario {}", scenario.name);
    }
    Ok(Expected { delivered, failed })
}
