//! Describes a parameter to other languages and documents.

use crate::value::Kind;

/// A parameter as other languages and documents see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name of the field of [`Config`](crate::Config).
    pub field: &'static str,
    /// The name of the variable, without [`ENV_PREFIX`](crate::ENV_PREFIX).
    pub name: &'static str,
    /// The default as text. It is empty if there is none, or if it depends on the function.
    pub default: &'static str,
    /// The allowed numbers, if the parameter is a number.
    pub range: Option<Range>,
    /// The kind of the value.
    pub kind: Kind,
    /// Sentences that explain the parameter, one line each.
    pub doc: &'static [&'static str],
}

/// The allowed numbers, both ends included, in the unit of the parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The smallest allowed number.
    pub min: u64,
    /// The largest allowed number.
    pub max: u64,
}

impl Range {
    pub(crate) const fn of((min, max): (u64, u64)) -> Self {
        Self { min, max }
    }
}
