//! Reads parameters one after the other and collects all problems.

use std::collections::BTreeMap;

use crate::ENV_PREFIX;
use crate::param::Param;
use crate::problem::Problem;
use crate::value::Value;

/// A reader of parameters that collects their problems.
pub(crate) struct Reader<'a> {
    ours: &'a BTreeMap<String, String>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Creates a reader of these variables, which are named without prefix.
    pub(crate) fn new(ours: &'a BTreeMap<String, String>) -> Self {
        Self { ours, problems: Vec::new() }
    }

    /// Returns the value of a parameter. If it is invalid, notes a problem and returns the default. An empty variable
    /// counts as unset, because some tools cannot remove one.
    pub(crate) fn value<T: Value>(&mut self, param: &Param) -> T {
        let default = || T::parse(param.default).expect("a test proves that every default parses");
        let Some(text) = self.ours.get(param.name).filter(|text| !text.is_empty()) else {
            return default();
        };
        let wrong = match T::parse(text) {
            None => format!("not {}", T::EXPECTED),
            Some(value) => match (value.number(), param.range) {
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
            remedy: format!("set {}{allowed}, or remove it; {fallback}", T::EXPECTED),
        });
        default()
    }
}
