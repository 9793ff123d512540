//! The rules for our own files, as tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::workspace;

/// The longest file, in lines. A longer one usually has more than one subject.
const MOST_LINES: usize = 400;
/// Folders that are not part of the source: those of git, of builds, of installers and of editors.
const SKIPPED: [&str; 7] =
    [".git", "target", "node_modules", "build", "cdk.out", ".idea", ".vscode"];

/// Every file of the repository, and its text if it is text.
pub(crate) fn files() -> Vec<(PathBuf, Option<String>)> {
    let mut folders = vec![workspace::root().to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push((entry.path(), fs::read_to_string(entry.path()).ok()));
            }
        }
    }
    files
}

/// Returns the path from the root, as documents and messages name it.
pub(crate) fn name(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

#[test]
fn files_are_small() {
    let written_by_hand = |path: &Path, text: &str| {
        let code = ["rs", "ts", "cjs", "mjs", "js", "py"].map(std::ffi::OsStr::new);
        let first_line = text.lines().next().unwrap_or_default();
        path.extension().is_some_and(|kind| code.contains(&kind))
            && !first_line.contains(concat!("@", "generated"))
    };
    let too_long: Vec<String> = files()
        .iter()
        .filter_map(|(path, text)| Some((path, text.as_deref()?)))
        .filter(|(path, text)| written_by_hand(path, text))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{} has {lines} lines", name(path)))
        .collect();
    assert!(too_long.is_empty(), "more than {MOST_LINES} lines: {too_long:#?}");
}

#[test]
fn no_file_names_a_path_of_a_machine() {
    // Split, so that this file does not contain one.
    let places = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
        concat!("/wo", "rk/"),
    ];
    let naming: Vec<String> = files()
        .iter()
        .filter_map(|(path, text)| {
            let text = text.as_deref()?;
            let place = places.iter().find(|place| text.contains(**place))?;
            Some(format!("{} names {place}", name(path)))
        })
        .collect();
    assert!(naming.is_empty(), "{naming:#?}");
}
