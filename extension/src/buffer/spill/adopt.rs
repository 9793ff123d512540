//! Taking over the files of processes before this one, a slice at a time: a file may hold millions of frames, and the
//! function waits for its first invocation meanwhile.

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

/// Bytes that are read at once while looking for frames.
const WINDOW: usize = 256 * 1024;
/// Between two looks at the clock so many frames are read.
const FRAMES_BETWEEN: usize = 64;

/// What a process before us has left.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Its files, read through.
    pub spills: Vec<Spill>,
    /// What could not be adopted, for people.
    pub problems: Vec<String>,
}

/// How much of files is read through at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// This many frames.
    pub(crate) frames: usize,
    /// No longer than this.
    pub(crate) until: Instant,
}

/// What was found in files that are being adopted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Whole events.
    pub(crate) events: u64,
    /// A part each of an event that was split.
    pub(crate) parts: Vec<SplitEvent>,
    /// What could not be adopted, for people.
    pub(crate) problems: Vec<String>,
    /// Frames that were read, whether their records still wait or not.
    frames: usize,
}

/// A piece of a file.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

/// Takes over everything that processes before this one have left in a folder.
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

/// Returns the spill files of a folder whose names begin so, in their order.
pub(super) fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    // A function may keep thousands of files of its own there: only the names of ours become paths.
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
    /// Opens the file of a process that has ended, and takes it over under a name of our own; its frames are not read yet.
    /// Returns none if its process lives, or if it holds nothing.
    pub(super) fn adopt(path: &Path, own: &Path) -> Result<Option<Self>, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("cannot {what} {}: {error}", path.display())
        };
        let is_file = fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
        if !is_file {
            return Err(failed("adopt", &"it is no file"));
        }
        let file = OpenOptions::new()
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
        let end = file.metadata().map_err(|error| failed("read", &error))?.len();
        fs::rename(path, own).map_err(|error| failed("rename", &error))?;
        Ok(Some(Self::of(file, own.to_owned(), end)))
    }

    /// Returns true if frames may follow of which nothing is known yet.
    pub(super) fn has_unscanned(&self) -> bool {
        self.scanned < self.end
    }

    /// Returns the bytes of frames of which nothing is known yet.
    pub(super) fn unscanned_bytes(&self) -> u64 {
        self.end - self.scanned
    }

    /// Reads what further frames hold, without their data, and adds it to `found`. Reads a few frames in any case, and the
    /// parts of an event together.
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
                    // The frames behind one that is broken cannot be found.
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

    /// Returns the next frame of which nothing is known yet; none if its record was acknowledged.
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
            // One text for all, since there may be many.
            span.instance = instance.clone();
        } else {
            *instance = span.instance.clone();
        }
        self.scanned += len;
        Ok(Some(Frame { at, len, events, span, is_part }))
    }
}

impl Window {
    /// Returns bytes of a file, as many as there are up to `len`.
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
    /// What is to be adopted, and its name from then on.
    paths: VecDeque<(PathBuf, PathBuf)>,
    /// Numbers these names.
    next_number: usize,
}

impl Adoption {
    /// Adds the files of a folder whose names begin so.
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

    /// Takes over the next file that can be.
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
    /// Returns true if nothing more is to be read through.
    pub(super) fn is_over(self, found: &Found) -> bool {
        found.frames >= self.frames || Instant::now() >= self.until
    }

    /// Returns what remains of it.
    pub(super) fn rest(self, found: &Found) -> Self {
        Self { frames: self.frames.saturating_sub(found.frames), ..self }
    }
}
