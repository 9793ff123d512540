//! The third-party Kinesis on this machine: kinesis-local, on loopback, as long as it is needed.

mod install;
mod probe;
mod sockets;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use crate::support::process::{self, Process};
pub(crate) use install::install;

/// The region. Any works, but producer and reader must use the same one, because the emulator keeps a stream per region.
pub(crate) const REGION: &str = "eu-central-1";
/// It takes half a second on an idle machine.
const START: Duration = Duration::from_mins(1);
/// The number of lines of its log that are quoted when it ends early.
const LAST_LINES: usize = 10;

/// A running emulator that holds one stream. Dropping it ends it.
pub(crate) struct Emulator {
    process: Process,
    port: u16,
}

/// The line that `loopback.cjs` prints when both sockets are open.
#[derive(Deserialize)]
struct Ports {
    plain: u16,
    tls: u16,
}

impl Emulator {
    /// Starts what [`install`] put into `dir`, with an empty stream; its log goes to `log`.
    pub(crate) fn start(dir: &Path, stream: &str, log: &Path) -> Result<Self> {
        let stderr = File::create(log)
            .with_context(|| format!("the log {} cannot be written", log.display()))?;
        let mut node = Command::new("node");
        node.args(["--require", "./loopback.cjs", "node_modules/kinesis-local/main.js"])
            .current_dir(dir)
            .env("INITIALIZE_STREAMS", format!("{stream}:1:{REGION}"))
            .env("LOG_LEVEL", "WARN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut process = Process::spawn("kinesis-local", &mut node)?;
        let Ports { plain: port, tls } = ports(&mut process, log)?;
        sockets::assert_loopback(&[port, tls])?;
        probe::until_active(port, stream)?;
        Ok(Self { process, port })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Leaves it running when this process ends, and returns its process id.
    pub(crate) fn keep(self) -> Result<i32> {
        Ok(self.process.leave("keep\n")?.as_raw())
    }
}

/// Waits for the line that states the ports.
fn ports(process: &mut Process, log: &Path) -> Result<Ports> {
    let stdout = process.stdout.take().context("kinesis-local has no stdout")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // If the receiver no longer exists, the line is not needed.
        _ = process::lines(stdout).next().map(|line| sender.send(line));
    });
    match receiver.recv_timeout(START) {
        Ok(line) => {
            let line = line.context("kinesis-local cannot be read")?;
            serde_json::from_str(&line)
                .with_context(|| format!("kinesis-local says \"{line}\" where its ports should be"))
        }
        Err(why) => {
            process::check()?;
            let why = match why {
                RecvTimeoutError::Timeout => format!("does not start within {START:?}"),
                RecvTimeoutError::Disconnected => "ended before it was ready".to_owned(),
            };
            Err(anyhow!("kinesis-local {why}; {}", last_lines(log)))
        }
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "it wrote nothing".to_owned();
    }
    format!("its last lines:\n{}", lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
}

/// Returns the folder of the emulator that `cargo xtask test` has installed, for tests that need it.
#[cfg(test)]
pub(crate) fn installed() -> std::path::PathBuf {
    std::env::var_os("EMULATOR_DIR").expect("cargo xtask test sets EMULATOR_DIR").into()
}

#[cfg(test)]
mod tests;
