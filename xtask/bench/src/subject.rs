//! The measured extensions, and their settings.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME, variable};

use crate::fake_lambda::{FakeLambda, Kinesis, STREAM};
use crate::process::Process;

/// An extension.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The name in the tables.
    pub(crate) label: String,
    pub(crate) program: PathBuf,
    /// Variables in addition to those of Lambda.
    pub(crate) settings: Vec<(String, String)>,
    /// The longest time that one step, such as registering, may take.
    pub(crate) step_timeout: Duration,
}

impl Subject {
    /// Returns this extension with one more setting, whose value becomes the label.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.push((format!("{ENV_PREFIX}{name}"), value.to_owned()));
        Self { label: value.to_owned(), settings, ..self.clone() }
    }

    /// Returns true if this is the project's extension, which has settings.
    pub(crate) fn is_ours(&self) -> bool {
        self.program.file_name().is_some_and(|name| name == EXTENSION_NAME)
    }

    /// Starts the extension as Lambda does.
    pub(crate) fn start(
        &self,
        lambda: &FakeLambda,
        kinesis: &Kinesis,
        memory_mb: u32,
    ) -> Result<Process> {
        let tmp = tempfile::tempdir().context("no folder for TMPDIR can be made")?;
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment(lambda, kinesis, tmp.path(), memory_mb));
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        Process::spawn(&mut command, tmp)
    }

    /// Returns the variables that Lambda sets, and those that lead the extension to the fake Kinesis.
    pub(crate) fn environment(
        &self,
        lambda: &FakeLambda,
        kinesis: &Kinesis,
        tmp: &Path,
        memory_mb: u32,
    ) -> Vec<(String, String)> {
        let mut variables = vec![
            ("AWS_LAMBDA_RUNTIME_API", lambda.address()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            ("AWS_SESSION_TOKEN", "token".to_owned()),
            ("AWS_ENDPOINT_URL_KINESIS", kinesis.url()),
            ("TMPDIR", tmp.display().to_string()),
            (variable::STREAM, STREAM.to_owned()),
        ];
        if let Some(bundle) = kinesis.bundle() {
            variables.push(("AWS_CA_BUNDLE", bundle.display().to_string()));
        }
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        variables.chain(self.settings.iter().cloned()).collect()
    }

    /// Waits for the `n`th call of `next`, from 1, and returns its time. Fails if it does not come, or if the extension exits.
    pub(crate) fn next(
        &self,
        process: &mut Process,
        lambda: &FakeLambda,
        n: usize,
    ) -> Result<Instant> {
        process.wait(self.step_timeout, |slice| lambda.next(n, slice)).with_context(|| {
            match (n, lambda.seen().registered) {
                (1, None) => "it did not register".to_owned(),
                (1, Some(_)) => "it registered, but did not call `next`".to_owned(),
                _ => format!("it did not call `next` after invocation {}", n - 1),
            }
        })
    }
}
