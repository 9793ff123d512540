//! What a parameter is, for readers in other languages and documents.

use crate::value::Kind;

/// A parameter as other languages and documents see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Name of the field of [`Config`].
    pub field: &'static str,
    /// Name of the variable, without [`ENV_PREFIX`](crate::ENV_PREFIX).
    pub name: &'static str,
    /// Text of the default; empty where there is none, or where it depends on the function.
    pub default: &'static str,
    /// What numbers are allowed.
    pub range: Option<Range>,
    /// What it is.
    pub kind: Kind,
    /// Sentences that explain it, a line each.
    pub doc: &'static [&'static str],
}

/// Allowed numbers, both ends included, in the unit of the parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Smallest.
    pub min: u64,
    /// Largest.
    pub max: u64,
}

impl Range {
    pub(crate) const fn of((min, max): (u64, u64)) -> Self {
        Self { min, max }
    }
}
