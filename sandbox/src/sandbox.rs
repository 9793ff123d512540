//! The life of an environment: init, invocations, resets, shutdown.

mod end;
mod init;
mod invoke;
mod remote;
mod restore;

pub use end::Recording;
pub use remote::Remote;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::api;
use crate::clock::{Pause, timestamp};
use crate::credentials::Credentials;
use crate::http::{Server, uuid};
use crate::options::{Mode, Options};
use crate::report::Status;
use crate::state::Shared;
use crate::telemetry::event::Before;

/// An execution environment. Dropping it kills its processes.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    server: Server,
    /// The folder that stands for `/tmp`. Each environment has its own, and it is deleted with the environment.
    tmp: TempDir,
    log_stream: String,
    is_initialised: bool,
    /// True if an init was tried: the next one is part of an invocation.
    was_initialised: bool,
    /// An init or a restore that no invocation has reported yet.
    unreported: Option<Before>,
    /// True if it is a snapshot, which must be restored before it can be used.
    is_snapshot: bool,
    restores: u32,
    /// The credentials endpoint of a function with `SnapStart`.
    credentials: Option<Arc<Credentials>>,
    invocations: u64,
    frozen_in_flight: Vec<u64>,
}

/// The reason why a phase failed.
struct Failure {
    status: Status,
    error_type: String,
    /// The problem in words, if there is more to say.
    message: Option<String>,
    /// The reason that SHUTDOWN states to extensions.
    shutdown_reason: &'static str,
}

impl Failure {
    fn error(error_type: &str) -> Self {
        Self {
            status: Status::Error,
            error_type: error_type.to_owned(),
            message: None,
            shutdown_reason: "failure",
        }
    }

    /// Returns a timeout, with the error type that the platform uses in this mode.
    fn timeout(mode: Mode) -> Self {
        let error_type = match mode {
            Mode::ManagedInstances => "Sandbox.Timedout",
            _ => "Sandbox.Timeout",
        };
        Self {
            status: Status::Timeout,
            error_type: error_type.to_owned(),
            message: None,
            shutdown_reason: "timeout",
        }
    }
}

impl Sandbox {
    /// Creates an environment in which no process runs yet.
    ///
    /// # Errors
    ///
    /// Fails if the APIs cannot listen on loopback, or if the temporary folder cannot be created.
    pub async fn new(options: Options) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(Arc::new(options))?);
        let handler = shared.clone();
        let server = Server::start(move |request| api::handle(handler.clone(), request)).await?;
        let stream = uuid().replace('-', "");
        let tmp = tempfile::Builder::new().prefix("lambda-tmp-").tempdir()?;
        let day = timestamp(SystemTime::now())[..10].replace('-', "/");
        let credentials = match shared.options.mode {
            Mode::SnapStart => Some(Credentials::start(restore::keys(0)).await?),
            _ => None,
        };
        Ok(Self {
            log_stream: format!("{day}/[{}]{stream}", shared.options.function_version),
            shared,
            server,
            tmp,
            is_initialised: false,
            was_initialised: false,
            unreported: None,
            is_snapshot: false,
            restores: 0,
            credentials,
            invocations: 0,
            frozen_in_flight: Vec::new(),
        })
    }

    /// Returns the folder that stands for `/tmp`, which is the `TMPDIR` of the processes.
    pub fn tmp(&self) -> &Path {
        self.tmp.path()
    }

    /// Returns `host:port` of the APIs, for programs without a process ([`Program::Driven`](crate::Program::Driven)).
    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// Lets this much time pass at once for the processes, while none of them runs.
    ///
    /// # Panics
    ///
    /// Panics if [`Options::clock`] is not set.
    pub fn pass(&self, duration: Duration, pause: Pause) -> std::io::Result<()> {
        assert!(self.shared.options.clock.is_some(), "the processes see the machine's own clocks");
        self.shared.clocks.pass(duration, pause)
    }

    /// Returns the endpoint from which a function with `SnapStart` reads its keys. Each restore changes them.
    pub fn credentials(&self) -> Option<&Arc<Credentials>> {
        self.credentials.as_ref()
    }

    /// Returns the number of requests to Kinesis that were in flight when an extension called `next`, without those that the
    /// extension abandoned.
    pub fn in_flight_at_next(&self) -> usize {
        let requests = self.shared.look(|state| state.in_flight_at_next.concat());
        self.not_abandoned(&requests)
    }

    /// Returns the number of requests to Kinesis that were in flight when the environment was frozen.
    pub fn caught_by_freeze(&self) -> usize {
        self.frozen_in_flight.len()
    }

    fn not_abandoned(&self, requests: &[u64]) -> usize {
        let kinesis = self.shared.options.kinesis.as_ref();
        requests
            .iter()
            .filter(|it| kinesis.is_some_and(|kinesis| !kinesis.was_abandoned(**it)))
            .count()
    }

    /// Returns the peak resident memory of an extension in bytes. Works on Linux only.
    pub fn peak_memory(&self, extension: &str) -> Option<u64> {
        let group = self.shared.look(|state| {
            state.agents.iter().find(|agent| agent.name == extension).and_then(|it| it.group)
        });
        let status = std::fs::read_to_string(format!("/proc/{}/status", group?.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Returns a handle for another task, which works while this environment is busy.
    pub fn remote(&self) -> Remote {
        Remote::new(self.shared.clone(), self.address())
    }

    /// No code runs from here on, and no telemetry is delivered.
    fn freeze(&mut self) {
        let options = &self.shared.options;
        if !options.freezes || options.mode == Mode::ManagedInstances {
            return;
        }
        self.shared.hub.freeze(true);
        self.signal(Signal::SIGSTOP);
        if let Some(kinesis) = &options.kinesis {
            self.frozen_in_flight.extend(kinesis.in_flight());
            if options.freeze_closes_connections {
                kinesis.close_connections();
            }
        }
    }

    fn thaw(&self) {
        self.signal(Signal::SIGCONT);
        self.shared.hub.freeze(false);
    }

    /// Sends a signal to every process.
    fn signal(&self, signal: Signal) {
        self.shared.look(|state| {
            state.groups().into_iter().for_each(|group| group.signal(signal));
        });
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
