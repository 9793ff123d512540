//! Short, distinct names of functions. Pure.

use std::collections::BTreeMap;

/// Number of characters of a short name.
const SHORT: usize = 16;
/// Number of characters that a short name keeps from the beginning and from the end.
const KEPT: (usize, usize) = (7, 8);

/// The functions that have events.
#[derive(Default)]
pub(super) struct Functions {
    /// Short names by name.
    short: BTreeMap<String, String>,
}

impl Functions {
    /// Notes a function. Returns the text that introduces it if it is new.
    pub(super) fn introduce(&mut self, name: Option<&str>) -> Option<String> {
        let name = name.filter(|name| !self.short.contains_key(*name))?;
        let short = self.free(&shortened(name));
        let introduction = if short == name {
            format!("function {name}")
        } else {
            format!("function {name}, shown as {short}")
        };
        self.short.insert(name.to_owned(), short);
        Some(introduction)
    }

    /// Returns true if there are several functions, so that each line must name its own.
    pub(super) fn are_several(&self) -> bool {
        self.short.len() > 1
    }

    /// Returns the short name of a function.
    pub(super) fn shown(&self, name: Option<&str>) -> &str {
        name.and_then(|name| self.short.get(name)).map_or("-", String::as_str)
    }

    /// Returns the columns of the longest short name.
    pub(super) fn columns(&self) -> usize {
        self.short.values().map(|it| it.chars().count()).max().unwrap_or_default()
    }

    /// Returns the short name, with a number if another function already has it.
    fn free(&self, short: &str) -> String {
        let numbered = (2..).map(|number| format!("{short}~{number}"));
        let is_free = |it: &String| !self.short.values().any(|other| other == it);
        std::iter::once(short.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
    }
}

/// Shortens a name in the middle. Names from the CDK begin with the name of the stack and differ at the end.
fn shortened(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= SHORT {
        return name.to_owned();
    }
    let (head, tail) = (&characters[..KEPT.0], &characters[characters.len() - KEPT.1..]);
    head.iter().chain(&['…']).chain(tail).collect()
}
