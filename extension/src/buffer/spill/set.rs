//! The spill files of a process: its own, which are created on demand, and those that it has adopted.

mod own;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use extension_spec::EXTENSION_NAME;

use super::adopt::{Adoption, Found, Slice};
use super::{Read, Spill};
use crate::base::clock;
use crate::pack::Record;

/// Where events go that do not fit into memory.
#[derive(Clone, Debug)]
pub struct SpillSettings {
    /// Folders for temporary files, the preferred one first. A folder may be missing until it is needed.
    pub folders: Vec<PathBuf>,
    /// The maximum number of bytes of all files; 0 disables them. By default an eighth of the free space in the folder,
    /// at most 64 MiB.
    pub max_bytes: Option<u64>,
}

impl SpillSettings {
    /// Returns settings with one folder, in which the file may have this many bytes.
    pub fn new(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { folders: vec![folder.into()], max_bytes: Some(max_bytes) }
    }
}

/// A folder for files of this process.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// The prefix of the names of files in it.
    prefix: String,
    /// The file that is written.
    own: Option<FileNumber>,
    /// Files that were written earlier, and are deleted once they hold no queued record.
    full: Vec<FileNumber>,
    /// After a reported failure to write a file: when the next attempt is due.
    retry_at: Option<Instant>,
}

/// Returns the prefix of file names in one of these folders for temporary files, of which the first one is preferred.
/// Several environments on one machine may share a fallback folder, so the prefix names the preferred folder there.
pub(crate) fn file_prefix(folders: &[PathBuf], index: usize) -> String {
    match folders.first() {
        Some(preferred) if index > 0 => {
            let number = crc32fast::hash(preferred.as_os_str().as_encoded_bytes());
            format!("{EXTENSION_NAME}-{number:08x}")
        }
        _ => EXTENSION_NAME.to_owned(),
    }
}

/// Identifies one file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileNumber(u64);

/// Identifies a frame of a file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameId {
    file: FileNumber,
    at: u64,
}

/// The spill files of a process.
#[derive(Debug)]
pub(crate) struct SpillSet {
    folders: Vec<Folder>,
    max_bytes: Option<u64>,
    /// The instance in the names of own files.
    instance: Arc<str>,
    files: Vec<(FileNumber, Spill)>,
    next_number: u64,
    /// Files that are still to be adopted.
    adoption: Adoption,
}

impl SpillSet {
    /// Creates a set without files. Without settings it never creates one.
    pub(crate) fn new(settings: Option<SpillSettings>, instance: Arc<str>) -> Self {
        let (paths, max_bytes) =
            settings.map_or((Vec::new(), Some(0)), |it| (it.folders, it.max_bytes));
        let prefixes: Vec<String> =
            (0..paths.len()).map(|index| file_prefix(&paths, index)).collect();
        let folders = paths.into_iter().zip(prefixes).map(|(path, prefix)| Folder {
            path,
            prefix,
            own: None,
            full: Vec::new(),
            retry_at: None,
        });
        Self {
            folders: folders.collect(),
            max_bytes,
            instance,
            files: Vec::new(),
            next_number: 0,
            adoption: Adoption::default(),
        }
    }

    /// Uses this instance in the names of files that are created from now on.
    pub(crate) fn rename(&mut self, instance: Arc<str>) {
        self.instance = instance;
    }

    /// Finds files that earlier processes left, and adopts as much as the slice allows.
    pub(crate) fn adopt(&mut self, slice: Slice) -> Found {
        for Folder { path, prefix, .. } in &self.folders {
            self.adoption.add(path, prefix, &self.instance);
        }
        self.discover(slice)
    }

    /// True if files may hold more events than are known.
    pub(crate) fn has_undiscovered(&self) -> bool {
        !self.adoption.is_over() || self.files.iter().any(|(_, spill)| spill.has_unscanned())
    }

    /// Returns the bytes of files whose frames are not known yet.
    pub(crate) fn undiscovered_bytes(&self) -> u64 {
        self.files.iter().map(|(_, spill)| spill.unscanned_bytes()).sum()
    }

    /// Continues to adopt files, as far as the slice allows.
    pub(crate) fn discover(&mut self, slice: Slice) -> Found {
        let mut found = Found::default();
        loop {
            if let Some(at) = self.files.iter().position(|(_, spill)| spill.has_unscanned()) {
                self.files[at].1.scan(slice.rest(&found), &mut found);
                if self.files[at].1.is_empty() {
                    self.files.remove(at).1.remove();
                }
            } else if let Some(spill) = self.adoption.next(&mut found) {
                if spill.is_empty() {
                    spill.remove();
                } else {
                    self.add(spill);
                }
            } else {
                return found;
            }
            if slice.is_over(&found) {
                return found;
            }
        }
    }

    /// Returns the number of events that are only in files.
    pub(crate) fn events(&self) -> u64 {
        self.files.iter().map(|(_, spill)| spill.events()).sum()
    }

    /// Returns the bytes of the next record that is only in a file, if one is known.
    pub(crate) fn next_bytes(&self) -> Option<usize> {
        self.files.iter().find_map(|(_, spill)| spill.next_bytes())
    }

    /// Reads the next record that is only in a file.
    pub(crate) fn read(&mut self, now: Instant) -> Option<(FrameId, Read)> {
        let (file, spill) =
            self.files.iter_mut().find(|(_, spill)| spill.next_bytes().is_some())?;
        let (at, read) = spill.read_frame(now)?;
        Some((FrameId { file: *file, at }, read))
    }

    /// True if an own file has room for this many bytes.
    pub(crate) fn has_room(&mut self, bytes: u64) -> bool {
        (0..self.folders.len())
            .any(|index| self.own(index, None).is_some_and(|(_, spill)| spill.room() >= bytes))
    }

    /// True if a file can be written in some folder now, as far as is known.
    pub(crate) fn is_usable(&self) -> bool {
        let now = clock::now().monotonic;
        self.max_bytes != Some(0) && self.folders.iter().any(|folder| folder.is_usable(now))
    }

    /// Makes the next attempt to write due at once, because it may be the last.
    pub(crate) fn retry_now(&mut self) {
        let now = clock::now().monotonic;
        for retry_at in self.folders.iter_mut().filter_map(|folder| folder.retry_at.as_mut()) {
            *retry_at = now;
        }
    }

    /// Writes a record that is only in an own file from now on. Returns false if that fails.
    pub(crate) fn append(&mut self, record: &Record) -> bool {
        self.write(record, |spill| Ok(spill.append(record)?.then_some(()))).is_some()
    }

    /// Writes a copy of a queued record to an own file. Returns its frame, or none if that fails.
    pub(crate) fn save(&mut self, record: &Record) -> Option<FrameId> {
        let (file, at) = self.write(record, |spill| spill.save(record))?;
        Some(FrameId { file, at })
    }

    /// Writes a record to the first folder in which that succeeds.
    fn write<T>(
        &mut self,
        record: &Record,
        write: impl Fn(&mut Spill) -> io::Result<Option<T>>,
    ) -> Option<(FileNumber, T)> {
        for index in 0..self.folders.len() {
            let Some((number, spill)) = self.own(index, Some(record)) else { continue };
            match write(spill) {
                Ok(Some(written)) => {
                    self.recovered(index);
                    return Some((number, written));
                }
                Ok(None) => {}
                Err(error) => self.fail(index, &error),
            }
        }
        None
    }

    /// Notes that the record of a frame has become two.
    pub(crate) fn share_frame(&mut self, frame: FrameId) {
        if let Some(spill) = self.file(frame.file) {
            spill.share(frame.at);
        }
    }

    /// Releases a frame whose record is no longer queued.
    pub(crate) fn release_frame(&mut self, frame: FrameId) {
        let Some(index) = self.files.iter().position(|(it, _)| *it == frame.file) else { return };
        let is_of_no_more_use = self.files[index].1.done(frame.at);
        let is_own = self.folders.iter().any(|folder| folder.own == Some(frame.file));
        if is_of_no_more_use && !is_own {
            self.files.remove(index).1.remove();
        }
    }

    /// True if the next process does not find a frame because its file was deleted.
    pub(crate) fn is_deleted(&self, frame: FrameId) -> bool {
        let file = self.files.iter().find(|(number, _)| *number == frame.file);
        file.is_none_or(|(_, spill)| spill.is_deleted())
    }

    /// Writes records that are only in deleted files to a file that the next process finds, until the given time.
    pub(crate) fn restore_deleted(&mut self, until: Instant) {
        let is_deleted =
            |(_, spill): &(FileNumber, Spill)| spill.next_bytes().is_some() && spill.is_deleted();
        while let Some(at) = self.files.iter().position(is_deleted) {
            let now = clock::now().monotonic;
            let Some(record) = self.files[at].1.peek(now).filter(|_| now < until) else { return };
            let number = self.files[at].0;
            if !self.append(&record) {
                return;
            }
            if let Some(frame) = self.file(number).and_then(Spill::skip) {
                self.release_frame(FrameId { file: number, at: frame });
            }
        }
    }

    /// Returns the number of events that are only in files which the next process finds.
    pub(crate) fn events_to_hand_over(&self) -> u64 {
        let kept = self.files.iter().filter(|(_, spill)| !spill.is_deleted());
        kept.map(|(_, spill)| spill.events()).sum()
    }

    /// Closes all files, and deletes them unless a next process finds them.
    pub(crate) fn close(&mut self, has_successor: bool) {
        for (_, spill) in self.files.drain(..) {
            if !has_successor {
                spill.remove();
            }
        }
        for folder in &mut self.folders {
            folder.own = None;
            folder.full.clear();
        }
    }

    fn add(&mut self, spill: Spill) -> FileNumber {
        let number = FileNumber(self.next_number);
        self.next_number += 1;
        self.files.push((number, spill));
        number
    }

    fn file(&mut self, number: FileNumber) -> Option<&mut Spill> {
        self.files.iter_mut().find(|(it, _)| *it == number).map(|(_, spill)| spill)
    }
}

impl Folder {
    /// True unless a write failed a moment ago.
    fn is_usable(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|retry_at| retry_at <= now)
    }
}
