//! Apply: makes the changes of a plan. Writes only.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::Error;
use crate::plan::{Change, Plan};

/// Ending of a file that is being written; one is left over only where the process was killed.
const UNFINISHED: &str = "unfinished";

impl Plan {
    /// Makes every change. Each file is replaced in one step, so a reader never sees half of one, and a read-only file is
    /// no obstacle.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for the first file that cannot be changed. Planning and applying again continues from there.
    pub fn apply(&self) -> Result<(), Error> {
        for change in &self.changes {
            let path = self.root.join(change.path());
            make(change, &path, &self.root).map_err(|source| Error::Io { path, source })?;
        }
        Ok(())
    }
}

fn make(change: &Change, path: &Path, root: &Path) -> io::Result<()> {
    match change {
        Change::Write { after, whole, .. } => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let permissions = if *whole { None } else { Some(fs::metadata(path)?.permissions()) };
            replace(path, after, permissions)
        }
        Change::Protect { .. } => {
            // A failure is ignored: nothing depends on it, and not every file system or owner allows it.
            _ = protect(path);
            Ok(())
        }
        Change::Delete { .. } => delete(path, root),
    }
}

/// Deletes the file, and the folders that it leaves empty. It is not an error if the file does not exist.
fn delete(path: &Path, root: &Path) -> io::Result<()> {
    unprotect(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
    // Ends at the first that is not empty.
    folders.map(fs::remove_dir).take_while(Result::is_ok).for_each(drop);
    Ok(())
}

/// Writes a file next to the target and renames it. Without `permissions` the file is made read-only.
fn replace(path: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.{UNFINISHED}", std::process::id()));
    let written = fs::write(&draft, text)
        .and_then(|()| match permissions {
            Some(permissions) => fs::set_permissions(&draft, permissions),
            None => protect(&draft),
        })
        .and_then(|()| unprotect(path))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // It is the first error that counts.
        _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(unix)]
fn protect(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, Permissions::from_mode(crate::disk::PROTECTED))
}

/// On this system a file's mode does not prevent its replacement.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
fn unprotect(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn protect(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn unprotect(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    let mut permissions = metadata.permissions();
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)
}
