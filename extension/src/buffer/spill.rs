//! Records that wait in a file in `/tmp`, because there is no memory for them or no time.
//!
//! A file is written by one process, which holds a lock on it, and is found by the next process of the environment,
//! which renames it before it reads it: a crash in between makes events come twice under one identity, and loses none.
//! A frame stays in its file until Kinesis has acknowledged its record; then one byte of it says so, so that the next
//! process skips it.

mod adopt;
mod frame;
mod set;

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use extension_spec::EXTENSION_NAME;

use crate::base::clock::{self, Moment};
use crate::pack::{Record, Span};
pub use adopt::adopt;
pub(crate) use adopt::{Found, Slice};
pub use set::SpillSettings;
pub(crate) use set::{FrameId, SpillSet, file_prefix};

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
    /// Up to where its frames are known.
    scanned: u64,
    /// Frames that are known and were not read, oldest first.
    unread: VecDeque<Frame>,
    /// Events of these frames.
    events: u64,
    /// Frames whose record waits in memory as well, by their place, with how many records that is.
    reading: HashMap<u64, u32>,
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
    /// Its record. It stays in the file as well.
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
        Ok(Self { max_bytes, ..Self::of(file, path, frame::MAGIC.len() as u64) })
    }

    /// A file of this length of whose frames nothing is known, and to which nothing can be added.
    fn of(file: File, path: PathBuf, end: u64) -> Self {
        Self {
            file,
            path,
            max_bytes: 0,
            end,
            scanned: frame::MAGIC.len() as u64,
            unread: VecDeque::new(),
            events: 0,
            reading: HashMap::new(),
        }
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
        self.reading.is_empty() && self.unread.is_empty() && self.scanned >= self.end
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
        let Some(at) = self.write(record)? else { return Ok(false) };
        let frame = Frame::of(record, at, self.end - at);
        self.events += frame.events;
        self.unread.push_back(frame);
        Ok(true)
    }

    /// Writes a record for the process after us that goes on waiting elsewhere. Returns where it lies, if there was room
    /// for it. Tell [`Spill::done`] when it waits no longer.
    pub(crate) fn save(&mut self, record: &Record) -> io::Result<Option<u64>> {
        let at = self.write(record)?;
        if let Some(at) = at {
            self.reading.insert(at, 1);
        }
        Ok(at)
    }

    /// Writes a frame. Returns its place, if there was room for it.
    fn write(&mut self, record: &Record) -> io::Result<Option<u64>> {
        let frame = frame::encode(record, clock::now());
        let len = frame.len() as u64;
        if len > self.room() {
            return Ok(None);
        }
        let at = self.end;
        if let Err(error) = self.file.write_all_at(&frame, at) {
            // Half a frame would end the file for whoever reads it.
            let _ = self.file.set_len(at);
            return Err(error);
        }
        self.end += len;
        self.scanned = self.end;
        Ok(Some(at))
    }

    /// Events that are known to be in it and were not read.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of the next record, with what is written about it.
    pub fn next_bytes(&self) -> Option<usize> {
        self.unread.front().map(|frame| usize::try_from(frame.len).unwrap_or(usize::MAX))
    }

    /// Reads the next record.
    pub fn read(&mut self, now: Instant) -> Option<Read> {
        self.read_frame(now).map(|(_, read)| read)
    }

    /// Reads the next record, and says at which place it lies. Tell [`Spill::done`] when it waits no longer.
    pub(crate) fn read_frame(&mut self, now: Instant) -> Option<(u64, Read)> {
        let frame = self.unread.pop_front()?;
        self.events -= frame.events;
        self.reading.insert(frame.at, 1);
        let at = frame.at;
        let read = match read_record(&self.file, &frame, now) {
            Ok(Some(record)) => Read::Record(record),
            Ok(None) => self.lost(frame, "it is not what was written"),
            Err(error) => self.lost(frame, &error.to_string()),
        };
        Some((at, read))
    }

    /// Returns the next record, which waits here alone still; none if there is none that can be read.
    pub(crate) fn peek(&self, now: Instant) -> Option<Record> {
        read_record(&self.file, self.unread.front()?, now).ok()?
    }

    /// Goes on behind the next record, as if it had been read. Returns its place.
    pub(crate) fn skip(&mut self) -> Option<u64> {
        let frame = self.unread.pop_front()?;
        self.events -= frame.events;
        self.reading.insert(frame.at, 1);
        Some(frame.at)
    }

    /// A record that was read waits as two records.
    pub(crate) fn share(&mut self, at: u64) {
        if let Some(records) = self.reading.get_mut(&at) {
            *records += 1;
        }
    }

    /// A record that was read waits no longer: the next process skips its frame. Returns whether the file is of no more
    /// use.
    pub(crate) fn done(&mut self, at: u64) -> bool {
        let Some(records) = self.reading.get_mut(&at) else { return self.is_empty() };
        *records -= 1;
        if *records > 0 {
            return false;
        }
        self.reading.remove(&at);
        let is_empty = self.is_empty();
        // Where this fails, events come again under their identity.
        let _ = if is_empty {
            self.end = frame::MAGIC.len() as u64;
            self.scanned = self.end;
            self.file.set_len(self.end)
        } else {
            let (byte, place) = frame::DONE;
            self.file.write_all_at(&[byte], at + place)
        };
        is_empty
    }

    /// Deletes the file.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn lost(&mut self, frame: Frame, why: &str) -> Read {
        self.done(frame.at);
        let why = format!("cannot read {} again: {why}", self.path.display());
        Read::Lost { events: frame.events, span: frame.span, is_part: frame.is_part, why }
    }
}

impl Frame {
    fn of(record: &Record, at: u64, len: u64) -> Self {
        let (span, is_part) = (record.span.clone(), record.part.is_some());
        Self { at, len, events: record.events, span, is_part }
    }
}

/// The record of a frame; none if it is broken.
fn read_record(file: &File, frame: &Frame, now: Instant) -> io::Result<Option<Record>> {
    let mut bytes = vec![0; usize::try_from(frame.len).unwrap_or_default()];
    file.read_exact_at(&mut bytes, frame.at)?;
    let Some((head, body)) = bytes.split_first_chunk() else { return Ok(None) };
    let Some(head) = frame::head(*head).filter(|head| head.body == body.len()) else {
        return Ok(None);
    };
    Ok(frame::decode(body, head.checksum, Moment { monotonic: now, wall: clock::wall() }))
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

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{EXTENSION_NAME}-{name}.{EXTENSION}"))
}

#[cfg(test)]
mod tests;
