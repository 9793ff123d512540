//! Tests with the crate `lambda-simulator`, a Lambda by other authors, in its default mode.
//!
//! It hands over platform events alone, because it does not read the output of processes, and it stops processes
//! between invocations.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use extension_sandbox::{Kinesis, Program};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME, event_type};
use lambda_simulator::{FreezeMode, InvocationStatus, ShutdownReason, Simulator};
use serde_json::{Value, json};

use crate::test_environment::test_function;
use kinesis_telemetry_consumer::strict::Arrived;

const PATIENCE: Duration = Duration::from_secs(20);

/// A process, and a guardian that kills it when the test ends in any way.
struct Running {
    process: Child,
    guardian: Child,
}

impl Running {
    /// Starts a program with the variables of the simulator and these. The simulator may freeze it.
    fn start(program: &Program, simulator: &Simulator, variables: &[(String, String)]) -> Self {
        let Program::File(path) = program else { unreachable!("it is a program") };
        let mut command = Command::new(path);
        command.env_clear().envs(simulator.lambda_env_vars()).stdin(Stdio::null());
        let process = command.envs(variables.iter().cloned()).spawn().unwrap();
        simulator.register_freeze_pid(process.id());
        let mut guardian = Command::new("/bin/sh");
        guardian.args([
            "-c",
            "read -r _; kill -KILL \"$1\"",
            "guardian",
            &process.id().to_string(),
        ]);
        let guardian = guardian.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, guardian }
    }

    /// Waits for the end of the process. Returns its exit code.
    async fn exit(&mut self) -> Option<i32> {
        let end = async {
            loop {
                match self.process.try_wait().unwrap() {
                    Some(exit) => break exit.code(),
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let code = tokio::time::timeout(PATIENCE, end).await.expect("it ends in time");
        // From now on its id may belong to another process.
        self.guardian.kill().unwrap();
        code
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.guardian.kill();
        let _ = self.process.kill();
        let _ = (self.process.wait(), self.guardian.wait());
    }
}

/// Invokes the function, and waits until all processes are frozen again.
async fn invoke(simulator: &Simulator, payload: Value) -> InvocationStatus {
    let request = simulator.enqueue_payload(payload).await;
    let state = simulator.wait_for_invocation_complete(&request, PATIENCE).await.unwrap();
    simulator.wait_for_frozen(PATIENCE).await.unwrap();
    state.status
}

#[tokio::test]
async fn every_event_of_a_simulated_lambda_with_freezes_arrives() {
    let kinesis = Kinesis::start("telemetry").await.unwrap();
    let simulator = Simulator::builder()
        .freeze_mode(FreezeMode::Process)
        .extension_ready_timeout(PATIENCE)
        .shutdown_timeout(PATIENCE)
        .build()
        .await
        .unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let variables = [
        (format!("{ENV_PREFIX}STREAM"), "telemetry".to_owned()),
        (format!("{ENV_PREFIX}BUFFER_TIMEOUT_MS"), "25".to_owned()),
        ("AWS_ENDPOINT_URL_KINESIS".to_owned(), kinesis.url()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "ASIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "example".to_owned()),
        ("TMPDIR".to_owned(), tmp.path().to_str().unwrap().to_owned()),
    ];
    let extension = env!("CARGO_BIN_EXE_kinesis-telemetry-extension").into();
    let mut extension = Running::start(&extension, &simulator, &variables);
    // Lambda starts the runtime when every extension has registered. The simulator does not deliver events from before
    // the subscription.
    let is_subscribed = async || {
        !simulator.get_telemetry_events_by_type("platform.telemetrySubscription").await.is_empty()
    };
    simulator.wait_for(is_subscribed, PATIENCE).await.unwrap();
    let _function = Running::start(&test_function(), &simulator, &[]);
    for _ in 0..3 {
        let status = invoke(&simulator, json!({ "lines": 0 })).await;
        assert_eq!(status, InvocationStatus::Success);
    }
    let status = invoke(&simulator, json!({ "lines": 0, "end": "fail" })).await;
    assert_eq!(status, InvocationStatus::Error);
    let names: Vec<String> =
        simulator.get_registered_extensions().await.into_iter().map(|it| it.name).collect();
    assert_eq!(names, [EXTENSION_NAME]);
    let generated = simulator.get_telemetry_events().await;
    simulator.graceful_shutdown(ShutdownReason::Spindown).await;
    assert_eq!(extension.exit().await, Some(0));

    let arrived = Arrived::of(kinesis.records().iter().map(|record| &record.data));
    arrived.assert_gapless();
    assert_eq!(arrived.instances(), 1);
    let arrived: Vec<Value> =
        arrived.events.values().map(|event| serde_json::from_str(event).unwrap()).collect();
    let (ledgers, arrived): (Vec<Value>, Vec<Value>) =
        arrived.into_iter().partition(|event| event["type"] == event_type::LEDGER);
    // `platform.initStart` precedes every subscription, and the simulator keeps no earlier events.
    let generated: Vec<Value> =
        generated.iter().skip(1).map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(arrived, generated);
    assert_eq!((arrived.len(), ledgers.len()), (1 + 2 + 4 * 3, 1));
}
