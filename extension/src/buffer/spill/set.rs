//! The spill files of a process: its own, which is created when it is first needed, and those that it has adopted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_spec::EXTENSION_NAME;

use super::{Adopted, EXTENSION, Read, Spill, adopt_into, free_bytes};
use crate::base::{clock, log};
use crate::pack::Record;

/// Where events go for which there is no memory.
#[derive(Clone, Debug)]
pub struct SpillSettings {
    /// Folders for temporary files, the preferred one first. A folder may be missing until it is needed.
    pub folders: Vec<PathBuf>,
    /// Bytes that the files may have; 0 for no file. By default an eighth of what is free in the folder, at most 64 MiB.
    pub max_bytes: Option<u64>,
}

impl SpillSettings {
    /// Settings with one folder, in which the file may have this many bytes.
    pub fn new(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { folders: vec![folder.into()], max_bytes: Some(max_bytes) }
    }
}

/// After a file could not be written the next attempt waits this long.
const PAUSE: Duration = Duration::from_secs(1);
/// The default for the size of a file is at most this.
const MOST_BY_DEFAULT: u64 = 64 * 1024 * 1024;
/// If the default is less than this, the disk is as good as full.
const LEAST_BY_DEFAULT: u64 = 64 * 1024;

/// A folder for files of this process.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// What the names of files in it begin with.
    prefix: String,
    /// The file that is written.
    own: Option<FileNumber>,
    /// Since a file could not be written, which was reported: when the next attempt is due.
    retry_at: Option<Instant>,
}

/// Returns what the names of our files begin with in one of these folders for temporary files, the preferred one first.
/// On one machine several environments may share a folder that is not preferred, so there the preferred one is named.
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
pub(crate) struct FileNumber(u64);

/// The spill files of a process.
#[derive(Debug)]
pub(crate) struct SpillSet {
    folders: Vec<Folder>,
    max_bytes: Option<u64>,
    /// Names own files.
    instance: Arc<str>,
    files: Vec<(FileNumber, Spill)>,
    next_number: u64,
    /// True if a file holds records that were acknowledged, in addition to others.
    has_stale_frames: bool,
}

impl SpillSet {
    /// No file yet. Without settings there will never be one.
    pub(crate) fn new(settings: Option<SpillSettings>, instance: Arc<str>) -> Self {
        let (paths, max_bytes) =
            settings.map_or((Vec::new(), Some(0)), |it| (it.folders, it.max_bytes));
        let prefixes: Vec<String> =
            (0..paths.len()).map(|index| file_prefix(&paths, index)).collect();
        let folders = paths.into_iter().zip(prefixes).map(|(path, prefix)| Folder {
            path,
            prefix,
            own: None,
            retry_at: None,
        });
        Self {
            folders: folders.collect(),
            max_bytes,
            instance,
            files: Vec::new(),
            next_number: 0,
            has_stale_frames: false,
        }
    }

    /// A file that is created from here on bears the name of this instance.
    pub(crate) fn rename(&mut self, instance: Arc<str>) {
        self.instance = instance;
    }

    /// Takes over the files that processes before this one have left.
    pub(crate) fn adopt(&mut self) -> Adopted {
        let mut adopted = Adopted::default();
        for Folder { path, prefix, .. } in &self.folders {
            adopt_into(&mut adopted, path, prefix, &self.instance);
        }
        for spill in std::mem::take(&mut adopted.spills) {
            self.add(spill);
        }
        adopted
    }

    /// Events that wait in files alone.
    pub(crate) fn events(&self) -> u64 {
        self.files.iter().map(|(_, spill)| spill.events()).sum()
    }

    /// Returns the file with the next record that waits in a file alone, and how many bytes it takes to read it.
    pub(crate) fn next(&self) -> Option<(FileNumber, usize)> {
        self.files.iter().find_map(|(number, spill)| Some((*number, spill.next_bytes()?)))
    }

    /// Reads the next record of a file.
    pub(crate) fn read(&mut self, number: FileNumber, now: Instant) -> Option<Read> {
        self.file(number)?.read(now)
    }

    /// Returns true if an own file has room for this many bytes.
    pub(crate) fn has_room(&mut self, bytes: u64) -> bool {
        (0..self.folders.len())
            .any(|index| self.own(index).is_some_and(|(_, spill)| spill.room() >= bytes))
    }

    /// Returns true if a folder is left in which a file can be written now, as far as is known.
    pub(crate) fn is_usable(&self) -> bool {
        let now = clock::now().monotonic;
        self.max_bytes != Some(0) && self.folders.iter().any(|folder| folder.is_usable(now))
    }

    /// Makes the next attempt to write due at once: there may be no later one.
    pub(crate) fn retry_now(&mut self) {
        let now = clock::now().monotonic;
        for retry_at in self.folders.iter_mut().filter_map(|folder| folder.retry_at.as_mut()) {
            *retry_at = now;
        }
    }

    /// Writes a record that waits in an own file from here on. Returns false if that was not possible.
    pub(crate) fn append(&mut self, record: &Record) -> bool {
        self.write(|spill| spill.append(record)).is_some()
    }

    /// Writes a copy of a record that goes on waiting elsewhere to an own file. Returns that file, if it was possible.
    pub(crate) fn save(&mut self, record: &Record) -> Option<FileNumber> {
        self.write(|spill| spill.save(record))
    }

    /// Writes to the first folder in which that is possible.
    fn write(&mut self, write: impl Fn(&mut Spill) -> io::Result<bool>) -> Option<FileNumber> {
        for index in 0..self.folders.len() {
            let Some((number, spill)) = self.own(index) else { continue };
            match write(spill) {
                Ok(true) => {
                    self.recovered(index);
                    return Some(number);
                }
                Ok(false) => {}
                Err(error) => self.fail(index, &error),
            }
        }
        None
    }

    /// The record of a frame waits as two from here on.
    pub(crate) fn share_frame(&mut self, number: FileNumber) {
        if let Some(spill) = self.file(number) {
            spill.share();
        }
    }

    /// The record of a frame waits no longer.
    pub(crate) fn release_frame(&mut self, number: FileNumber) {
        let Some(index) = self.files.iter().position(|(it, _)| *it == number) else { return };
        let is_of_no_more_use = self.files[index].1.done();
        self.has_stale_frames |= !is_of_no_more_use;
        let is_own = self.folders.iter().any(|folder| folder.own == Some(number));
        if is_of_no_more_use && !is_own {
            self.files.remove(index).1.remove();
        }
    }

    /// Replaces files that hold acknowledged records by one with what still waits: these records, which were read, and what
    /// was not: the next process would send the others again. If that is not possible it does, under their identities.
    pub(crate) fn keep_only<'a>(&mut self, read: impl Iterator<Item = &'a Record>) {
        let Some(folder) = self.folders.first().map(|it| it.path.clone()) else { return };
        if !self.has_stale_frames {
            return;
        }
        match self.copy(&folder, read) {
            Ok(kept) => {
                self.close(false);
                self.add(kept);
            }
            Err(why) => {
                log::warn(&format!("some events will come twice, under one identity: {why}"));
            }
        }
    }

    /// A file with these records and all that was not read yet.
    fn copy<'a>(
        &mut self,
        folder: &Path,
        read: impl Iterator<Item = &'a Record>,
    ) -> Result<Spill, String> {
        let name = format!("{}-kept", self.instance);
        let text = |error: std::io::Error| error.to_string();
        let mut kept = Spill::create(folder, &name, u64::MAX).map_err(text)?;
        let copy = || {
            for record in read {
                kept.save(record).map_err(text)?;
            }
            let now = Instant::now();
            for (_, spill) in &mut self.files {
                while let Some(read) = spill.read(now) {
                    match read {
                        Read::Record(record) => _ = kept.save(&record).map_err(text)?,
                        Read::Lost { why, .. } => return Err(why),
                    }
                }
            }
            Ok(())
        };
        match copy() {
            Ok(()) => Ok(kept),
            Err(why) => {
                kept.remove();
                Err(why)
            }
        }
    }

    /// Lets go of all files; deletes them unless the next process finds them.
    pub(crate) fn close(&mut self, has_successor: bool) {
        for (_, spill) in self.files.drain(..) {
            if !has_successor {
                spill.remove();
            }
        }
        self.folders.iter_mut().for_each(|folder| folder.own = None);
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

    /// Returns the own file in a folder, which is created when it is needed; none if that is not possible now.
    fn own(&mut self, index: usize) -> Option<(FileNumber, &mut Spill)> {
        let folder = &self.folders[index];
        if self.max_bytes == Some(0) || !folder.is_usable(clock::now().monotonic) {
            return None;
        }
        let mut own = folder.own;
        if own.is_some_and(|number| self.file(number).is_none_or(|spill| spill.is_deleted())) {
            let folder = self.folders[index].path.display();
            log::warn(&format!("the spill file in {folder} was deleted: another one is begun"));
            own = None;
        }
        let number = match own.map_or_else(|| self.create(index), Ok) {
            Ok(number) => number,
            Err(error) => {
                self.fail(index, &error);
                return None;
            }
        };
        let max_bytes = self.max_bytes_in(index, number);
        if max_bytes < LEAST_BY_DEFAULT && self.max_bytes.is_none() {
            let why = format!("only {max_bytes} bytes may be used, an eighth of what is free");
            self.fail(index, &io::Error::other(why));
            return None;
        }
        let spill = self.file(number)?;
        spill.set_max_bytes(max_bytes);
        Some((number, spill))
    }

    fn create(&mut self, index: usize) -> io::Result<FileNumber> {
        let Folder { path, prefix, .. } = &self.folders[index];
        let name = format!("{prefix}-{}-{}", self.instance, self.next_number);
        let number = self.add(Spill::create_as(path.join(format!("{name}.{EXTENSION}")), 0)?);
        self.folders[index].own = Some(number);
        Ok(number)
    }

    /// Returns how many bytes the own file in a folder may have now.
    fn max_bytes_in(&self, index: usize, number: FileNumber) -> u64 {
        let bytes = |number: FileNumber| {
            self.files.iter().find(|(it, _)| *it == number).map_or(0, |(_, spill)| spill.bytes())
        };
        let Some(max_bytes) = self.max_bytes else {
            let free = free_bytes(&self.folders[index].path);
            return (free.saturating_add(bytes(number)) / 8).min(MOST_BY_DEFAULT);
        };
        let others = self.folders.iter().filter_map(|folder| folder.own);
        let others: u64 = others.filter(|it| *it != number).map(bytes).sum();
        max_bytes.saturating_sub(others)
    }

    /// Reports, once until it is over, that no file can be written in a folder. What is in a file is still read.
    pub(in crate::buffer) fn fail(&mut self, index: usize, error: &io::Error) {
        let now = clock::now().monotonic;
        let was_reported = self.folders[index].retry_at.replace(now + PAUSE).is_some();
        if let Some(number) = self.folders[index].own
            && self.file(number).is_some_and(|spill| spill.is_empty())
        {
            // Nothing must remain in a folder that may be full.
            self.folders[index].own = None;
            if let Some(at) = self.files.iter().position(|(it, _)| *it == number) {
                self.files.remove(at).1.remove();
            }
        }
        if was_reported {
            return;
        }
        let next = self.folders.iter().find(|folder| folder.is_usable(now));
        let consequence = next.map_or_else(
            || "events wait in memory alone until that works again".to_owned(),
            |next| format!("{} is used instead", next.path.display()),
        );
        let folder = self.folders[index].path.display();
        log::warn(&format!("cannot write a spill file in {folder}: {error}; {consequence}"));
    }

    fn recovered(&mut self, index: usize) {
        let folder = &mut self.folders[index];
        if folder.retry_at.take().is_some() {
            log::warn(&format!("spill files in {} can be written again", folder.path.display()));
        }
    }
}

impl Folder {
    /// Returns true unless a failure was a moment ago.
    fn is_usable(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|retry_at| retry_at <= now)
    }
}
