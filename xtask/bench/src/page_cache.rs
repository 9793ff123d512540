//! Drops programs from the page cache, so that the kernel reads them from the disk again.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

/// Asks the kernel to drop a file from the page cache.
///
/// Success does not mean that the kernel did: it keeps pages that a process maps, and a file system in memory keeps all of
/// them. Major faults of the next start show the effect.
pub(crate) fn drop_file(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    // Pages that are not on the disk yet are kept.
    file.sync_all()?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(())
}
