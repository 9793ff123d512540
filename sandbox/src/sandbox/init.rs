//! The init phase: extensions first, then the runtime; it ends when all of them have called `next`.

use std::path::Path;

use tokio::time::Instant;

use super::{Failure, Sandbox};
use crate::clock::ms;
use crate::environment::{self, Endpoints};
use crate::options::{MAX_EXTENSIONS, Mode, Program};
use crate::process::Process;
use crate::report::{Init, Status};
use crate::state::{Agent, AgentState};
use crate::telemetry::event::{self, Before, Category, Event};
use nix::sys::signal::Signal;

impl Sandbox {
    /// Starts everything ahead of an invocation. Without this call the first invocation does it.
    pub async fn init(&mut self) -> Init {
        let deadline = Instant::now() + self.shared.options.longest_init();
        self.init_until("init", deadline).await
    }

    pub(super) async fn init_until(&mut self, phase: &str, deadline: Instant) -> Init {
        let options = self.shared.options.clone();
        let hub = &self.shared.hub;
        let start = Instant::now();
        self.was_initialised = true;
        hub.begin();
        hub.freeze(false);
        hub.publish(&event::init_start(&options, &self.log_stream, phase));
        let mut failure = self.start_processes(deadline).await.err();
        let (status, error_type) = outcome(failure.as_ref());
        hub.publish(&event::init_runtime_done(&options, phase, status, error_type));
        // The runtime has done its part; extensions may take longer.
        if failure.is_none() {
            failure = self.all_ready(deadline, Agent::is_idle).await.err();
        }
        let (status, error_type) = outcome(failure.as_ref());
        self.shared.look(|state| {
            for agent in &state.agents {
                let name = format!("{:?}", agent.state);
                hub.publish(&event::extension(&agent.name, &name, &agent.events, agent.error()));
            }
        });
        let duration = start.elapsed();
        hub.publish(&event::init_report(&options, phase, status, error_type, duration));
        hub.close_subscription();
        let init = Init {
            status,
            error_type: error_type.map(str::to_owned),
            message: failure.as_ref().and_then(|failure| failure.message.clone()),
            duration_ms: ms(duration),
        };
        match failure {
            None => {
                self.is_initialised = true;
                self.unreported = Some(Before::Init(duration));
                self.is_snapshot = options.mode == Mode::SnapStart && phase != "invoke";
                match phase {
                    // The environment will have no snapshot.
                    "invoke" => self.shared.update(|state| state.runtime.awaits_restore = false),
                    _ if self.is_snapshot => self.take_snapshot().await,
                    _ => self.freeze(),
                }
            }
            Some(failure) => {
                self.echo_function(&failure);
                self.end(failure.shutdown_reason, Signal::SIGKILL).await;
            }
        }
        init
    }

    /// Starts the extensions, and the runtime once all of them have registered. Waits until the runtime has called
    /// `next`.
    async fn start_processes(&self, deadline: Instant) -> Result<(), Failure> {
        if self.shared.options.extensions.len() > MAX_EXTENSIONS {
            return Err(Failure::error("Extension.TooManyExtensions"));
        }
        for extension in &self.shared.options.extensions {
            self.start_extension(extension)?;
        }
        let registered = |agent: &Agent| agent.state != AgentState::Started;
        self.all_agents(deadline, registered).await?;
        if let Program::File(path) = &self.shared.options.function {
            let variables =
                environment::of_function(&self.shared.options, &self.endpoints(), &self.log_stream);
            let shared = self.shared.clone();
            let on_line = move |line: String| {
                if shared.options.echo {
                    shared.update(|state| state.runtime.keep(&line));
                }
                shared.hub.publish(&Event::line(Category::Function, line));
            };
            let mut process =
                Process::spawn(path, variables, self.shared.options.max_line_bytes, on_line)
                    .map_err(|message| self.cannot_start("Runtime.InvalidEntrypoint", message))?;
            self.shared.update(|state| state.runtime.group = Some(process.group));
            let shared = self.shared.clone();
            tokio::spawn(async move {
                process.exit().await;
                shared.update(|state| state.runtime.has_exited = true);
                process.silence().await;
                shared.update(|state| state.runtime.is_silent = true);
            });
        }
        self.all_ready(deadline, |_| true).await
    }

    /// Waits until the runtime has called `next`, and `is` is true for every extension.
    async fn all_ready(
        &self,
        deadline: Instant,
        is: impl Fn(&Agent) -> bool,
    ) -> Result<(), Failure> {
        let ready = self.shared.until_deadline(deadline, |state| {
            if let Some(error_type) = state.failure() {
                return Some(Err(Failure::error(error_type)));
            }
            if let Some(error_type) = &state.runtime.init_error {
                return Some(Err(Failure::error(error_type)));
            }
            if state.runtime.is_over() {
                return Some(Err(Failure::error("Runtime.ExitError")));
            }
            let all = state.runtime.is_ready() && state.agents.iter().all(&is);
            all.then_some(Ok(()))
        });
        ready.await.unwrap_or_else(|| Err(Failure::timeout(self.shared.options.mode)))
    }

    pub(super) async fn all_agents(
        &self,
        deadline: Instant,
        is: impl Fn(&Agent) -> bool,
    ) -> Result<(), Failure> {
        let all = self.shared.until_deadline(deadline, |state| match state.failure() {
            Some(error_type) => Some(Err(Failure::error(error_type))),
            None => state.agents.iter().all(&is).then_some(Ok(())),
        });
        all.await.unwrap_or_else(|| Err(Failure::timeout(self.shared.options.mode)))
    }

    fn endpoints(&self) -> Endpoints {
        let tmp = self.tmp.path().to_string_lossy().into_owned();
        let credentials = self.credentials.as_ref();
        let credentials = credentials.map(|it| (it.full_uri(), it.token().to_owned()));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let library = self.shared.options.clock.as_deref().map(text);
        let clock = library.zip(self.shared.clocks.file().map(text));
        Endpoints { runtime_api: self.address(), tmp, clock, credentials }
    }

    fn start_extension(&self, program: &Program) -> Result<(), Failure> {
        let name = program.name();
        let Program::File(path) = program else {
            self.shared.update(|state| state.agents.push(Agent::new(name, true, None)));
            return Ok(());
        };
        let variables = environment::of_extension(&self.shared.options, &self.endpoints());
        let (shared, printed_by) = (self.shared.clone(), name.clone());
        let on_line = move |line: String| {
            if shared.options.echo {
                echo(&printed_by, &line);
            }
            shared.update(|state| state.printed.push((printed_by.clone(), line.clone())));
            shared.hub.publish(&Event::line(Category::Extension, line));
        };
        let mut process =
            Process::spawn(path, variables, self.shared.options.max_line_bytes, on_line)
                .map_err(|message| self.cannot_start("Extension.LaunchError", message))?;
        let agent = Agent::new(name, true, Some(process.group));
        let id = agent.id.clone();
        self.shared.update(|state| state.agents.push(agent));
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let status = process.exit().await;
            let at = Instant::now();
            shared.update(|state| state.agent(&id).map(|agent| agent.exit = Some((status, at))));
            process.silence().await;
            shared.update(|state| state.agent(&id).map(|agent| agent.is_silent = true));
        });
        Ok(())
    }

    /// Prints the last lines of the function if its process has failed.
    pub(super) fn echo_function(&self, failure: &Failure) {
        if failure.error_type.starts_with("Runtime.") {
            let lines = self.shared.update(|state| std::mem::take(&mut state.runtime.last_lines));
            for line in lines {
                echo("function", &line);
            }
        }
    }

    fn cannot_start(&self, error_type: &str, message: String) -> Failure {
        if self.shared.options.echo {
            echo("sandbox", &message);
        }
        Failure { message: Some(message), ..Failure::error(error_type) }
    }
}

/// Returns the status and the error type of an end, for the events that report it.
fn outcome(failure: Option<&Failure>) -> (Status, Option<&str>) {
    let status = failure.map_or(Status::Success, |failure| failure.status);
    (status, failure.map(|failure| failure.error_type.as_str()))
}

#[expect(clippy::print_stderr, reason = "`echo` asks for it")]
fn echo(name: &str, line: &str) {
    eprintln!("{name} | {line}");
}
