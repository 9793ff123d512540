//! A copy of this repository that tests may change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checks::tidy;
use crate::commands::synth;
use crate::support::workspace;

/// Every file that is not built or installed, in a folder that has no others.
pub(super) fn repository(into: &Path) {
    let mut copied = BTreeSet::new();
    for (path, _) in tidy::files() {
        let target = into.join(path.strip_prefix(workspace::root()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let bytes = fs::read(&path).unwrap();
        // An equal file keeps its time, and cargo need not build anew.
        if fs::read(&target).ok().as_ref() != Some(&bytes) {
            put(&target, &bytes);
        }
        copied.insert(target);
    }
    delete_others(into, &copied);
}

fn delete_others(folder: &Path, copied: &BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            delete_others(&path, copied);
        } else if !copied.contains(&path) {
            fs::remove_file(&path).unwrap();
        }
    }
}

/// Writes a file, even a read-only one.
pub(super) fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// A folder that is gone when this is dropped.
pub(super) struct Copy(tempfile::TempDir);

impl Copy {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path());
        Self(dir)
    }

    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        put(&self.root().join(path), text);
    }

    pub(super) fn get(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// Returns what `cargo xtask synth` prints here, and whether it ends with 0.
    pub(super) fn synth(&self) -> (bool, String) {
        run(self.root(), false)
    }

    /// Returns what `cargo xtask synth --check` prints here, and whether it ends with 0.
    pub(super) fn check(&self) -> (bool, String) {
        run(self.root(), true)
    }
}

pub(super) fn run(root: &Path, check: bool) -> (bool, String) {
    let mut said = Vec::new();
    let code = match synth::synth(root, check, &mut said) {
        Ok(code) => code,
        Err(error) => return (false, format!("error: {error:#}")),
    };
    (code == std::process::ExitCode::SUCCESS, String::from_utf8(said).unwrap())
}
