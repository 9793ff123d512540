//! Describes a repository's generated files, as a value.

use std::fmt;
use std::panic::Location;

use serde::Serialize;

use crate::comments::Comments;
use crate::error::Problem;
use crate::path::RepoPath;
use crate::{marker, yaml};

/// The generated files of a repository. Its methods describe; nothing is read or written before
/// [`plan`](Self::plan).
///
/// Describing never fails: `plan` reports all problems of a description together.
pub struct Project {
    pub(crate) command: String,
    pub(crate) manifest: String,
    pub(crate) files: Vec<File>,
    pub(crate) regions: Vec<Region>,
    pub(crate) problems: Vec<Problem>,
    /// The sources of the last path that was refused: its caller may still name them.
    refused: Described,
}

/// A file that belongs to the generator.
pub(crate) struct File {
    pub(crate) path: RepoPath,
    pub(crate) described: Described,
    pub(crate) head: Head,
    pub(crate) body: Body,
}

/// A part of a file that people write.
pub(crate) struct Region {
    pub(crate) path: RepoPath,
    pub(crate) name: String,
    pub(crate) described: Described,
    pub(crate) text: String,
}

/// The place of a file's marker.
pub(crate) enum Head {
    Comment(Comments),
    JsonMember,
}

/// The origin of a file's text.
pub(crate) enum Body {
    Text(String),
    /// Made of everything that is described.
    Manifest,
    /// Made of the paths of all whole files.
    Listing(Render),
}

/// Makes a text of the paths of all whole files.
pub(crate) type Render = Box<dyn Fn(&[&str]) -> String>;

/// The place that describes a file and, if they are elsewhere, the places of its facts. The marker names both, so that a
/// reader knows which file to edit.
#[derive(Clone, Debug)]
pub struct Described {
    /// The file as the compiler names it: from the root of the workspace.
    pub(crate) by: String,
    pub(crate) facts: Vec<String>,
}

impl Described {
    #[track_caller]
    fn here() -> Self {
        Self { by: Location::caller().file().replace('\\', "/"), facts: Vec::new() }
    }

    /// Names a Rust file that states facts, if it is not the one that lays them out. Pass its `file!()`. May be called for each
    /// of several files.
    pub fn facts_from(&mut self, file: &str) -> &mut Self {
        self.facts.push(file.replace('\\', "/"));
        self
    }

    /// Names several files as the source of the facts.
    pub fn facts_from_all<'a>(&mut self, files: impl IntoIterator<Item = &'a str>) -> &mut Self {
        files.into_iter().fold(self, Self::facts_from)
    }

    pub(crate) fn marker(&self, command: &str) -> String {
        marker::text(command, &self.by, &self.source())
    }

    /// Returns the files to edit to change the content.
    pub(crate) fn source(&self) -> String {
        if self.facts.is_empty() { self.by.clone() } else { self.facts.join(", ") }
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        f.debug_struct("Project").field("files", &paths).finish_non_exhaustive()
    }
}

impl Project {
    /// Returns a project whose only file is the manifest, the list of all others, at the path `manifest`. `command` is the
    /// command that writes the files. Every marker contains it, which distinguishes the files of this generator from others.
    #[track_caller]
    pub fn new(command: &str, manifest: &str) -> Self {
        let mut project = Self {
            command: command.to_owned(),
            manifest: manifest.to_owned(),
            files: Vec::new(),
            regions: Vec::new(),
            problems: Vec::new(),
            refused: Described::here(),
        };
        project.file(
            manifest,
            Described::here(),
            Head::Comment(Comments::HASH),
            Ok(Body::Manifest),
        );
        project
    }

    /// A file of any language, with the marker in a comment above `text`; below a first line that has to stay first,
    /// such as `#!/bin/sh`.
    #[track_caller]
    pub fn text(
        &mut self,
        path: &str,
        comments: Comments,
        text: impl Into<String>,
    ) -> &mut Described {
        self.file(path, Described::here(), Head::Comment(comments), Ok(Body::Text(text.into())))
    }

    /// A Markdown file.
    #[track_caller]
    pub fn markdown(&mut self, path: &str, text: impl Into<String>) -> &mut Described {
        let text = format!("\n{}", text.into());
        self.file(path, Described::here(), Head::Comment(Comments::ANGLES), Ok(Body::Text(text)))
    }

    /// A JSON object, in the order in which it serializes. The marker is its first member, `"//"`.
    #[track_caller]
    pub fn json(&mut self, path: &str, value: &impl Serialize) -> &mut Described {
        let text = pretty_json(value).and_then(|text| {
            text.starts_with('{').then_some(text).ok_or_else(|| {
                "it is not a JSON object, and so has no place for the marker".to_owned()
            })
        });
        self.file(path, Described::here(), Head::JsonMember, text.map(Body::Text))
    }

    /// JSON for a reader that allows comments, such as `tsconfig.json`.
    #[track_caller]
    pub fn jsonc(&mut self, path: &str, value: &impl Serialize) -> &mut Described {
        let head = Head::Comment(Comments::SLASHES);
        self.file(path, Described::here(), head, pretty_json(value).map(Body::Text))
    }

    /// A YAML document. [`yaml::Commented`] gives a value a comment.
    #[track_caller]
    pub fn yaml(&mut self, path: &str, value: &impl Serialize) -> &mut Described {
        let head = Head::Comment(Comments::HASH);
        self.file(path, Described::here(), head, yaml::to_string(value).map(Body::Text))
    }

    /// A TOML document.
    #[track_caller]
    pub fn toml(&mut self, path: &str, value: &impl Serialize) -> &mut Described {
        let text = toml::to_string_pretty(value).map_err(|error| error.to_string());
        self.file(path, Described::here(), Head::Comment(Comments::HASH), text.map(Body::Text))
    }

    /// A file made of the sorted paths of all whole files, its own included: `.gitattributes`, say. `render` is called
    /// while planning, when all of them are known.
    #[track_caller]
    pub fn listing(
        &mut self,
        path: &str,
        comments: Comments,
        render: impl Fn(&[&str]) -> String + 'static,
    ) -> &mut Described {
        let body = Body::Listing(Box::new(render));
        self.file(path, Described::here(), Head::Comment(comments), Ok(body))
    }

    /// The lines between `region:NAME` and `endregion:NAME`, each in a comment of its own, of a file that people write. The
    /// file's extension decides how comments are written.
    #[track_caller]
    pub fn region(&mut self, path: &str, name: &str, text: impl Into<String>) -> &mut Described {
        let described = Described::here();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            let wrong = format!("{name:?} is no name for a region");
            self.refuse(path, &wrong, "use letters, digits, - and _", &described);
        } else if self.regions.iter().any(|it| it.path.as_str() == path && it.name == name) {
            let wrong = format!("its region {name} is described twice");
            self.refuse(path, &wrong, "describe it once", &described);
        }
        match RepoPath::parse(path) {
            Ok(parsed) => {
                let text = text.into();
                let name = name.to_owned();
                self.regions.push(Region { path: parsed, name, described, text });
                &mut self.regions.last_mut().expect("it was pushed just now").described
            }
            Err(why) => self.refuse_path(path, why, described),
        }
    }

    fn file(
        &mut self,
        path: &str,
        described: Described,
        head: Head,
        body: Result<Body, String>,
    ) -> &mut Described {
        let parsed = match RepoPath::parse(path) {
            Ok(parsed) => parsed,
            Err(why) => return self.refuse_path(path, why, described),
        };
        let clash = self.files.iter().find_map(|other| {
            let wrong = if other.path == parsed {
                "it is described twice".to_owned()
            } else if other.path.folded() == parsed.folded() {
                format!("where capitals do not count it is the same file as {}", other.path)
            } else if other.path.is_parent_of(&parsed) || parsed.is_parent_of(&other.path) {
                format!("it and {} cannot both be: one would be a folder", other.path)
            } else {
                return None;
            };
            Some((wrong, other.described.by.clone()))
        });
        if let Some((wrong, elsewhere)) = clash {
            let remedy = format!("keep one of the two, the other is described in {elsewhere}");
            self.refuse(path, &wrong, &remedy, &described);
        }
        let body = body.unwrap_or_else(|wrong| {
            self.refuse(path, &wrong, "describe another value", &described);
            Body::Text(String::new())
        });
        self.files.push(File { path: parsed, described, head, body });
        &mut self.files.last_mut().expect("it was pushed just now").described
    }

    fn refuse(&mut self, path: &str, wrong: &str, remedy: &str, described: &Described) {
        self.problems.push(Problem {
            path: path.to_owned(),
            wrong: wrong.to_owned(),
            remedy: format!("{remedy} (described in {})", described.by),
        });
    }

    fn refuse_path(&mut self, path: &str, why: &str, described: Described) -> &mut Described {
        let wrong = format!("{path:?} is no path for a generated file: {why}");
        self.refuse(path, &wrong, "choose another path", &described);
        self.refused = described;
        &mut self.refused
    }
}

fn pretty_json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}
