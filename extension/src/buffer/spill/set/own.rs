//! The files that a process writes itself: when a file is started, how large it may be, and how failures are reported.

use std::io;
use std::time::Duration;

use super::{FileNumber, Folder, SpillSet};
use crate::base::{clock, log};
use crate::buffer::spill::{EXTENSION, Spill, free_bytes};
use crate::pack::Record;

/// The pause after a file could not be written.
const PAUSE: Duration = Duration::from_secs(1);
/// The largest default size of the files, in bytes.
const MOST_BY_DEFAULT: u64 = 64 * 1024 * 1024;
/// The smallest default size of the files, in bytes. Below it the disk counts as full.
const LEAST_BY_DEFAULT: u64 = 4 * 1024;
/// After this fraction of the allowed bytes another file is started. A file is deleted once it holds no queued record,
/// so delivered records free their space while others wait.
const FILES: u64 = 8;
/// The maximum number of bytes that a frame in a new file takes in addition to the data of its record.
const FRAME: u64 = 1_024;

impl SpillSet {
    /// Returns the own file in a folder, for this record if there is one, and creates it if needed. Returns none if
    /// that fails now.
    pub(super) fn own(
        &mut self,
        index: usize,
        record: Option<&Record>,
    ) -> Option<(FileNumber, &mut Spill)> {
        let folder = &self.folders[index];
        if self.max_bytes == Some(0) || !folder.is_usable(clock::now().monotonic) {
            return None;
        }
        let mut own = folder.own;
        if own.is_some_and(|number| self.file(number).is_none_or(|spill| spill.is_deleted())) {
            let folder = self.folders[index].path.display();
            log::warn(&format!(
                "the spill file in {folder} was deleted: the extension starts another one"
            ));
            own = None;
        }
        let mut number = match own.map_or_else(|| self.create(index), Ok) {
            Ok(number) => number,
            Err(error) => {
                self.fail(index, &error);
                return None;
            }
        };
        let used = self.bytes_of_all(index);
        let total = self.max_bytes_of_all(index, used);
        if total < LEAST_BY_DEFAULT && self.max_bytes.is_none() {
            let why = format!("only {total} bytes may be used, an eighth of the free space");
            self.fail(index, &io::Error::other(why));
            return None;
        }
        let mut others = used.saturating_sub(self.bytes(number));
        let rest = total.saturating_sub(used);
        if record.is_some_and(|it| self.must_begin_next(number, it, rest, total / FILES))
            && let Some(next) = self.begin_next(index, number)
        {
            (number, others) = (next, used);
        }
        let spill = self.file(number)?;
        spill.set_max_bytes(total.saturating_sub(others));
        Some((number, spill))
    }

    fn create(&mut self, index: usize) -> io::Result<FileNumber> {
        let Folder { path, prefix, .. } = &self.folders[index];
        let name = format!("{prefix}-{}-{}", self.instance, self.next_number);
        let number = self.add(Spill::create_as(path.join(format!("{name}.{EXTENSION}")), 0)?);
        self.folders[index].own = Some(number);
        Ok(number)
    }

    /// True if a record belongs in another own file, because this one is large and another one has room for it. All
    /// parts of an event belong in one file, because the next process adopts one file after the other.
    fn must_begin_next(
        &mut self,
        number: FileNumber,
        record: &Record,
        rest: u64,
        large: u64,
    ) -> bool {
        let is_later_part = record.part.is_some_and(|part| part.part > 1);
        !is_later_part
            && rest >= record.data.len() as u64 + FRAME
            && self.file(number).is_some_and(|spill| !spill.is_empty() && spill.bytes() >= large)
    }

    /// Starts another own file after this one. If that fails, this one stays in use.
    fn begin_next(&mut self, index: usize, number: FileNumber) -> Option<FileNumber> {
        let next = self.create(index).ok()?;
        let Self { folders, files, .. } = self;
        let full = &mut folders[index].full;
        full.retain(|it| files.iter().any(|(number, _)| number == it));
        full.push(number);
        Some(next)
    }

    /// Returns how many bytes own files may have now: those of all folders, or by default those of this one. They have
    /// `used` bytes at present.
    fn max_bytes_of_all(&self, index: usize, used: u64) -> u64 {
        self.max_bytes.unwrap_or_else(|| {
            let free = free_bytes(&self.folders[index].path);
            (free.saturating_add(used) / 8).min(MOST_BY_DEFAULT)
        })
    }

    /// Returns the bytes of the own files to which [`Self::max_bytes_of_all`] applies.
    fn bytes_of_all(&self, index: usize) -> u64 {
        let folders = match self.max_bytes {
            Some(_) => &self.folders[..],
            None => &self.folders[index..=index],
        };
        folders.iter().flat_map(|it| it.full.iter().chain(&it.own)).map(|it| self.bytes(*it)).sum()
    }

    /// Returns the size of a file in bytes; 0 if it was deleted, because its records are to be written again.
    fn bytes(&self, number: FileNumber) -> u64 {
        let file = self.files.iter().find(|(it, _)| *it == number);
        file.filter(|(_, spill)| !spill.is_deleted()).map_or(0, |(_, spill)| spill.bytes())
    }

    /// Reports that no file can be written in a folder, once until it succeeds again. Existing files are still read.
    pub(in crate::buffer) fn fail(&mut self, index: usize, error: &io::Error) {
        let now = clock::now().monotonic;
        let was_reported = self.folders[index].retry_at.replace(now + PAUSE).is_some();
        if let Some(number) = self.folders[index].own
            && self.file(number).is_some_and(|spill| spill.is_empty())
        {
            // The folder may be full, so nothing must remain in it.
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
            || "events are only in memory until that works again".to_owned(),
            |next| format!("{} is used instead", next.path.display()),
        );
        let folder = self.folders[index].path.display();
        log::warn(&format!("cannot write a spill file in {folder}: {error}; {consequence}"));
    }

    pub(super) fn recovered(&mut self, index: usize) {
        let folder = &mut self.folders[index];
        if folder.retry_at.take().is_some() {
            log::warn(&format!("spill files in {} can be written again", folder.path.display()));
        }
    }
}
