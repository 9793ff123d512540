//! A repository in a temporary folder.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use xtask_synth::{Change, Comments, Project};

pub(crate) const MANIFEST: &str = "generated.txt";

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file as a person would, even a read-only one.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path().join(path)).ok()
    }

    pub(crate) fn delete(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    /// Plans and applies; gives what was changed, a word and a path each.
    pub(crate) fn synth(&self, project: &Project) -> Vec<String> {
        let plan = project.plan(self.path()).unwrap();
        plan.apply().unwrap();
        plan.changes().iter().map(words).collect()
    }

    /// Returns the changes that are due, and makes none.
    pub(crate) fn check(&self, project: &Project) -> Vec<String> {
        project.plan(self.path()).unwrap().changes().iter().map(words).collect()
    }

    /// Why it cannot be planned.
    pub(crate) fn refusal(&self, project: &Project) -> String {
        project.plan(self.path()).unwrap_err().to_string()
    }
}

fn words(change: &Change) -> String {
    let verb = match change {
        Change::Write { .. } => "write",
        Change::Protect { .. } => "protect",
        Change::Delete { .. } => "delete",
        _ => "?",
    };
    format!("{verb} {}", change.path())
}

pub(crate) fn project() -> Project {
    Project::new("make files", MANIFEST)
}

/// A project of text files that hold their own path.
pub(crate) fn of(paths: &[&str]) -> Project {
    let mut project = project();
    for path in paths {
        project.text(path, Comments::HASH, format!("{path}\n"));
    }
    project
}
