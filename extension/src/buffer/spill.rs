//! Records that wait in a file in `/tmp`, because there is no memory for them or no time.
//!
//! A file is written by one process, which holds a lock on it, and is found by the next process of the environment,
//! which renames it before it reads it: a crash in between makes events come twice under one identity, and loses none.
//! A frame stays in its file until Kinesis has acknowledged its record.

mod frame;
mod set;

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use extension_spec::EXTENSION_NAME;

use crate::base::clock::{self, Moment};
use crate::pack::{Record, Span};
use frame::Summary;
pub use set::SpillSettings;
pub(crate) use set::{FileNumber, SpillSet, file_prefix};

/// What the names of our files end in.
const EXTENSION: &str = "spill";

/// A spill file that this process holds.
#[derive(Debug)]
pub struct Spill {
    file: File,
    path: PathBuf,
    max_bytes: u64,
    /// Where the next frame goes.
    end: u64,
    /// Frames that were not read, oldest first.
    unread: VecDeque<Frame>,
    /// Frames whose record waits in memory as well.
    reading: u64,
}

/// A frame that was not read.
#[derive(Clone, Debug)]
struct Frame {
    at: u64,
    len: u64,
    events: u64,
    span: Span,
    is_part: bool,
}

/// An event that was split, by instance and number.
pub(crate) type SplitEvent = (Arc<str>, u64);

/// What came of reading a frame.
#[derive(Debug)]
pub enum Read {
    /// Its record. Tell [`Spill::done`] when it waits no longer.
    Record(Record),
    /// It cannot be read any more.
    Lost {
        /// How many whole events that costs.
        events: u64,
        /// Their numbers.
        span: Span,
        /// Whether it was a part of an event.
        is_part: bool,
        /// Why.
        why: String,
    },
}

/// What a process before us has left.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Its files.
    pub spills: Vec<Spill>,
    /// How many parts there are in them of events that were split.
    pub parts: HashMap<SplitEvent, u64>,
    /// What could not be adopted, for people.
    pub problems: Vec<String>,
    /// How many files were tried.
    tried: usize,
}

impl Spill {
    /// Creates the file of a process in a folder, of at most so many bytes. Never waits for a lock.
    ///
    /// Where that fails, no file remains, so that the next process does not find one without content.
    pub fn create(folder: &Path, name: &str, max_bytes: u64) -> io::Result<Self> {
        Self::create_as(path(folder, name), max_bytes)
    }

    fn create_as(path: PathBuf, max_bytes: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            // It holds what functions log.
            .mode(0o600)
            .open(&path)?;
        if let Err(error) = begin(&mut file) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let end = frame::MAGIC.len() as u64;
        Ok(Self { file, path, max_bytes, end, unread: VecDeque::new(), reading: 0 })
    }

    /// Returns the bytes that the file has.
    pub(crate) fn bytes(&self) -> u64 {
        self.end
    }

    /// Changes how many bytes the file may have.
    pub(crate) fn set_max_bytes(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// Returns true if no record waits in the file.
    pub(crate) fn is_empty(&self) -> bool {
        self.reading == 0 && self.unread.is_empty()
    }

    /// Returns true if the file was deleted: this process can still read it, and the next one does not find it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|it| it.nlink() == 0)
    }

    /// Bytes that it has room for.
    pub fn room(&self) -> u64 {
        self.max_bytes.saturating_sub(self.end)
    }

    /// Writes a record that waits here from now on. Returns whether there was room for it.
    pub fn append(&mut self, record: &Record) -> io::Result<bool> {
        let at = self.end;
        let has_room = self.write(record)?;
        if has_room {
            self.unread.push_back(Frame::of(record, at, self.end - at));
        }
        Ok(has_room)
    }

    /// Writes a record for the process after us that goes on waiting elsewhere. Tell [`Spill::done`] when it waits no
    /// longer. Returns whether there was room for it.
    pub fn save(&mut self, record: &Record) -> io::Result<bool> {
        let has_room = self.write(record)?;
        self.reading += u64::from(has_room);
        Ok(has_room)
    }

    fn write(&mut self, record: &Record) -> io::Result<bool> {
        let frame = frame::encode(record, clock::now());
        let len = frame.len() as u64;
        if len > self.room() {
            return Ok(false);
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        if let Err(error) = self.file.write_all(&frame) {
            // Half a frame would end the file for whoever reads it.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += len;
        Ok(true)
    }

    /// Events in it that were not read.
    pub fn events(&self) -> u64 {
        self.unread.iter().map(|frame| frame.events).sum()
    }

    /// Bytes of the next record, with what is written about it.
    pub fn next_bytes(&self) -> Option<usize> {
        self.unread.front().map(|frame| usize::try_from(frame.len).unwrap_or(usize::MAX))
    }

    /// Reads the next record.
    pub fn read(&mut self, now: Instant) -> Option<Read> {
        let frame = self.unread.pop_front()?;
        self.reading += 1;
        match read_record(&mut self.file, frame.at, now) {
            Ok(Some(record)) => Some(Read::Record(record)),
            Ok(None) => Some(self.lost(frame, "it is not what was written")),
            Err(error) => Some(self.lost(frame, &error.to_string())),
        }
    }

    /// A record that was read waits as two records.
    pub fn share(&mut self) {
        self.reading += 1;
    }

    /// A record that was read waits no longer. Returns whether the file is of no more use.
    pub fn done(&mut self) -> bool {
        self.reading = self.reading.saturating_sub(1);
        let is_empty = self.is_empty();
        if is_empty {
            self.end = frame::MAGIC.len() as u64;
            // If it cannot be shortened, events come again under their identity.
            let _ = self.file.set_len(self.end);
        }
        is_empty
    }

    /// Deletes the file.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn lost(&mut self, frame: Frame, why: &str) -> Read {
        self.done();
        let why = format!("cannot read {} again: {why}", self.path.display());
        Read::Lost { events: frame.events, span: frame.span, is_part: frame.is_part, why }
    }

    /// Opens what another process has left, reads through it, and takes it over. What is said in vain is why not.
    fn adopt(path: &Path, own: &Path) -> Result<Option<(Self, Option<String>)>, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("cannot {what} {}: {error}", path.display())
        };
        let is_file = fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
        if !is_file {
            return Err(failed("adopt", &"it is no file"));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| failed("open", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            // Of a process that lives.
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &error)),
        }
        let mut magic = Vec::new();
        (&file)
            .take(frame::MAGIC.len() as u64)
            .read_to_end(&mut magic)
            .map_err(|error| failed("read", &error))?;
        if magic.len() < frame::MAGIC.len() && frame::MAGIC.starts_with(&magic) {
            // A process was killed when it created the file, or the disk was full. Nothing was ever in it.
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        if magic != frame::MAGIC {
            return Err(failed("adopt", &"it is no spill file of this format, and stays as it is"));
        }
        fs::rename(path, own).map_err(|error| failed("rename", &error))?;
        let mut end = frame::MAGIC.len() as u64;
        let mut unread = VecDeque::new();
        let mut problem = None;
        let length = file.metadata().map_err(|error| failed("read", &error))?.len();
        while end < length {
            let Ok(Some(frame)) = read_summary(&mut file, end, length) else {
                // Where one frame is broken nobody knows where the next begins.
                let broken = format_args!("the last {} bytes are broken", length - end);
                problem = Some(failed("read", &broken));
                break;
            };
            end += frame.len;
            unread.push_back(frame);
        }
        let spill = Self { file, path: own.to_owned(), max_bytes: 0, end, unread, reading: 0 };
        Ok(Some((spill, problem)))
    }
}

impl Frame {
    fn of(record: &Record, at: u64, len: u64) -> Self {
        let (span, is_part) = (record.span.clone(), record.part.is_some());
        Self { at, len, events: record.events, span, is_part }
    }
}

/// What the frame at this place of a file of such a length holds; none if it is broken. Its data is not read: that takes
/// time, and this happens while a function waits for its first invocation.
fn read_summary(file: &mut File, at: u64, length: u64) -> io::Result<Option<Frame>> {
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; frame::HEAD];
    file.read_exact(&mut head)?;
    let Some((body, _)) = frame::head(head) else { return Ok(None) };
    let len = (frame::HEAD + body) as u64;
    if at + len > length {
        return Ok(None);
    }
    let mut beginning = Vec::new();
    file.take(body.min(frame::LONGEST_ABOUT) as u64).read_to_end(&mut beginning)?;
    let frame = frame::summary(&beginning).map(|Summary { events, span, is_part }| Frame {
        at,
        len,
        events,
        span,
        is_part,
    });
    Ok(frame)
}

/// The record at this place of a file; none if it is broken.
fn read_record(file: &mut File, at: u64, now: Instant) -> io::Result<Option<Record>> {
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; frame::HEAD];
    file.read_exact(&mut head)?;
    let Some((length, checksum)) = frame::head(head) else { return Ok(None) };
    let mut body = Vec::new();
    file.take(length as u64).read_to_end(&mut body)?;
    Ok(frame::decode(&body, checksum, Moment { monotonic: now, wall: clock::wall() }))
}

/// Locks a new file, and writes its first line.
fn begin(file: &mut File) -> io::Result<()> {
    file.try_lock()?;
    file.write_all(frame::MAGIC)?;
    // Before it was locked it was an empty file that no process held, which another process may delete.
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::other("another process has deleted the new file"));
    }
    Ok(())
}

/// Returns how many bytes of a folder's file system are free: 0 if the system does not say.
fn free_bytes(folder: &Path) -> u64 {
    nix::sys::statvfs::statvfs(folder).map_or(0, |it| {
        // Their types differ between systems.
        #[allow(clippy::useless_conversion)]
        u64::from(it.blocks_available()).saturating_mul(u64::from(it.fragment_size()))
    })
}

/// Takes over what processes before this one have left in a folder.
pub fn adopt(folder: &Path, instance: &str) -> Adopted {
    let mut adopted = Adopted::default();
    adopt_into(&mut adopted, folder, EXTENSION_NAME, instance);
    adopted
}

/// Takes over the files of a folder whose names begin so, in addition to those that were taken over already.
fn adopt_into(adopted: &mut Adopted, folder: &Path, prefix: &str, instance: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && path.extension().is_some_and(|it| it == EXTENSION)
    };
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_ours).collect();
    paths.sort();
    for path in &paths {
        let own = folder.join(format!("{prefix}-{instance}-adopted-{}.{EXTENSION}", adopted.tried));
        adopted.tried += 1;
        match Spill::adopt(path, &own) {
            Ok(None) => {}
            Ok(Some((spill, problem))) => {
                adopted.problems.extend(problem);
                if spill.unread.is_empty() {
                    spill.remove();
                    continue;
                }
                for Frame { span, .. } in spill.unread.iter().filter(|frame| frame.is_part) {
                    let event = (span.instance.clone(), span.first);
                    *adopted.parts.entry(event).or_default() += 1;
                }
                adopted.spills.push(spill);
            }
            Err(problem) => adopted.problems.push(problem),
        }
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{EXTENSION_NAME}-{name}.{EXTENSION}"))
}

#[cfg(test)]
mod tests;
