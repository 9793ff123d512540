//! Adopts the files of earlier processes, one slice at a time. A file may hold millions of frames, and the function
//! waits for its first invocation meanwhile.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use extension_spec::EXTENSION_NAME;

use super::frame::{self, Head, Summary};
use super::{EXTENSION, Frame, Spill, SplitEvent};

/// The bytes that are read at once while looking for frames.
const WINDOW: usize = 256 * 1024;
/// The number of frames that are read between two looks at the clock.
const FRAMES_BETWEEN: usize = 64;

/// The files that earlier processes left.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Its files, with all frames known.
    pub spills: Vec<Spill>,
    /// Descriptions of what could not be adopted, for people.
    pub problems: Vec<String>,
}

/// How much of the files is read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// The maximum number of frames.
    pub(crate) frames: usize,
    /// When to stop.
    pub(crate) until: Instant,
}

/// The events found in files that are being adopted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The number of whole events.
    pub(crate) events: u64,
    /// The event of each part that was found.
    pub(crate) parts: Vec<SplitEvent>,
    /// Descriptions of what could not be adopted, for people.
    pub(crate) problems: Vec<String>,
    /// The number of frames that were read, including those of acknowledged records.
    frames: usize,
}

/// A piece of a file.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

/// Adopts everything that earlier processes left in a folder.
pub fn adopt(folder: &Path, instance: &str) -> Adopted {
    let mut adopted = Adopted::default();
    for (number, path) in files(folder, EXTENSION_NAME).iter().enumerate() {
        let own = super::path(folder, &format!("{instance}-adopted-{number}"));
        let mut spill = match Spill::adopt(path, &own) {
            Ok(Some(spill)) => spill,
            Ok(None) => continue,
            Err(problem) => {
                adopted.problems.push(problem);
                continue;
            }
        };
        let mut found = Found::default();
        while spill.has_unscanned() {
            spill.scan(Slice { frames: usize::MAX, until: Instant::now() }, &mut found);
        }
        adopted.problems.extend(found.problems);
        if spill.is_empty() {
            spill.remove();
        } else {
            adopted.spills.push(spill);
        }
    }
    adopted
}

/// Returns the spill files of a folder with this prefix, sorted by name.
pub(super) fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    // A function may keep thousands of its own files there, so only names of spill files become paths.
    let is_ours = |name: &OsStr| {
        name.as_encoded_bytes().starts_with(prefix.as_bytes())
            && Path::new(name).extension().is_some_and(|it| it == EXTENSION)
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut paths: Vec<PathBuf> =
        names.filter(|name| is_ours(name)).map(|name| folder.join(name)).collect();
    paths.sort();
    paths
}

impl Spill {
    /// Opens the file of a process that has ended, and renames it to a name of our own. Its frames are not read yet.
    /// Returns none if its process is alive, or if the file is empty.
    pub(super) fn adopt(path: &Path, own: &Path) -> Result<Option<Self>, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("cannot {what} {}: {error}", path.display())
        };
        let is_file = fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
        if !is_file {
            return Err(failed("adopt", &"it is not a regular file"));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| failed("open", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            // Its process is alive.
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &error)),
        }
        let mut magic = Vec::new();
        (&file)
            .take(frame::MAGIC.len() as u64)
            .read_to_end(&mut magic)
            .map_err(|error| failed("read", &error))?;
        if magic.len() < frame::MAGIC.len() && frame::MAGIC.starts_with(&magic) {
            // The process was killed while it created the file, or the disk was full. The file never held anything.
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        if magic != frame::MAGIC {
            return Err(failed(
                "adopt",
                &"it is not a spill file of this format, and stays unchanged",
            ));
        }
        let end = file.metadata().map_err(|error| failed("read", &error))?.len();
        fs::rename(path, own).map_err(|error| failed("rename", &error))?;
        Ok(Some(Self::of(file, own.to_owned(), end)))
    }

    /// True if more frames may follow that are not known yet.
    pub(super) fn has_unscanned(&self) -> bool {
        self.scanned < self.end
    }

    /// Returns the bytes of frames that are not known yet.
    pub(super) fn unscanned_bytes(&self) -> u64 {
        self.end - self.scanned
    }

    /// Reads the descriptions of further frames without their data, and adds them to `found`. It reads at least a few
    /// frames, and all parts of an event together.
    pub(super) fn scan(&mut self, slice: Slice, found: &mut Found) {
        let mut window = Window::default();
        let mut instance: Arc<str> = "".into();
        let mut frames = 0;
        let mut is_within_event = false;
        while self.has_unscanned() {
            let is_over = frames >= slice.frames
                || (frames > 0 && frames % FRAMES_BETWEEN == 0 && Instant::now() >= slice.until);
            let is_torn = is_within_event && frames < slice.frames.saturating_mul(4);
            if is_over && !is_torn {
                break;
            }
            match self.scan_frame(&mut window, &mut instance) {
                Ok(Some(frame)) => {
                    is_within_event = frame.is_part;
                    self.events += frame.events;
                    found.events += frame.events;
                    if frame.is_part {
                        found.parts.push((frame.span.instance.clone(), frame.span.first));
                    }
                    self.unread.push_back(frame);
                }
                Ok(None) => {}
                Err(why) => {
                    // Frames after a broken one cannot be found.
                    let path = self.path.display();
                    let bytes = self.unscanned_bytes();
                    let text =
                        format!("cannot read {path}: the last {bytes} bytes are broken{why}");
                    found.problems.push(text);
                    self.end = self.scanned;
                }
            }
            frames += 1;
        }
        found.frames += frames;
    }

    /// Returns the next unknown frame; none if its record was acknowledged.
    fn scan_frame(
        &mut self,
        window: &mut Window,
        instance: &mut Arc<str>,
    ) -> Result<Option<Frame>, String> {
        let at = self.scanned;
        let text = |error: io::Error| format!(": {error}");
        let head = window.read(&self.file, at, frame::HEAD + frame::LONGEST_ABOUT).map_err(text)?;
        let (head, beginning) = head.split_first_chunk().ok_or("")?;
        let Head { body, is_done, .. } = frame::head(*head).ok_or("")?;
        let len = (frame::HEAD + body) as u64;
        if len > self.unscanned_bytes() {
            return Err(String::new());
        }
        if is_done {
            self.scanned += len;
            return Ok(None);
        }
        let beginning = &beginning[..beginning.len().min(body)];
        let Summary { events, mut span, is_part } = frame::summary(beginning).ok_or("")?;
        if span.instance == *instance {
            // All frames share one string, because there may be many.
            span.instance = instance.clone();
        } else {
            *instance = span.instance.clone();
        }
        self.scanned += len;
        Ok(Some(Frame { at, len, events, span, is_part }))
    }
}

impl Window {
    /// Returns bytes of a file, up to `len`.
    fn read(&mut self, file: &File, at: u64, len: usize) -> io::Result<&[u8]> {
        let behind = |this: &Self| this.at + this.bytes.len() as u64;
        if at < self.at || at + len as u64 > behind(self) {
            self.bytes.resize(WINDOW, 0);
            self.at = at;
            let mut filled = 0;
            while filled < WINDOW {
                match file.read_at(&mut self.bytes[filled..], at + filled as u64) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.bytes.truncate(filled);
        }
        let from = usize::try_from(at - self.at).unwrap_or(usize::MAX).min(self.bytes.len());
        let to = (from + len).min(self.bytes.len());
        Ok(&self.bytes[from..to])
    }
}

/// Files that are adopted one after the other.
#[derive(Debug, Default)]
pub(super) struct Adoption {
    /// The files to adopt, with their new names.
    paths: VecDeque<(PathBuf, PathBuf)>,
    /// The number in the next new name.
    next_number: usize,
}

impl Adoption {
    /// Adds the files of a folder with this prefix.
    pub(super) fn add(&mut self, folder: &Path, prefix: &str, instance: &str) {
        for path in files(folder, prefix) {
            let name = format!("{prefix}-{instance}-adopted-{}.{EXTENSION}", self.next_number);
            self.next_number += 1;
            self.paths.push_back((path, folder.join(name)));
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.paths.is_empty()
    }

    /// Adopts the next file that can be adopted.
    pub(super) fn next(&mut self, found: &mut Found) -> Option<Spill> {
        while let Some((path, own)) = self.paths.pop_front() {
            match Spill::adopt(&path, &own) {
                Ok(Some(spill)) => return Some(spill),
                Ok(None) => {}
                Err(problem) => found.problems.push(problem),
            }
        }
        None
    }
}

impl Slice {
    /// True if no more frames are to be read.
    pub(super) fn is_over(self, found: &Found) -> bool {
        found.frames >= self.frames || Instant::now() >= self.until
    }

    /// Returns the rest of the slice.
    pub(super) fn rest(self, found: &Found) -> Self {
        Self { frames: self.frames.saturating_sub(found.frames), ..self }
    }
}
