//! A `/tmp` as empty as that of a new environment in Lambda: extensions that look through it start as quickly as there.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

const TMP: &str = "/tmp";

/// Mounts an empty `/tmp` for this process and those that it starts.
///
/// Returns a sentence for readers if that is not possible and `/tmp` holds names. It needs the rights of root, and the files
/// that the process uses must lie elsewhere.
pub(crate) fn enter<'a>(mut used: impl Iterator<Item = &'a Path>) -> Option<String> {
    let is_used = used.any(|path| path.starts_with(TMP));
    let names = fs::read_dir(TMP).map_or(0, Iterator::count);
    let why = mount_empty(is_used).err().filter(|_| names > 0)?;
    Some(format!("{TMP} holds {names} names, and in Lambda none: {why:#}."))
}

fn mount_empty(is_used: bool) -> Result<()> {
    ensure!(!is_used, "a program or a result lies in it");
    unshare(CloneFlags::CLONE_NEWNS)?;
    // What is mounted from here on stays within this process.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tmpfs"), TMP, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    Ok(())
}
