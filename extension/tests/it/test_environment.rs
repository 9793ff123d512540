//! An environment for the extension (sandbox, Kinesis and test function), and the checks of everything that arrived.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use extension_sandbox::kinesis::Record;
use extension_sandbox::{Invocation, JournalEntry, Kinesis, Options, Program, Sandbox, Status};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME, event_type};
use serde_json::{Value, json};

use kinesis_telemetry_consumer::strict::{self, Arrived};

/// A running environment.
pub(crate) struct TestEnvironment {
    pub(crate) kinesis: Arc<Kinesis>,
    pub(crate) sandbox: Sandbox,
}

/// The results of an environment that has ended.
pub(crate) struct Ended {
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) printed: Vec<String>,
    pub(crate) caught_by_freeze: usize,
    pub(crate) records: Vec<Record>,
}

/// Returns the extension: the test build, or the program that this variable names, which may be the released one.
fn extension() -> Program {
    let shipped = std::env::var_os("EXTENSION_PROGRAM").map(PathBuf::from);
    shipped.unwrap_or_else(|| env!("CARGO_BIN_EXE_kinesis-telemetry-extension").into()).into()
}

/// Returns the test function.
pub(crate) fn test_function() -> Program {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    // With the example cargo includes dev-dependencies, as it does for tests, and compiles nothing with other features.
    let arguments = ["--workspace", "--bin", "test-function", "--example", "tiny"];
    let built = BUILT.get_or_init(|| build(&arguments, "/test-function"));
    Program::File(built.clone())
}

/// Returns the library by which a sandbox sets the clocks of its processes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn clock() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--package", "extension-sandbox-clock"], ".so")).clone()
}

/// Returns the file with this end that cargo builds from these arguments. It is built on first use, because cargo does
/// not build programs of other packages for a test.
fn build(arguments: &[&str], end: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // With the outer cargo's variables, build scripts that read them would run again, with everything that depends on
    // them.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(["build", "--quiet", "--message-format=json"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut made = messages.filter_map(|message| {
        let mut names = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        names.find(|name| name.ends_with(end)).map(PathBuf::from)
    });
    made.next_back().unwrap_or_else(|| {
        panic!("{arguments:?} made nothing: {}", String::from_utf8_lossy(&output.stderr))
    })
}

impl TestEnvironment {
    /// Creates an environment with these settings (names without prefix) and changes to the options.
    pub(crate) async fn new(settings: &[(&str, &str)], change: impl FnOnce(&mut Options)) -> Self {
        let kinesis = Kinesis::start("telemetry").await.unwrap();
        let mut options = Options {
            extensions: vec![extension()],
            function: test_function(),
            timeout: std::time::Duration::from_secs(20),
            // Lambda's two seconds assume a machine that does nothing else.
            shutdown_timeout: std::time::Duration::from_secs(10),
            kinesis: Some(kinesis.clone()),
            environment: vec![("AWS_ENDPOINT_URL_KINESIS".into(), kinesis.url())],
            ..Options::default()
        };
        let set = |name: &str, value: &str| (format!("{ENV_PREFIX}{name}"), value.to_owned());
        let mut variables = BTreeMap::from([set("STREAM", "telemetry")]);
        variables.extend(settings.iter().map(|(name, value)| set(name, value)));
        options.environment.extend(variables);
        change(&mut options);
        Self { kinesis, sandbox: Sandbox::new(options).await.unwrap() }
    }

    pub(crate) async fn invoke(&mut self, payload: Value) -> Invocation {
        self.sandbox.invoke(payload.to_string()).await
    }

    /// Invokes the function, and checks that it answers as it does without an extension.
    pub(crate) async fn succeed(&mut self, lines: u32) -> Invocation {
        let invocation = self.invoke(json!({ "lines": lines })).await;
        assert_eq!(invocation.status, Status::Success, "{invocation:?}");
        assert!(invocation.response.contains(&format!("\"lines\":{lines}")), "{invocation:?}");
        invocation
    }

    /// Ends the environment. Checks that nothing was in flight when `next` was called, and that the process ended in
    /// order.
    pub(crate) async fn end(self) -> Ended {
        assert_eq!(self.sandbox.in_flight_at_next(), 0, "requests in flight when next was called");
        let caught_by_freeze = self.sandbox.caught_by_freeze();
        let ended = self.sandbox.shutdown_with_recording().await;
        for exit in &ended.shutdown.exits {
            assert_eq!(exit.code, Some(0), "{exit:?}");
        }
        Ended {
            journal: ended.journal,
            printed: ended
                .printed
                .into_iter()
                .filter(|(name, _)| name == EXTENSION_NAME)
                .map(|it| it.1)
                .collect(),
            caught_by_freeze,
            records: self.kinesis.records(),
        }
    }
}

impl Ended {
    /// Checks that exactly the acknowledged events and ledgers have arrived, byte for byte, with numbers without gaps.
    pub(crate) fn verify(&self) -> Arrived {
        let arrived = self.arrived();
        arrived.assert_gapless();
        self.verify_texts(&arrived);
        arrived
    }

    /// Checks the same for events without numbers.
    pub(crate) fn verify_texts(&self, arrived: &Arrived) {
        let mut expected: Vec<&str> = self
            .journal
            .iter()
            .filter(|entry| entry.accepted)
            .map(|entry| entry.event.get())
            .collect();
        let events = arrived.events.values().map(String::as_str);
        let mut events: Vec<&str> = events.filter(|it| !is_of(it, event_type::LEDGER)).collect();
        expected.sort_unstable();
        events.sort_unstable();
        assert_eq!(events.len(), expected.len(), "number of events");
        assert_eq!(events, expected);
    }

    /// Checks that every generated event arrived once. This holds under faults in which no request needs to be sent
    /// twice.
    pub(crate) fn verify_exactly_once(&self) -> Arrived {
        let refused: Vec<_> = self.journal.iter().filter(|entry| !entry.accepted).collect();
        assert!(refused.is_empty(), "events that the extension never acknowledged: {refused:?}");
        let arrived = self.verify();
        assert_eq!(arrived.duplicates, 0);
        arrived
    }

    /// Returns the text of each record, however it was packed.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.records.iter().map(|record| strict::text(&record.data)).collect()
    }

    /// Returns what a consumer reads.
    pub(crate) fn arrived(&self) -> Arrived {
        Arrived::of(self.records.iter().map(|record| &record.data))
    }

    /// Returns the ledgers in the order of their numbers.
    pub(crate) fn ledgers(&self) -> Vec<Value> {
        let arrived = self.arrived();
        let ledger = |event: &String| {
            let event: Value = serde_json::from_str(event).unwrap();
            (event["type"] == event_type::LEDGER).then(|| event["record"].clone())
        };
        arrived.events.values().filter_map(ledger).collect()
    }

    /// Returns the number of records that arrived.
    pub(crate) fn records(&self) -> usize {
        self.records.len()
    }

    /// Counts the extension's log lines with this text.
    pub(crate) fn count_logged(&self, text: &str) -> usize {
        self.printed.iter().filter(|line| line.contains(text)).count()
    }
}

/// Returns true if an event, given as text, is of this type.
fn is_of(event: &str, event_type: &str) -> bool {
    event.contains(&format!(r#""type":"{event_type}""#))
}
