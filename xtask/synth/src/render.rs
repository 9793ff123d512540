//! Renders the texts of a description, with the marker.

use crate::comments::Comments;
use crate::manifest;
use crate::marker;
use crate::project::{Body, File, Head, Project, Region};

impl Project {
    /// Returns the whole text of the file, as it should be on the disk.
    pub(crate) fn render(&self, file: &File) -> String {
        let listing;
        let body = match &file.body {
            Body::Text(text) => text,
            Body::Manifest => {
                listing = manifest::render(self);
                &listing
            }
            Body::Listing(render) => {
                let mut paths: Vec<&str> = self.files.iter().map(|it| it.path.as_str()).collect();
                paths.sort_unstable();
                listing = render(&paths);
                &listing
            }
        };
        let marker = file.described.marker(&self.command);
        let mut text = match file.head {
            Head::Comment(comments) => marker::above(body, &marker, comments),
            Head::JsonMember => marker::inside(body, &marker),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

impl Region {
    /// Returns the lines between the fences, as they should be on the disk.
    pub(crate) fn render(&self, command: &str, comments: Comments, newline: &str) -> String {
        let marker = comments.line(&self.described.marker(command));
        // Without a blank line after a comment, Markdown would not recognise a table.
        let blank = if comments == Comments::ANGLES { "\n" } else { "" };
        let text = format!("{marker}\n{blank}{}\n{blank}", self.text.trim_matches('\n'));
        if newline == "\n" { text } else { text.replace('\n', newline) }
    }
}
