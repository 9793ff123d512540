//! A world for the extension: sandbox, Kinesis and test function; and what must be true of everything that arrived.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use extension_sandbox::{Invocation, JournalEntry, Kinesis, Options, Program, Sandbox, Status};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME, event_type};
use serde_json::{Value, json};

/// A running environment.
pub(crate) struct World {
    pub(crate) kinesis: Arc<Kinesis>,
    pub(crate) sandbox: Sandbox,
}

/// What is left when it has ended.
pub(crate) struct Ended {
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) printed: Vec<String>,
    pub(crate) caught_by_freeze: usize,
    records: Vec<String>,
}

/// What arrived, by instance and number. Parts are joined.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) events: BTreeMap<(String, u64), String>,
    /// Events, or parts, that came more than once.
    pub(crate) doubled: usize,
}

/// The test function. Built on first use, because cargo builds no program of another package for a test.
pub(crate) fn test_function() -> Program {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let mut cargo = Command::new(env!("CARGO"));
        // Told who the outer cargo runs, build scripts that look at it would run again, and all that follows from them.
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let output = cargo
            .args(["build", "--quiet", "--workspace", "--bin", "test-function"])
            .arg("--message-format=json")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .expect("cargo can be started");
        let path = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from));
        path.unwrap_or_else(|| {
            panic!("no test-function: {}", String::from_utf8_lossy(&output.stderr))
        })
    };
    Program::File(BUILT.get_or_init(build).clone())
}

impl World {
    /// With these settings of ours (names without prefix), and changes to the options.
    pub(crate) async fn new(settings: &[(&str, &str)], change: impl FnOnce(&mut Options)) -> Self {
        let kinesis = Kinesis::start("telemetry").await.unwrap();
        let mut options = Options {
            extensions: vec![env!("CARGO_BIN_EXE_kinesis-telemetry-extension").into()],
            function: test_function(),
            timeout: std::time::Duration::from_secs(20),
            // Lambda's two seconds are for a machine that does nothing else.
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

    /// Invokes, and insists that the function answers as if there were no extension.
    pub(crate) async fn succeed(&mut self, lines: u32) -> Invocation {
        let invocation = self.invoke(json!({ "lines": lines })).await;
        assert_eq!(invocation.status, Status::Success, "{invocation:?}");
        assert!(invocation.response.contains(&format!("\"lines\":{lines}")), "{invocation:?}");
        invocation
    }

    /// Ends it. Whatever the story: nothing was in flight when `next` was called, and the process ends in order.
    pub(crate) async fn end(self) -> Ended {
        assert_eq!(self.sandbox.in_flight_at_next(), 0, "requests in flight when next was called");
        let caught_by_freeze = self.sandbox.caught_by_freeze();
        let ended = self.sandbox.shutdown_with_witness().await;
        for exit in &ended.shutdown.exits {
            assert_eq!(exit.code, Some(0), "{exit:?}");
        }
        let records = self.kinesis.records();
        let text = |record: &extension_sandbox::kinesis::Record| {
            String::from_utf8(record.data.to_vec()).expect("records are text")
        };
        Ended {
            journal: ended.journal,
            printed: ended
                .printed
                .into_iter()
                .filter(|(name, _)| name == EXTENSION_NAME)
                .map(|it| it.1)
                .collect(),
            caught_by_freeze,
            records: records.iter().map(text).collect(),
        }
    }
}

impl Ended {
    /// Every event that was acknowledged has arrived, byte for byte, under gapless numbers.
    pub(crate) fn verify(&self) -> Arrived {
        let arrived = self.arrived();
        let mut expected: Vec<&str> = self
            .journal
            .iter()
            .filter(|entry| entry.accepted)
            .map(|entry| entry.event.get())
            .collect();
        let mut events: Vec<&str> = arrived.events.values().map(String::as_str).collect();
        expected.sort_unstable();
        events.sort_unstable();
        assert_eq!(events.len(), expected.len(), "events that arrived, and that were acknowledged");
        assert_eq!(events, expected);
        arrived
    }

    /// The same in weather in which no request needs to be sent twice: then every event that was generated arrives, and
    /// once.
    pub(crate) fn verify_exactly_once(&self) -> Arrived {
        let refused: Vec<_> = self.journal.iter().filter(|entry| !entry.accepted).collect();
        assert!(refused.is_empty(), "events that the extension never acknowledged: {refused:?}");
        let arrived = self.verify();
        assert_eq!(arrived.doubled, 0);
        arrived
    }

    /// What a consumer reads: lines of records, parts joined, doubles dropped, gaps a failure.
    pub(crate) fn arrived(&self) -> Arrived {
        let mut arrived = Arrived { events: BTreeMap::new(), doubled: 0 };
        let mut parts: BTreeMap<(String, u64), BTreeMap<u64, String>> = BTreeMap::new();
        for record in &self.records {
            let mut last = None;
            assert!(record.ends_with('\n'));
            for line in record.lines() {
                let event: Value = serde_json::from_str(line).expect("every line is JSON");
                let source = &event["source"];
                let seq = source["seq"].as_u64().expect("every event has a number");
                let instance = source["instance"].as_str().expect("every event has an instance");
                assert!(
                    last.replace(seq).is_none_or(|last| last < seq),
                    "in a record events are in order"
                );
                let key = (instance.to_owned(), seq);
                if event["type"] == event_type::PART {
                    let fragment = event["record"].as_str().expect("a part holds text").to_owned();
                    let parts = parts.entry(key.clone()).or_default();
                    let is_double =
                        parts.insert(source["part"].as_u64().unwrap(), fragment).is_some();
                    arrived.doubled += usize::from(is_double);
                    if source["parts"] == json!(parts.len()) {
                        arrived.events.insert(key, parts.values().map(String::as_str).collect());
                    }
                } else {
                    let is_double = arrived.events.insert(key, without_source(line)).is_some();
                    arrived.doubled += usize::from(is_double);
                }
            }
        }
        let mut next: BTreeMap<&str, u64> = BTreeMap::new();
        for (instance, seq) in arrived.events.keys() {
            let expected = next.entry(instance).or_insert(1);
            assert_eq!(seq, expected, "the sequence of {instance} has a gap");
            *expected += 1;
        }
        arrived
    }

    /// How many records arrived.
    pub(crate) fn records(&self) -> usize {
        self.records.len()
    }

    /// The lines of the extension that hold this text.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.printed.iter().filter(|line| line.contains(text)).count()
    }
}

impl Arrived {
    /// How many events of this type there are.
    pub(crate) fn count(&self, event_type: &str) -> usize {
        let marker = format!(r#""type":"{event_type}""#);
        self.events.values().filter(|event| event.contains(&marker)).count()
    }

    /// How many processes they come from.
    pub(crate) fn instances(&self) -> usize {
        let mut instances: Vec<_> = self.events.keys().map(|(instance, _)| instance).collect();
        instances.dedup();
        instances.len()
    }
}

/// An event as it was before it got its identity.
fn without_source(line: &str) -> String {
    let at = line.rfind(r#""source":{"function":"#).expect("source is the last member");
    format!("{}}}", line[..at].strip_suffix(',').unwrap_or(&line[..at]))
}
