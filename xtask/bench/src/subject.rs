//! What is measured: programs, and settings for them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME, variable};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use tempfile::TempDir;

use crate::fake_lambda::{FakeLambda, Kinesis, STREAM};

/// An extension.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// As the tables call it.
    pub(crate) label: String,
    pub(crate) program: PathBuf,
    /// Variables of its own.
    pub(crate) settings: Vec<(String, String)>,
}

impl Subject {
    pub(crate) fn new(program: PathBuf, settings: &[(String, String)]) -> Self {
        let label = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { label, program, settings: settings.to_vec() }
    }

    /// Returns this extension with one more setting, whose value becomes the label.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.push((format!("{ENV_PREFIX}{name}"), value.to_owned()));
        Self { label: value.to_owned(), program: self.program.clone(), settings }
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
    ) -> Result<Life> {
        let tmp = tempfile::tempdir().context("there is no place for a /tmp")?;
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment(lambda, kinesis, tmp.path(), memory_mb));
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        let cpu_before = children_cpu()?;
        let spawned = Instant::now();
        let child = command.spawn().with_context(|| format!("{} does not start", self.label))?;
        Ok(Life { spawned, child, cpu_before, _tmp: tmp })
    }

    /// Returns the variables that Lambda sets, and those that lead the extension to the fake Kinesis.
    pub(crate) fn environment(
        &self,
        lambda: &FakeLambda,
        kinesis: &Kinesis,
        tmp: &Path,
        memory_mb: u32,
    ) -> Vec<(String, String)> {
        let variables = [
            ("AWS_LAMBDA_RUNTIME_API", lambda.address()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            ("AWS_SESSION_TOKEN", "token".to_owned()),
            ("AWS_ENDPOINT_URL_KINESIS", kinesis.url()),
            ("AWS_CA_BUNDLE", kinesis.bundle().display().to_string()),
            ("TMPDIR", tmp.display().to_string()),
            (variable::STREAM, STREAM.to_owned()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        variables.chain(self.settings.iter().cloned()).collect()
    }
}

/// A running extension. Dropping it ends it.
pub(crate) struct Life {
    pub(crate) spawned: Instant,
    child: Child,
    cpu_before: Duration,
    /// Goes with it.
    _tmp: TempDir,
}

impl Life {
    /// Resident memory in KiB: `VmRSS` now, `VmHWM` at its peak.
    pub(crate) fn memory_kib(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("this system does not tell {field}: it is no Linux"))
    }

    /// Time that its threads have had on a CPU.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let mut nanos = 0;
        for task in tasks {
            let stat = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Waits for its end; gives its exit, and the CPU of its whole life.
    pub(crate) fn end(mut self, patience: Duration) -> Result<(ExitStatus, Duration)> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(exit) = self.child.try_wait()? {
                return Ok((exit, children_cpu()?.saturating_sub(self.cpu_before)));
            }
            if Instant::now() > deadline {
                bail!("it does not end after SHUTDOWN");
            }
            pause();
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // After its end neither has an effect.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the end of a child is waited for with a deadline only so"
)]
fn pause() {
    thread::sleep(Duration::from_micros(200));
}

/// A process that ends with us.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // After its end neither has an effect.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// CPU of all children that have ended. One is measured at a time.
fn children_cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("this system counts no CPU")?;
    let duration = |time: TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}
