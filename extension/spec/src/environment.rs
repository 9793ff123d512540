//! Reads a [`Config`] from environment variables. It reads every variable before it reports any problem.

use std::collections::BTreeMap;

use crate::ENV_PREFIX;
use crate::conflicts::{conflicts, exclusions};
use crate::params::{Config, variable};
use crate::problem::Problem;
use crate::reader::Reader;
use crate::selection::{Keep, Sample};
use crate::value::Value as _;

/// Usable settings, and the problems with those that are not usable and have their defaults instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Complete settings, each within its range.
    pub config: Config,
    /// Every setting that is not usable, in the order of the parameters, then every unknown variable.
    pub problems: Vec<Problem>,
    /// Settings that are used as they are but conflict with each other.
    pub notices: Vec<Problem>,
}

/// Reads the settings from environment variables. Variables without our prefix are ignored.
pub fn load<K: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (K, V)>) -> Loaded {
    let ours = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.as_ref().strip_prefix(ENV_PREFIX)?.to_owned();
            Some((name, value.as_ref().trim().to_owned()))
        })
        .collect();
    let mut reader = Reader::new(&ours);
    let mut config = Config::read(&mut reader);
    let mut problems = reader.problems;
    if let Some(problem) = problems.iter_mut().find(|it| it.variable == variable::KEEP) {
        // Which lines to keep is unknown, so all are kept.
        config.sample = Sample::All;
        problem.remedy = format!(
            "set {}, or remove it; every invocation is delivered until then",
            Keep::EXPECTED
        );
    }
    problems.extend(exclusions(&mut config));
    problems.extend(unknown(&ours));
    let notices = conflicts(&config, &ours);
    Loaded { config, problems, notices }
}

/// Returns variables with our prefix that no parameter has. Most of them are misspelled.
fn unknown(ours: &BTreeMap<String, String>) -> Vec<Problem> {
    let names = || Config::PARAMS.iter().map(|param| param.name);
    let is_unknown = |name: &&String| !names().any(|known| known == name.as_str());
    ours.keys()
        .filter(is_unknown)
        .map(|name| {
            let nearest = names()
                .map(|known| (distance(name, known), known))
                .min()
                .filter(|(distance, _)| *distance <= 3);
            Problem {
                variable: format!("{ENV_PREFIX}{name}"),
                value: ours[name].clone(),
                wrong: "no such setting".to_owned(),
                remedy: nearest.map_or_else(
                    || {
                        format!(
                            "remove it, or choose one of {}",
                            names().collect::<Vec<_>>().join(", ")
                        )
                    },
                    |(_, known)| format!("did you mean {ENV_PREFIX}{known}?"),
                ),
            }
        })
        .collect()
}

/// Returns the number of edits (insert, delete, replace) that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
