//! From an environment to a [`Config`]: every variable is read before any problem is reported.

use std::collections::BTreeMap;

use crate::conflicts::conflicts;
use crate::params::Param;
use crate::value::Value;
use crate::{Config, ENV_PREFIX, Problem};

/// Settings that can be used, and what was wrong with those that cannot: each of these has its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Complete and within its ranges.
    pub config: Config,
    /// Every problem, in the order of the parameters, then unknown variables, then settings that work against each other.
    pub problems: Vec<Problem>,
}

/// Reads the settings from the variables of an environment, of which only those with our prefix count.
pub fn load<K: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (K, V)>) -> Loaded {
    let ours = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.as_ref().strip_prefix(ENV_PREFIX)?.to_owned();
            Some((name, value.as_ref().trim().to_owned()))
        })
        .collect();
    let mut reader = Reader { ours: &ours, problems: Vec::new() };
    let config = Config::read(&mut reader);
    let mut problems = reader.problems;
    problems.extend(unknown(&ours));
    problems.extend(conflicts(&config));
    Loaded { config, problems }
}

/// Reads one parameter after the other and notes what is wrong.
pub(crate) struct Reader<'a> {
    ours: &'a BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The value of a parameter, or its default with a note of what is wrong. An empty variable counts as unset: some
    /// tools cannot remove one.
    pub(crate) fn value<T: Value>(&mut self, param: &Param) -> T {
        let default = || T::parse(param.default).expect("a test proves that every default parses");
        let Some(text) = self.ours.get(param.name).filter(|text| !text.is_empty()) else {
            return default();
        };
        let wrong = match T::parse(text) {
            Err(expected) => format!("not {expected}"),
            Ok(value) => match (value.number(), param.range) {
                (Some(n), Some(range)) if n < range.min => format!("below {}", range.min),
                (Some(n), Some(range)) if n > range.max => format!("above {}", range.max),
                _ => return value,
            },
        };
        let allowed = param
            .range
            .map_or_else(String::new, |range| format!(" from {} to {}", range.min, range.max));
        let fallback = match param.default {
            "" => "it is ignored until then".to_owned(),
            text => format!("{text} is used until then"),
        };
        self.problems.push(Problem {
            variable: format!("{ENV_PREFIX}{}", param.name),
            value: text.clone(),
            wrong,
            remedy: format!("set {}{allowed}, or remove it; {fallback}", expected::<T>()),
        });
        default()
    }
}

/// What a type expects, in words.
fn expected<T: Value>() -> String {
    // A text that no type accepts brings out the type's own words.
    T::parse("\u{0}").err().unwrap_or_default()
}

/// Variables with our prefix that no parameter has: most often a slip of the pen.
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

/// Edits (insert, delete, replace) that turn one word into the other.
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
