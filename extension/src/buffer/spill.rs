//! Records that wait in a file in `/tmp` because memory or time is short.
//!
//! One process writes a file and holds a lock on it. The next process of the environment finds the file, and renames it
//! before it reads it. A crash in between repeats events under the same identity, but loses none. A frame stays in its
//! file until Kinesis has acknowledged its record. Then one byte marks it, so that the next process skips it.

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

/// The file name extension of spill files.
const EXTENSION: &str = "spill";

/// A spill file that this process has locked.
#[derive(Debug)]
pub struct Spill {
    file: File,
    path: PathBuf,
    max_bytes: u64,
    /// The position of the next frame.
    end: u64,
    /// The position up to which frames are known.
    scanned: u64,
    /// Known frames that were not read, oldest first.
    unread: VecDeque<Frame>,
    /// The number of events in these frames.
    events: u64,
    /// Frames whose record is also in memory, by position, with the number of records that it became.
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

/// The instance and number of an event that was split.
pub(crate) type SplitEvent = (Arc<str>, u64);

/// The result of reading a frame.
#[derive(Debug)]
pub enum Read {
    /// The record. It also stays in the file.
    Record(Record),
    /// The frame can no longer be read.
    Lost {
        /// The number of whole events that are lost.
        events: u64,
        /// The numbers of these events.
        span: Span,
        /// True if the frame held a part of an event.
        is_part: bool,
        /// Why the frame cannot be read.
        why: String,
    },
}

impl Spill {
    /// Creates the file of a process in a folder, of at most `max_bytes`. It never waits for a lock.
    ///
    /// If it fails, no file remains, so that the next process does not find an empty one.
    pub fn create(folder: &Path, name: &str, max_bytes: u64) -> io::Result<Self> {
        Self::create_as(path(folder, name), max_bytes)
    }

    fn create_as(path: PathBuf, max_bytes: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            // The file contains the logs of functions, so only its owner may read it.
            .mode(0o600)
            .open(&path)?;
        if let Err(error) = begin(&mut file) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { max_bytes, ..Self::of(file, path, frame::MAGIC.len() as u64) })
    }

    /// Creates a file of this length whose frames are unknown, and to which nothing can be added.
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

    /// Returns the size of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.end
    }

    /// Changes the maximum size of the file.
    pub(crate) fn set_max_bytes(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// True if no queued record is in the file.
    pub(crate) fn is_empty(&self) -> bool {
        self.reading.is_empty() && self.unread.is_empty() && self.scanned >= self.end
    }

    /// True if the file was deleted. This process can still read it, but the next one does not find it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|it| it.nlink() == 0)
    }

    /// Returns the bytes for which the file has room.
    pub fn room(&self) -> u64 {
        self.max_bytes.saturating_sub(self.end)
    }

    /// Writes a record that is only in the file from now on. Returns true if there was room for it.
    pub fn append(&mut self, record: &Record) -> io::Result<bool> {
        let Some(at) = self.write(record)? else { return Ok(false) };
        let frame = Frame::of(record, at, self.end - at);
        self.events += frame.events;
        self.unread.push_back(frame);
        Ok(true)
    }

    /// Writes a copy of a queued record for the next process. Returns its position if there was room for it. Call
    /// [`Spill::done`] when the record is no longer queued.
    pub(crate) fn save(&mut self, record: &Record) -> io::Result<Option<u64>> {
        let at = self.write(record)?;
        if let Some(at) = at {
            self.reading.insert(at, 1);
        }
        Ok(at)
    }

    /// Writes a frame. Returns its position if there was room for it.
    fn write(&mut self, record: &Record) -> io::Result<Option<u64>> {
        let frame = frame::encode(record, clock::now());
        let len = frame.len() as u64;
        if len > self.room() {
            return Ok(None);
        }
        let at = self.end;
        if let Err(error) = self.file.write_all_at(&frame, at) {
            // An incomplete frame would hide later frames from readers.
            let _ = self.file.set_len(at);
            return Err(error);
        }
        self.end += len;
        self.scanned = self.end;
        Ok(Some(at))
    }

    /// Returns the number of known events that were not read.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns the bytes of the next frame.
    pub fn next_bytes(&self) -> Option<usize> {
        self.unread.front().map(|frame| usize::try_from(frame.len).unwrap_or(usize::MAX))
    }

    /// Reads the next record.
    pub fn read(&mut self, now: Instant) -> Option<Read> {
        self.read_frame(now).map(|(_, read)| read)
    }

    /// Reads the next record, and returns its position as well. Call [`Spill::done`] when the record is no longer
    /// queued.
    pub(crate) fn read_frame(&mut self, now: Instant) -> Option<(u64, Read)> {
        let frame = self.unread.pop_front()?;
        self.events -= frame.events;
        self.reading.insert(frame.at, 1);
        let at = frame.at;
        let read = match read_record(&self.file, &frame, now) {
            Ok(Some(record)) => Read::Record(record),
            Ok(None) => self.lost(frame, "its checksum does not match"),
            Err(error) => self.lost(frame, &error.to_string()),
        };
        Some((at, read))
    }

    /// Returns the next record without removing it; none if there is none that can be read.
    pub(crate) fn peek(&self, now: Instant) -> Option<Record> {
        read_record(&self.file, self.unread.front()?, now).ok()?
    }

    /// Skips the next record as if it had been read. Returns its position.
    pub(crate) fn skip(&mut self) -> Option<u64> {
        let frame = self.unread.pop_front()?;
        self.events -= frame.events;
        self.reading.insert(frame.at, 1);
        Some(frame.at)
    }

    /// Notes that a record that was read has become two.
    pub(crate) fn share(&mut self, at: u64) {
        if let Some(records) = self.reading.get_mut(&at) {
            *records += 1;
        }
    }

    /// Marks the frame of a record that is no longer queued, so that the next process skips it. Returns true if the
    /// file is no longer needed.
    pub(crate) fn done(&mut self, at: u64) -> bool {
        let Some(records) = self.reading.get_mut(&at) else { return self.is_empty() };
        *records -= 1;
        if *records > 0 {
            return false;
        }
        self.reading.remove(&at);
        let is_empty = self.is_empty();
        // If this fails, events are repeated under the same identity.
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

/// Returns the record of a frame; none if the frame is broken.
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
    // Until it was locked, another process could take the file for an abandoned one and delete it.
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::other("another process has deleted the new file"));
    }
    Ok(())
}

/// Returns the free bytes of a folder's file system; 0 if the system does not report them.
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
