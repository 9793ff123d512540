//! An environment in the sandbox, and its stream.

use std::sync::Arc;

use anyhow::{Result, ensure};
use extension_sandbox::kinesis::faults::Faults;
use extension_sandbox::{Kinesis, Options, Program, Sandbox, Status};
use extension_spec::variable;
use serde_json::json;

use super::{Duplicates, Observed, ROUND_TRIP, Times, Workload};
use crate::fake_lambda::STREAM;
use crate::startup::killed;
use crate::subject::Subject;

pub(super) struct TestEnvironment {
    sandbox: Sandbox,
    kinesis: Arc<Kinesis>,
    /// The name that the extension registers under.
    name: String,
}

impl TestEnvironment {
    /// Starts the function and the extension.
    pub(super) async fn new(subject: &Subject, function: &Program) -> Result<Self> {
        let kinesis = Kinesis::start(STREAM).await?;
        kinesis.set_faults(Faults::none().slow(ROUND_TRIP));
        let mut environment = vec![
            ("AWS_ENDPOINT_URL_KINESIS".to_owned(), kinesis.url()),
            (variable::STREAM.to_owned(), STREAM.to_owned()),
        ];
        environment.extend(subject.settings.iter().cloned());
        let extension = Program::File(subject.program.clone());
        let name = extension.name();
        let options = Options {
            extensions: vec![extension],
            function: function.clone(),
            timeout: subject.step_timeout,
            init_timeout: subject.step_timeout,
            kinesis: Some(kinesis.clone()),
            environment,
            ..Options::default()
        };
        let mut sandbox = Sandbox::new(options).await?;
        let init = sandbox.init().await;
        ensure!(
            init.status == Status::Success,
            "the init phase failed: {}",
            reason(init.error_type, init.message)
        );
        Ok(Self { sandbox, kinesis, name })
    }

    pub(super) async fn invoke(&mut self, workload: Workload) -> Result<Times> {
        let payload = json!({ "lines": workload.lines, "sleepMs": workload.work_ms });
        let done = self.sandbox.invoke(payload.to_string()).await;
        ensure!(
            done.status == Status::Success,
            "invocation {} failed: {}",
            done.n,
            reason(done.error_type, done.message)
        );
        Ok(Times { function: done.function_ms, extension: done.extension_ms })
    }

    /// Returns the number of requests to Kinesis so far.
    pub(super) fn requests(&self) -> u64 {
        self.kinesis.requests()
    }

    /// Shuts the environment down, and adds to `observed` what only its end shows.
    pub(super) async fn end(self, observed: &mut Observed) {
        let Self { sandbox, kinesis, name } = self;
        let peak_kib = sandbox.peak_memory(&name).unwrap_or_default() / 1024;
        observed.peak_kib = observed.peak_kib.max(peak_kib);
        let shutdown = sandbox.shutdown().await;
        match shutdown.exits.first() {
            Some(exit) if exit.code.is_some() => {
                observed.shutdowns.push(exit.duration_ms);
                if exit.code != Some(0) {
                    let note = format!("in the sandbox: it ended with exit code {:?}", exit.code);
                    observed.notes.push(note);
                }
            }
            _ => observed.notes.push(format!("in the sandbox: {}", killed())),
        }
        let records = kinesis.records();
        observed.has_delivered |= !records.is_empty();
        let duplicates = Duplicates::count(records.iter().map(|record| &record.data[..]));
        observed.duplicates = observed.duplicates.zip(duplicates).map(|(all, it)| all.plus(it));
    }
}

fn reason(error_type: Option<String>, message: Option<String>) -> String {
    let parts: Vec<String> = error_type.into_iter().chain(message).collect();
    if parts.is_empty() { "for an unknown reason".to_owned() } else { parts.join(", ") }
}
