//! A process of the environment: in its own process group, with only the variables it is given, and with its output as
//! lines.
//!
//! A guardian process kills it when the sandbox ends, however the sandbox ends.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::lines::Lines;

/// Signals go to the whole group, so that they also reach the children of a wrapper script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group(Pid);

impl Group {
    /// The id of the group, which is that of its first process.
    pub(crate) fn id(self) -> i32 {
        self.0.as_raw()
    }

    /// Sends a signal. It is not an error if the group has already ended.
    pub(crate) fn signal(self, signal: Signal) {
        let _ = killpg(self.0, signal);
    }
}

/// Kills the group `$1` when its stdin closes, which the system does for a sandbox that ends, however it ends. Only a
/// sandbox that is killed in the moment between the start of a program and that of its guardian leaves the program behind.
const GUARDIAN: &str = r#"read -r _; kill -KILL "-$1""#;
/// The time for which the output of a process is read after its end, in case another process holds its pipes.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A running process, and the resources that must not outlive it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) group: Group,
    child: Child,
    guardian: Child,
    output: [JoinHandle<()>; 2],
}

impl Process {
    /// Starts a program. The error says which, and why it cannot be started.
    pub(crate) fn spawn(
        path: &Path,
        environment: Vec<(String, String)>,
        max_line_bytes: usize,
        on_line: impl Fn(String) + Clone + Send + 'static,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {}: {error}", path.display());
        let mut child = Command::new(std::path::absolute(path).map_err(failed)?)
            .env_clear()
            .envs(environment)
            // Not the caller's folder, which does not exist in Lambda.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Group(Pid::from_raw(id.expect("it has not been waited for")));
        let guardian = guard(group).map_err(|error| {
            group.signal(Signal::SIGKILL);
            failed(error)
        })?;
        let stdout = tokio::spawn(read(child.stdout.take(), max_line_bytes, on_line.clone()));
        let stderr = tokio::spawn(read(child.stderr.take(), max_line_bytes, on_line));
        Ok(Self { group, child, guardian, output: [stdout, stderr] })
    }

    /// Waits for the process to end. Its children are killed with it, which closes its pipes.
    pub(crate) async fn exit(&mut self) -> Option<ExitStatus> {
        let status = self.child.wait().await.ok();
        self.group.signal(Signal::SIGKILL);
        // From now on another process may have its id.
        let _ = self.guardian.start_kill();
        status
    }

    /// Waits, after the process has ended, until its last line is read.
    pub(crate) async fn silence(mut self) {
        let deadline = Instant::now() + LAST_WORDS;
        for mut reader in self.output {
            if timeout_at(deadline, &mut reader).await.is_err() {
                reader.abort();
            }
        }
        let _ = self.guardian.wait().await;
    }
}

/// Starts the guardian of a group. It is not killed when it is dropped, because it still has work to do then.
fn guard(group: Group) -> std::io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARDIAN, "guardian", &group.id().to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, max: usize, on_line: impl Fn(String)) {
    let Some(mut pipe) = pipe else { return };
    let mut lines = Lines::new(max);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        lines.push(&buffer[..count]).into_iter().for_each(&on_line);
    }
    lines.finish().into_iter().for_each(on_line);
}
