//! Reads files without following links.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::path::RepoPath;

/// A file as it is on the disk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    /// True if it has the mode of a generated file.
    pub(crate) is_protected: bool,
}

impl Found {
    /// Returns the content as text. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Returns the file at `path`, if there is one. An error states why it may not be read, and what to do.
pub(crate) fn look(root: &Path, path: &RepoPath) -> Result<Option<Found>, (String, String)> {
    let mut place = PathBuf::from(root);
    let parts: Vec<&str> = path.as_str().split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        place.push(part);
        let is_last = index + 1 == parts.len();
        let metadata = match fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let here = parts[..=index].join("/");
        if metadata.is_symlink() {
            return Err((
                format!("{here} is a symbolic link, and might lead out of the repository"),
                format!("replace {here} by what it points to"),
            ));
        }
        if is_last && !metadata.is_file() {
            return Err(("it is not a file".to_owned(), format!("move {here} away")));
        }
        if !is_last && !metadata.is_dir() {
            return Err((format!("{here} is not a folder"), format!("move {here} away")));
        }
        if is_last {
            return match fs::read(&place) {
                Ok(bytes) => Ok(Some(Found { bytes, is_protected: is_protected(&metadata) })),
                // Another process removed it meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unreadable(&error)),
            };
        }
    }
    Ok(None)
}

fn unreadable(error: &std::io::Error) -> (String, String) {
    (format!("it cannot be read: {error}"), "check who may read it".to_owned())
}

/// Mode of a generated file: readable for all users, writable for none. (0400 would lock out other users.)
#[cfg(unix)]
pub(crate) const PROTECTED: u32 = 0o444;

#[cfg(unix)]
fn is_protected(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777 == PROTECTED
}

#[cfg(not(unix))]
fn is_protected(metadata: &Metadata) -> bool {
    metadata.permissions().readonly()
}
