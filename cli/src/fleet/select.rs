//! Selects the functions that a command works on.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use kinesis_telemetry_args::Selection;
use kinesis_telemetry_terminal::{StatusLine, note};
use regex::Regex;

use super::layers::Published;
use super::list;
use super::paced::Lambda;

/// A function that may be selected; its tags decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// True if the command line names the function, so that tags do not matter.
    pub(crate) is_named: bool,
}

/// The conditions of a command line.
pub(super) struct Choice<'a> {
    selection: &'a Selection,
    pattern: Option<Regex>,
    excluded: Vec<Exclusion>,
}

/// An exclusion.
enum Exclusion {
    Name(String),
    Pattern(Regex),
}

impl<'a> Choice<'a> {
    pub(super) fn new(selection: &'a Selection) -> Result<Self> {
        let regex = |option: &str, text: &str| {
            Regex::new(text)
                .with_context(|| format!("{option} {text:?} is not a regular expression"))
        };
        let pattern = selection.pattern.as_deref().map(|it| regex("--match", it)).transpose()?;
        let exclusion = |text: &String| {
            // Text of these characters is a name; any other text is a regular expression.
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if text.chars().all(is_name) {
                return Ok(Exclusion::Name(text.clone()));
            }
            Ok(Exclusion::Pattern(regex("--exclude", text)?))
        };
        let excluded = selection.exclude.iter().map(exclusion).collect::<Result<_>>()?;
        Ok(Self { selection, pattern, excluded })
    }

    /// Returns the functions of a region that may be selected, and the number of others that lack a required layer. A function
    /// must have one of the layers `published`, unless it is in `due`.
    pub(super) async fn candidates(
        &self,
        lambda: &Lambda,
        published: Option<&Published>,
        due: &BTreeSet<String>,
        progress: &StatusLine,
    ) -> Result<(Vec<Candidate>, usize)> {
        let Selection { functions, tags, all, .. } = self.selection;
        let mut found: Vec<Candidate> = functions.iter().map(|it| named(it)).collect();
        found.dedup();
        let mut without = 0;
        if *all || self.pattern.is_some() || !tags.is_empty() {
            let pair = |it: aws_sdk_lambda::types::FunctionConfiguration| {
                let has = published.is_none_or(|published| !published.attached(&it).is_empty());
                let name = it.function_name.filter(|it| self.matches(it))?;
                let has = has || due.contains(&name);
                Some((name, has))
            };
            let listed = list(lambda, pair, |seen, found| {
                progress.set(&format!("{seen} functions seen, {found} match"));
            });
            for (name, has) in listed.await? {
                if functions.contains(&name) {
                    continue;
                }
                without += usize::from(!has);
                if has {
                    found.push(Candidate { name, is_named: false });
                }
            }
        }
        self.excluded.iter().for_each(|it| it.remove_from(&mut found));
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|a, b| a.name == b.name);
        Ok((found, without))
    }

    fn matches(&self, name: &str) -> bool {
        self.pattern.as_ref().is_none_or(|it| it.is_match(name))
    }
}

impl Exclusion {
    fn remove_from(&self, found: &mut Vec<Candidate>) {
        let before = found.len();
        match self {
            Self::Name(name) => found.retain(|it| it.name != *name),
            Self::Pattern(pattern) => found.retain(|it| !pattern.is_match(&it.name)),
        }
        if let Self::Name(name) = self
            && before == found.len()
        {
            note(&format!(
                "note: --exclude {name} excludes no function; to exclude all whose names contain it, use {name}.*"
            ));
        }
    }
}

fn named(name: &str) -> Candidate {
    Candidate { name: name.to_owned(), is_named: true }
}
