//! Child processes, none of which outlives this one.
//!
//! Each leads a process group of its own, so that it can be ended together with everything that it starts. An interruption
//! (Ctrl-C, SIGTERM, SIGHUP) ends them all. Functions that wait for a child then return [`Interrupted`], and `main` ends with
//! the code that shells expect.
//!
//! A child may be a command of xtask with children of its own ([`within`]). It ends those first.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The time from asking a process to end until it is killed.
const GRACE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 3_000 });
/// The variable that is set if another command of xtask runs this one as a part of its work.
const WITHIN: &str = "XTASK_WITHIN";

/// The running children. Spawning and interrupting exclude each other, so that no child is overlooked.
static RUNNING: Mutex<Running> = Mutex::new(Running { interrupted: false, children: Vec::new() });
static INTERRUPTED: Condvar = Condvar::new();

struct Running {
    interrupted: bool,
    children: Vec<Arc<Child>>,
}

/// The error after Ctrl-C, SIGTERM or SIGHUP.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::error::Error for Interrupted {}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

/// Makes an interruption end the children before this process.
pub(crate) fn end_children_when_interrupted() -> Result<()> {
    ctrlc::set_handler(interrupt).context("signals cannot be handled")
}

/// Makes a command of xtask a part of this one, which reports for both.
pub(crate) fn within(command: &mut Command) -> &mut Command {
    command.env(WITHIN, "true")
}

/// Returns true if the command that runs this one reports for both.
pub(crate) fn is_within() -> bool {
    std::env::var_os(WITHIN).is_some()
}

/// Returns the time until children are killed. A command within another one must end its children before it is killed itself.
fn grace() -> Duration {
    if is_within() { GRACE / 2 } else { GRACE }
}

fn interrupt() {
    let children = {
        let mut running = lock(&RUNNING);
        running.interrupted = true;
        INTERRUPTED.notify_all();
        running.children.clone()
    };
    for child in &children {
        child.ask_to_end();
    }
    let deadline = Instant::now() + grace();
    for child in &children {
        child.make_end(deadline);
    }
}

/// Fails if there was an interruption.
pub(crate) fn check() -> Result<()> {
    if lock(&RUNNING).interrupted { Err(Interrupted.into()) } else { Ok(()) }
}

/// Runs work that must be done even after an interruption. A further one ends the children of this work, too.
pub(crate) fn in_any_case<T>(work: impl FnOnce() -> T) -> T {
    let was_interrupted = std::mem::take(&mut lock(&RUNNING).interrupted);
    let done = work();
    lock(&RUNNING).interrupted |= was_interrupted;
    done
}

/// Waits, unless there is an interruption.
pub(crate) fn pause(duration: Duration) -> Result<()> {
    let going_on = |running: &mut Running| !running.interrupted;
    drop(INTERRUPTED.wait_timeout_while(lock(&RUNNING), duration, going_on));
    check()
}

struct Child {
    group: Pid,
    stdin: Mutex<Option<ChildStdin>>,
    /// True once it was asked to end.
    ending: AtomicBool,
    exit: Mutex<Option<ExitStatus>>,
    exited: Condvar,
}

impl Child {
    fn signal(&self, signal: Signal) {
        // The lock is held, because the id of a group that has exited may belong to another group by now.
        let exit = lock(&self.exit);
        if exit.is_none() {
            // It fails only if the group has already ended, which is the goal.
            _ = killpg(self.group, signal);
        }
    }

    fn ask_to_end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        lock(&self.stdin).take();
        self.signal(Signal::SIGTERM);
    }

    fn make_end(&self, deadline: Instant) {
        if self.exit_until(deadline).is_none() {
            self.signal(Signal::SIGKILL);
            drop(self.exited.wait_while(lock(&self.exit), |exit| exit.is_none()));
        }
    }

    fn exit_until(&self, deadline: Instant) -> Option<ExitStatus> {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.exited.wait_timeout_while(lock(&self.exit), left, |exit| exit.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A running process. Dropping it ends it.
pub(crate) struct Process {
    what: String,
    child: Arc<Child>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

impl Process {
    /// Starts `command`; `what` names it in messages. A piped stdin stays open until the end.
    pub(crate) fn spawn(what: &str, command: &mut Command) -> Result<Self> {
        let mut running = lock(&RUNNING);
        if running.interrupted {
            return Err(Interrupted.into());
        }
        let mut spawned =
            command.process_group(0).spawn().with_context(|| format!("{what} does not start"))?;
        let child = Arc::new(Child {
            group: Pid::from_raw(i32::try_from(spawned.id()).context("a process id too large")?),
            stdin: Mutex::new(spawned.stdin.take()),
            ending: AtomicBool::new(false),
            exit: Mutex::new(None),
            exited: Condvar::new(),
        });
        let (stdout, stderr) = (spawned.stdout.take(), spawned.stderr.take());
        let waiting = Arc::clone(&child);
        thread::spawn(move || {
            // Waiting for a child fails only if another caller has waited for it.
            let exit = spawned.wait().expect("a child can be waited for once");
            if waiting.ending.load(Ordering::Relaxed) || !exit.success() {
                // Its descendants may have ignored the signal, or not received it. While any of them is running, the group keeps
                // its id.
                _ = killpg(waiting.group, Signal::SIGKILL);
            }
            *lock(&waiting.exit) = Some(exit);
            waiting.exited.notify_all();
        });
        running.children.push(Arc::clone(&child));
        Ok(Self { what: what.to_owned(), child, stdout, stderr })
    }

    pub(crate) fn wait(&self) -> Result<ExitStatus> {
        let exit = self.child.exited.wait_while(lock(&self.child.exit), |exit| exit.is_none());
        let exit = *exit.unwrap_or_else(PoisonError::into_inner);
        check()?;
        exit.with_context(|| format!("the exit status of {} is unknown", self.what))
    }

    /// Ends it now.
    pub(crate) fn end(&self) {
        self.child.ask_to_end();
        self.child.make_end(Instant::now() + grace());
    }

    /// Lets it continue after this process ends, and tells it so on its stdin. Returns its id.
    pub(crate) fn leave(self, farewell: &str) -> Result<Pid> {
        if let Some(mut stdin) = lock(&self.child.stdin).take() {
            stdin
                .write_all(farewell.as_bytes())
                .with_context(|| format!("{} does not read its stdin", self.what))?;
        }
        self.forget();
        let group = self.child.group;
        std::mem::forget(self);
        Ok(group)
    }

    fn forget(&self) {
        lock(&RUNNING).children.retain(|child| !Arc::ptr_eq(child, &self.child));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        self.forget();
    }
}

/// Runs `command` to its end; it must succeed.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    let exit = Process::spawn(what, command.stdin(Stdio::null()))?.wait()?;
    if !exit.success() {
        bail!("{what} failed ({exit})");
    }
    Ok(())
}

/// Runs `command` to its end and gives what it wrote to stdout; its stderr is passed through.
pub(crate) fn output(what: &str, command: &mut Command) -> Result<(ExitStatus, String)> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::spawn(what, command)?;
    let mut text = String::new();
    if let Some(mut stdout) = process.stdout.take() {
        stdout.read_to_string(&mut text).with_context(|| format!("{what} writes no text"))?;
    }
    Ok((process.wait()?, text))
}

/// The lines of a pipe; what is not UTF-8 is replaced.
pub(crate) fn lines(pipe: impl Read) -> impl Iterator<Item = io::Result<String>> {
    let lines = BufReader::new(pipe).split(b'\n');
    lines.map(|line| line.map(|line| String::from_utf8_lossy(&line).into_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
