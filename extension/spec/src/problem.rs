//! What is wrong with a setting, in words for the person who set it.

use std::fmt;

/// One setting that cannot be used as it is. Its [`Display`](fmt::Display) is a whole sentence: name, value, what is
/// wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable, with its prefix.
    pub variable: String,
    /// Its value as found.
    pub value: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What to do, and what happens until then.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, wrong, remedy } = self;
        // A name that is none of ours may hold anything.
        write!(f, "{}={value:?}: {wrong}; {remedy}", variable.escape_debug())
    }
}
