//! Clocks: wall time in the two forms that Lambda uses, and what the processes see of time.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use crate::lock::lock;

/// UTC, ISO 8601, milliseconds, `Z`.
pub(crate) fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Milliseconds since 1970.
pub(crate) fn epoch_ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis())
        .unwrap_or(u64::MAX)
}

/// Milliseconds with three decimals, as Lambda reports durations.
pub(crate) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// How time passes in an environment while none of its code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The processes are stopped. Both clocks advance.
    Stopped,
    /// The machine is paused. The wall clock is set when it resumes; the monotonic clock does not advance.
    Machine,
}

/// How far the clocks of the processes are ahead of the machine's.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// The file that the processes read, if their clocks can be set.
    file: Option<NamedTempFile>,
    ahead: Mutex<Ahead>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ahead {
    wall: Duration,
    monotonic: Duration,
}

impl Clocks {
    /// Returns clocks that agree with the machine's.
    pub(crate) fn new(can_be_set: bool) -> io::Result<Self> {
        let file = if can_be_set { Some(NamedTempFile::new()?) } else { None };
        let clocks = Self { file, ahead: Mutex::default() };
        clocks.write(Ahead::default())?;
        Ok(clocks)
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(NamedTempFile::path)
    }

    /// Lets time pass at once.
    pub(crate) fn pass(&self, duration: Duration, pause: Pause) -> io::Result<()> {
        let mut ahead = self.ahead();
        ahead.wall += duration;
        if pause == Pause::Stopped {
            ahead.monotonic += duration;
        }
        self.write(*ahead)
    }

    /// The wall clock that the processes see.
    pub(crate) fn wall(&self) -> SystemTime {
        SystemTime::now() + self.ahead().wall
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        lock(&self.ahead)
    }

    fn write(&self, Ahead { wall, monotonic }: Ahead) -> io::Result<()> {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let bytes = [wall, monotonic].map(|ahead| nanos(ahead).to_ne_bytes()).concat();
        match &self.file {
            // Written in place, because the processes have mapped the file.
            Some(file) => file.as_file().write_all_at(&bytes, 0),
            None => Ok(()),
        }
    }
}
