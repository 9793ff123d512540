//! The spill files of a process: its own, which is created when it is first needed, and those that it has adopted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::{Adopted, Read, Spill, adopt};
use crate::base::log;
use crate::pack::Record;

/// Where events go for which there is no memory.
#[derive(Clone, Debug)]
pub struct SpillSettings {
    /// The folder for temporary files.
    pub folder: PathBuf,
    /// Bytes that the file may have; 0 for none at all.
    pub max_bytes: u64,
}

/// Identifies one file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileNumber(u64);

/// The spill files of a process.
#[derive(Debug)]
pub(crate) struct SpillSet {
    settings: Option<SpillSettings>,
    /// Names the own file.
    instance: Arc<str>,
    files: Vec<(FileNumber, Spill)>,
    own: Option<FileNumber>,
    next_number: u64,
    /// Whether the own file cannot be written any more.
    has_failed: bool,
    /// Whether a file holds records that were acknowledged, in addition to others.
    has_stale_frames: bool,
}

impl SpillSet {
    /// No file yet. Without settings there will never be one.
    pub(crate) fn new(settings: Option<SpillSettings>, instance: Arc<str>) -> Self {
        Self {
            settings,
            instance,
            files: Vec::new(),
            own: None,
            next_number: 0,
            has_failed: false,
            has_stale_frames: false,
        }
    }

    /// A file that is created from here on bears the name of this instance.
    pub(crate) fn rename(&mut self, instance: Arc<str>) {
        self.instance = instance;
    }

    /// Takes over the files that processes before this one have left.
    pub(crate) fn adopt(&mut self) -> Adopted {
        let Some(settings) = &self.settings else { return Adopted::default() };
        let mut adopted = adopt(&settings.folder, &self.instance);
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

    /// Bytes for which the own file has room.
    pub(crate) fn room(&mut self) -> u64 {
        self.own().map_or(0, |(_, spill)| spill.room())
    }

    /// Whether the own file can still be written.
    pub(crate) fn is_usable(&self) -> bool {
        !self.has_failed
    }

    /// Writes a record that waits in the own file from here on. Returns whether that was possible.
    pub(crate) fn append(&mut self, record: &Record) -> bool {
        let written = self.own().map(|(_, spill)| spill.append(record));
        self.succeeded(written)
    }

    /// Writes a copy of a record that goes on waiting elsewhere to the own file. Returns that file, if it was possible.
    pub(crate) fn save(&mut self, record: &Record) -> Option<FileNumber> {
        let written = self.own().map(|(_, spill)| spill.save(record));
        self.succeeded(written).then_some(self.own).flatten()
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
        if is_of_no_more_use && self.own != Some(number) {
            self.files.remove(index).1.remove();
        }
    }

    /// Replaces files that hold acknowledged records by one with what still waits: these records, which were read, and what
    /// was not: the next process would send the others again. If that is not possible it does, under their identities.
    pub(crate) fn keep_only<'a>(&mut self, read: impl Iterator<Item = &'a Record>) {
        let Some(settings) = self.settings.clone().filter(|_| self.has_stale_frames) else {
            return;
        };
        match self.copy(&settings, read) {
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
        settings: &SpillSettings,
        read: impl Iterator<Item = &'a Record>,
    ) -> Result<Spill, String> {
        let name = format!("{}-kept", self.instance);
        let text = |error: std::io::Error| error.to_string();
        let mut kept = Spill::create(&settings.folder, &name, u64::MAX).map_err(text)?;
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
        self.own = None;
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

    /// The own file, which is created when it is first needed.
    fn own(&mut self) -> Option<(FileNumber, &mut Spill)> {
        if self.has_failed {
            return None;
        }
        if self.own.is_none() {
            let settings = self.settings.as_ref().filter(|it| it.max_bytes > 0)?;
            match Spill::create(&settings.folder, &self.instance, settings.max_bytes) {
                Ok(spill) => self.own = Some(self.add(spill)),
                Err(error) => {
                    self.fail(&error);
                    return None;
                }
            }
        }
        let number = self.own?;
        Some((number, self.file(number)?))
    }

    /// Whether a record was written.
    fn succeeded(&mut self, written: Option<std::io::Result<bool>>) -> bool {
        match written {
            Some(Ok(has_room)) => has_room,
            Some(Err(error)) => {
                self.fail(&error);
                false
            }
            None => false,
        }
    }

    /// Reported once: what is in the file is still read, and nothing more is written.
    pub(in crate::buffer) fn fail(&mut self, error: &std::io::Error) {
        if std::mem::replace(&mut self.has_failed, true) {
            return;
        }
        let folder = self.settings.as_ref().map(|it| it.folder.display().to_string());
        let folder = folder.unwrap_or_default();
        log::warn(&format!(
            "cannot spill events to {folder}: {error}; they wait in memory alone from now on"
        ));
    }
}
