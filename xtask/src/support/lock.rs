//! A lock between processes, so that two commands at a time do not install, build or write the same thing.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

/// Waits for the lock of this file and holds it until the result is dropped. Makes the folder and the file.
pub(crate) fn locked(path: &Path) -> Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    }
    let lock = File::options().create(true).truncate(false).write(true).open(path);
    let lock = lock.with_context(|| format!("{} cannot be opened", path.display()))?;
    lock.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn a_lock_is_free_again_once_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let held = locked(&path).unwrap();
        let other = std::fs::File::options().write(true).open(&path).unwrap();
        assert!(other.try_lock().is_err(), "another process would wait");
        drop(held);
        other.try_lock().unwrap();
    }
}
