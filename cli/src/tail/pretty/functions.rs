//! The names of functions, as short as they can be told apart. Pure.

use std::collections::BTreeMap;

/// Characters of a short name.
const SHORT: usize = 16;
/// Characters of the beginning and of the end that a short name keeps.
const KEPT: (usize, usize) = (7, 8);

/// The functions that were seen.
#[derive(Default)]
pub(super) struct Functions {
    /// Short names by names.
    short: BTreeMap<String, String>,
}

impl Functions {
    /// Notes a function; returns how it is introduced if it is new.
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

    /// Returns true if a line must say which function it is from.
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

    /// Returns the short name with a number, if another function has it.
    fn free(&self, short: &str) -> String {
        let numbered = (2..).map(|number| format!("{short}~{number}"));
        let is_free = |it: &String| !self.short.values().any(|other| other == it);
        std::iter::once(short.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
    }
}

/// Names that the CDK makes differ at the end, and begin with the name of the stack.
fn shortened(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= SHORT {
        return name.to_owned();
    }
    let (head, tail) = (&characters[..KEPT.0], &characters[characters.len() - KEPT.1..]);
    head.iter().chain(&['…']).chain(tail).collect()
}
