//! A process of the environment: its own process group, only the variables it is given, its output as lines.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::lines::Lines;

/// Signals go to the whole group, so that what a wrapper script started is met too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group(Pid);

impl Group {
    /// The id of the group, which is that of its first process.
    pub(crate) fn id(self) -> i32 {
        self.0.as_raw()
    }

    /// Sends a signal. A group that is gone already is no error.
    pub(crate) fn signal(self, signal: Signal) {
        let _ = killpg(self.0, signal);
    }
}

/// Starts a program; returns its group and a task that ends with it, after its last line.
pub(crate) fn spawn(
    path: &Path,
    environment: Vec<(String, String)>,
    max_line_bytes: usize,
    on_line: impl Fn(String) + Clone + Send + 'static,
) -> std::io::Result<(Group, JoinHandle<Option<ExitStatus>>)> {
    let mut child = Command::new(path)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let group = Group(Pid::from_raw(id.expect("it has not been waited for")));
    let stdout = tokio::spawn(read(child.stdout.take(), max_line_bytes, on_line.clone()));
    let stderr = tokio::spawn(read(child.stderr.take(), max_line_bytes, on_line));
    let ended = tokio::spawn(async move {
        let status = wait(&mut child).await;
        // Whatever it started dies with it, and lets go of the pipes.
        group.signal(Signal::SIGKILL);
        let _ = tokio::join!(stdout, stderr);
        status
    });
    Ok((group, ended))
}

async fn wait(child: &mut Child) -> Option<ExitStatus> {
    child.wait().await.ok()
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
