//! Plans changes of files that people write and of which only regions are generated.

use std::path::Path;

use super::Change;
use crate::comments::Comments;
use crate::disk;
use crate::error::Problem;
use crate::path::RepoPath;
use crate::project::{Project, Region};
use crate::region;
use crate::{manifest, marker};

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
        let mut fills = Vec::new();
        for region in regions {
            let Region { name, described, .. } = region;
            match region::find(&before, name, comments) {
                Ok(fenced) => {
                    let text = region.render(&self.command, comments, fenced.newline);
                    fills.push((fenced.inner, text, region));
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
        fills.sort_by_key(|(inner, ..)| inner.start);
        for pair in fills.windows(2) {
            let [(first, _, one), (second, _, other)] = pair else { continue };
            if second.start < first.end {
                let wrong = format!("its regions {} and {} overlap", one.name, other.name);
                refuse(wrong, "put the fences of each behind those of the other".to_owned());
            }
        }
        for (_, text, region) in &fills {
            let fences = regions.iter().flat_map(|it| region::fences(&it.name, comments));
            if let Some(fence) =
                fences.into_iter().find(|fence| text.lines().any(|line| line.trim() == fence))
            {
                let wrong = format!(
                    "the text of its region {} holds the line {fence}, which is a fence",
                    region.name
                );
                refuse(
                    wrong,
                    format!("describe another text (described in {})", region.described.by),
                );
            }
        }
        for name in region::names(&before, comments, |line| marker::is_on(line, &self.command)) {
            let forgotten = manifest::forgotten_region(path.as_str(), name, comments);
            if !regions.iter().any(|region| region.name == name) && !problems.contains(&forgotten) {
                problems.push(forgotten);
            }
        }
        let mut after = before.clone();
        if problems.is_empty() {
            // From the last to the first, so that the places of the others stay.
            for (inner, text, _) in fills.into_iter().rev() {
                after.replace_range(inner, &text);
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
