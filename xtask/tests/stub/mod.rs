//! Programs that stand in for those of the machine: shell scripts in a folder that is looked through first.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Writes a script that can be started.
pub(crate) fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The `PATH` of this process, with the folder in front.
pub(crate) fn path_with(dir: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths([dir.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap()
}
