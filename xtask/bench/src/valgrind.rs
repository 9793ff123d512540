//! An extension that runs in valgrind.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use extension_spec::ENV_PREFIX;

use crate::fake_lambda::{FakeLambda, Kinesis};
use crate::subject::Subject;

/// Valgrind takes fifty times as long.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// A process that ends with us.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // After its end neither has an effect.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Returns an extension whose flushes may take as long as valgrind does.
pub(crate) fn subject(program: &Path) -> Subject {
    Subject {
        label: program.display().to_string(),
        program: program.to_owned(),
        settings: vec![(format!("{ENV_PREFIX}FLUSH_TIMEOUT_MS"), "60000".to_owned())],
        step_timeout: STEP_TIMEOUT,
    }
}

/// Returns valgrind with these arguments and the extension, which has `tmp` as its folder for files.
pub(crate) fn command(
    arguments: &[&str],
    subject: &Subject,
    lambda: &FakeLambda,
    kinesis: &Kinesis,
    tmp: &Path,
) -> Command {
    let mut command = Command::new("valgrind");
    // Every variable is read, and so counts; valgrind itself is found by this one.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(arguments).arg(&subject.program);
    command.envs(subject.environment(lambda, kinesis, tmp, 128));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Starts valgrind.
pub(crate) fn start(command: &mut Command) -> Result<Ended> {
    let valgrind = command.spawn();
    valgrind.map(Ended).context("valgrind does not start (Debian: apt-get install valgrind)")
}
