//! Plan: the file of somebody else in which regions are generated.

use std::path::Path;

use super::Change;
use crate::comments::Comments;
use crate::disk;
use crate::error::Problem;
use crate::path::RepoPath;
use crate::project::{Project, Region};
use crate::region;

impl Project {
    /// The file with all its regions as described, if that changes it.
    pub(super) fn plan_regions(
        &self,
        root: &Path,
        path: &RepoPath,
        regions: &[&Region],
        problems: &mut Vec<Problem>,
    ) -> Option<Change> {
        let mut refuse = |wrong: String, remedy: String| {
            problems.push(Problem { path: path.to_string(), wrong, remedy });
        };
        let by = &regions.first()?.described.by;
        if self.files.iter().any(|file| file.path == *path) {
            let wrong = "it is described as a whole and has regions".to_owned();
            refuse(wrong, format!("choose one (described in {by})"));
            return None;
        }
        let found = match disk::look(root, path) {
            Ok(Some(found)) => found,
            Ok(None) => {
                let wrong = "it is not there, and only regions of it are generated".to_owned();
                refuse(wrong, format!("restore it (described in {by})"));
                return None;
            }
            Err((wrong, remedy)) => {
                refuse(wrong, remedy);
                return None;
            }
        };
        let Ok(before) = String::from_utf8(found.bytes) else {
            let wrong = "it is not UTF-8, so its regions cannot be found".to_owned();
            refuse(wrong, "save it as UTF-8".to_owned());
            return None;
        };
        let comments = Comments::of(path.as_str());
        let mut after = before.clone();
        for region in regions {
            let Region { name, described, .. } = region;
            match region::find(&after, name, comments) {
                Ok(fenced) => {
                    let text = region.render(&self.command, comments, fenced.newline);
                    after.replace_range(fenced.inner, &text);
                }
                Err(wrong) => {
                    let [open, close] = region::fences(name, comments);
                    let text = described.source();
                    let place = format!(
                        "put the lines {open} and {close} where the text of {text} belongs"
                    );
                    refuse(wrong, place);
                }
            }
        }
        let mut sources: Vec<String> = regions.iter().map(|it| it.described.source()).collect();
        sources.dedup();
        (before != after).then(|| Change::Write {
            path: path.to_string(),
            before: Some(before),
            after,
            source: sources.join(", "),
            whole: false,
        })
    }
}
