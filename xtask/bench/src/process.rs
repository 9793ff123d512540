//! A running extension: its memory, its CPU and its end.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeVal;
use nix::unistd::Pid;
use tempfile::TempDir;

/// The time that Lambda leaves an extension between SHUTDOWN and SIGKILL.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// A process with a process group of its own. Dropping it kills the group.
pub(crate) struct Process {
    pub(crate) spawned: Instant,
    child: Child,
    cpu_before: Duration,
    _tmp: TempDir,
}

/// Resident memory, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryKib {
    pub(crate) resident: u64,
    /// Pages that the process has written: no other process shares them, and the kernel cannot drop them.
    pub(crate) private: u64,
    /// The most resident memory so far.
    pub(crate) peak: u64,
}

/// The end of a process.
pub(crate) struct End {
    /// The exit status and the time since SHUTDOWN; `None` if the process had to be killed.
    pub(crate) exit: Option<(ExitStatus, Duration)>,
    /// CPU from its start to its end.
    pub(crate) cpu: Duration,
}

impl Process {
    /// Starts a process. The folder `tmp` goes with it.
    pub(crate) fn spawn(command: &mut Command, tmp: TempDir) -> Result<Self> {
        let cpu_before = children_cpu()?;
        let spawned = Instant::now();
        let child = command.process_group(0).spawn().context("it does not start")?;
        Ok(Self { spawned, child, cpu_before, _tmp: tmp })
    }

    /// Calls `poll` with a time to wait for, until it returns something. Fails once `timeout` is over, or when the process exits.
    pub(crate) fn wait<T>(
        &mut self,
        timeout: Duration,
        poll: impl Fn(Duration) -> Option<T>,
    ) -> Result<T> {
        let slice = Duration::from_millis(20);
        let deadline = Instant::now() + timeout;
        loop {
            // What the process did before it exited counts, so the exit is looked at first.
            let exit = self.child.try_wait()?;
            if let Some(value) = poll(slice) {
                return Ok(value);
            }
            if let Some(exit) = exit {
                bail!("it ended with {exit}");
            }
            if Instant::now() > deadline {
                bail!("{} s have passed", timeout.as_secs());
            }
        }
    }

    /// Returns the memory as it is now.
    pub(crate) fn memory(&self) -> Result<MemoryKib> {
        let rollup = self.read("smaps_rollup")?;
        let field = |name| kib(&rollup, name).context("this kernel does not state memory");
        let peak = kib(&self.read("status")?, "VmHWM").context("this kernel states no peak")?;
        Ok(MemoryKib { resident: field("Rss")?, private: field("Private_Dirty")?, peak })
    }

    /// Returns the number of pages that were read from the disk for this process.
    pub(crate) fn major_faults(&self) -> Result<u64> {
        let stat = self.read("stat")?;
        // The name in parentheses may hold anything; majflt is the tenth field after it.
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields.split(' ').nth(9));
        fields.flatten().and_then(|it| it.parse().ok()).context("/proc/PID/stat is unreadable")
    }

    /// Returns the time that its threads have had on a CPU.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let mut nanos = 0;
        for task in tasks {
            let stat = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Waits for the end after SHUTDOWN, which has just been sent. Kills the process at Lambda's limit.
    pub(crate) fn end(mut self) -> Result<End> {
        let sent = Instant::now();
        let exit = loop {
            if let Some(exit) = self.child.try_wait()? {
                break Some((exit, sent.elapsed()));
            }
            if sent.elapsed() > SHUTDOWN_LIMIT {
                self.kill();
                break None;
            }
            pause();
        };
        Ok(End { exit, cpu: children_cpu()?.saturating_sub(self.cpu_before) })
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))
    }

    fn kill(&mut self) {
        // Once it has been waited for, its number may be that of another process.
        let is_running = matches!(self.child.try_wait(), Ok(None));
        if let (true, Ok(id)) = (is_running, i32::try_from(self.child.id())) {
            _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
            _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the number in a line such as `Rss:   524 kB`.
fn kib(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the end of a child is waited for with a deadline only so"
)]
fn pause() {
    thread::sleep(Duration::from_micros(200));
}

/// Returns the CPU of all children that have ended. One is measured at a time.
fn children_cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("this system counts no CPU")?;
    let duration = |time: TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

#[cfg(test)]
mod tests {
    use super::kib;

    #[test]
    fn a_field_of_memory_is_read_by_its_whole_name() {
        let rollup = "Rss:      3124 kB\nPrivate_Clean: 2800 kB\nPrivate_Dirty:       312 kB\n";
        assert_eq!(kib(rollup, "Private_Dirty"), Some(312));
        assert_eq!(kib(rollup, "Private"), None);
    }
}
