//! The list of everything that is generated, by which files that are no longer described are found.

use std::collections::BTreeSet;
use std::path::Path;

use crate::comments::Comments;
use crate::disk;
use crate::error::Problem;
use crate::marker;
use crate::path::RepoPath;
use crate::project::Project;
use crate::region;

/// Separates a file from its region.
const REGION: char = '#';

/// Returns the text of the manifest: one path per line, and `path#name` for a region.
pub(crate) fn render(project: &Project) -> String {
    entries(project).into_iter().flat_map(|entry| [entry, "\n".to_owned()]).collect()
}

fn entries(project: &Project) -> BTreeSet<String> {
    let files = project.files.iter().map(|file| file.path.to_string());
    let regions = project.regions.iter().map(|it| format!("{}{REGION}{}", it.path, it.name));
    files.chain(regions).collect()
}

/// Files that only an earlier description had.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// Files that still have the marker, with their content.
    pub(crate) files: Vec<(RepoPath, String)>,
    /// Files that are listed and left alone, with the reason.
    pub(crate) notices: Vec<String>,
    /// Regions whose fences are still there.
    pub(crate) problems: Vec<Problem>,
}

/// The manifest on the disk. It is not trusted, because a user may have edited it.
#[derive(Debug)]
pub(crate) struct Listed {
    is_there: bool,
    entries: BTreeSet<String>,
}

impl Listed {
    pub(crate) fn read(project: &Project, root: &Path) -> Self {
        let path = RepoPath::parse(&project.manifest).ok();
        let found = path.and_then(|path| disk::look(root, &path).ok().flatten());
        let text = found.as_ref().map(disk::Found::text).unwrap_or_default();
        let lines = text.lines().map(str::trim_end).filter(|line| !line.starts_with(REGION));
        let entries = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Self { is_there: found.is_some(), entries }
    }

    /// Returns true if an earlier run has written this file.
    pub(crate) fn has(&self, path: &RepoPath) -> bool {
        self.entries.contains(path.as_str())
    }

    /// Returns the files that are listed and no longer described.
    pub(crate) fn orphans(&self, project: &Project, root: &Path) -> Orphans {
        let described = entries(project);
        let mut orphans = Orphans::default();
        for entry in self.entries.iter().filter(|entry| !described.contains(*entry)) {
            match entry.rsplit_once(REGION) {
                Some((path, name)) => orphans.region(root, path, name),
                None => orphans.file(project, root, entry),
            }
        }
        let is_old = |path: &RepoPath| {
            let found = disk::look(root, path).ok().flatten();
            found.is_some_and(|found| marker::is_in(&found.bytes, &project.command))
        };
        if !self.is_there && project.files.iter().any(|file| is_old(&file.path)) {
            orphans.notices.push(format!(
                "{} is missing, so files that nothing describes any more cannot be told: restore it from git if you can",
                project.manifest
            ));
        }
        orphans
    }
}

/// Describes the problem of a region between fences that is no longer generated.
pub(crate) fn forgotten_region(path: &str, name: &str, comments: Comments) -> Problem {
    let [open, close] = region::fences(name, comments);
    Problem {
        path: path.to_owned(),
        wrong: format!("nothing describes its region {name} any more"),
        remedy: format!(
            "remove the lines {open} and {close}, with what is between them or without"
        ),
    }
}

impl Orphans {
    fn file(&mut self, project: &Project, root: &Path, entry: &str) {
        let looked = RepoPath::parse(entry).map_err(str::to_owned).and_then(|path| {
            disk::look(root, &path).map_err(|(wrong, _)| wrong).map(|it| (path, it))
        });
        match looked {
            Ok((_, None)) => {}
            // Its marker may be that of a region at its top.
            Ok((path, Some(_))) if project.regions.iter().any(|region| region.path == path) => {
                self.notices.push(format!("{path} is no longer generated as a whole, and left alone"));
            }
            Ok((path, Some(found))) if marker::is_in(&found.bytes, &project.command) => {
                self.files.push((path, found.text()));
            }
            Ok((path, Some(_))) => self.notices.push(format!(
                "{path} is no longer generated and bears no marker: a person has taken it over, so it is left alone"
            )),
            Err(why) => self.notices.push(format!(
                "{} lists {entry:?}, which is left alone: {why}",
                project.manifest
            )),
        }
    }

    fn region(&mut self, root: &Path, path: &str, name: &str) {
        let Ok(parsed) = RepoPath::parse(path) else { return };
        let Ok(Some(found)) = disk::look(root, &parsed) else { return };
        let comments = Comments::of(path);
        if region::find(&found.text(), name, comments).is_ok() {
            self.problems.push(forgotten_region(path, name, comments));
        }
    }
}
