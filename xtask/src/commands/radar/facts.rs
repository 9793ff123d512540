//! Lists what AWS's models state and where this repository repeats it: the table of `radar`.
//!
//! A row names a service; a shape, a member or an operation; the value that is read of it; and each place that people write with the
//! same value. Generated files follow those places. Facts that no model states are not here: those of the Telemetry API, of the init
//! phase, and prices.

mod kinesis;
mod lambda;
mod others;
mod sqs;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use anyhow::{Context, Result};

use super::text::{self, Value};
use crate::support::workspace;

/// The folder with the table, for messages.
pub(super) const DECLARED_IN: &str = "xtask/src/commands/radar/facts";

const KIB: u32 = 1_024;
const MIB: u32 = 1_024 * KIB;

/// Something that AWS's models state.
pub(super) struct Fact {
    /// The folder of botocore's data.
    pub(super) service: &'static str,
    pub(super) subject: Subject,
    pub(super) what: What,
    pub(super) places: Vec<Place>,
}

/// The part of a model that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Shape(&'static str),
    /// A shape, and its member.
    Member(&'static str, &'static str),
    Operation(&'static str),
}

/// The value that is read of a part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Min,
    Max,
    Enum,
    /// The errors of an operation.
    Errors,
    /// The number in the documentation that stands in the place of `#`.
    Says(&'static str),
    /// The words in the documentation that stand in the place of `#`.
    Names(&'static str),
}

/// A place in this repository that repeats a fact.
pub(super) struct Place {
    file: &'static str,
    /// The text around the value, with `#` in the value's place; or the text that interprets an enumeration.
    pattern: &'static str,
    /// The words of the enumeration when the code that interprets it was last reviewed.
    reviewed: Option<&'static [&'static str]>,
    /// The number of the place's units in one of AWS's.
    unit: u32,
    holds: Holds,
    /// The reason why the place may differ.
    why: Option<&'static str>,
}

/// The relation between a place's value and AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Same,
    /// The place's number is not larger than AWS's, and its words are among AWS's.
    Within,
    /// AWS's number is not larger than the place's, and its words are among the place's.
    Covers,
}

/// Returns a place whose text has the value where the pattern has `#`.
fn at(file: &'static str, pattern: &'static str) -> Place {
    Place { file, pattern, reviewed: None, unit: 1, holds: Holds::Same, why: None }
}

/// Returns a place that decides by the words of an enumeration and was last reviewed when it had `all` of these.
fn reads(file: &'static str, pattern: &'static str, all: &'static [&'static str]) -> Place {
    Place { reviewed: Some(all), ..at(file, pattern) }
}

impl Place {
    /// States how many of the place's units are one of AWS's.
    fn times(self, unit: u32) -> Self {
        Self { unit, ..self }
    }

    /// Lets the place have less than AWS allows.
    fn within(self, why: &'static str) -> Self {
        Self { holds: Holds::Within, why: Some(why), ..self }
    }

    /// Lets the place have more than AWS states.
    fn covers(self, why: &'static str) -> Self {
        Self { holds: Holds::Covers, why: Some(why), ..self }
    }

    /// Returns the place's value, in AWS's unit.
    pub(super) fn value(&self, what: What, sources: &Sources) -> Result<Value> {
        let Self { file, pattern, .. } = self;
        let text = sources.get(file).map(String::as_str).unwrap_or_default();
        let value = if let Some(all) = self.reviewed {
            let all = Value::words(all.iter().copied());
            text.contains(pattern).then_some(all).context("it is not stated")
        } else if what.is_number() {
            text::number(text, pattern)
        } else {
            text::words(text, pattern)
        };
        let value = value.with_context(|| {
            format!("{file} does not match {pattern:?}: correct its row in {DECLARED_IN}")
        })?;
        Ok(match value {
            Value::Number(number) => Value::Number(number / f64::from(self.unit)),
            words @ Value::Words(_) => words,
        })
    }

    /// Returns the difference between the place's value and AWS's, unless the place may have it.
    pub(super) fn difference(&self, own: &Value, theirs: &Value) -> Option<String> {
        match self.holds {
            Holds::Same => (own != theirs).then(|| own.change_to(theirs)),
            Holds::Within => {
                (!own.is_within(theirs)).then(|| own.change_to(&own.shared_with(theirs)))
            }
            Holds::Covers => {
                (!theirs.is_within(own)).then(|| theirs.shared_with(own).change_to(theirs))
            }
        }
    }
}

impl What {
    fn is_number(self) -> bool {
        matches!(self, Self::Min | Self::Max | Self::Says(_))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(name) | Self::Operation(name) => f.write_str(name),
            Self::Member(shape, member) => write!(f, "{shape}.{member}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Enum => f.write_str("enum"),
            Self::Errors => f.write_str("errors"),
            Self::Says(pattern) | Self::Names(pattern) => write!(f, "{pattern:?}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, pattern, .. } = self;
        write!(f, "{file}: {pattern}")?;
        self.why.map_or(Ok(()), |why| write!(f, " ({why})"))
    }
}

/// The text of every file with a place, in one line.
pub(super) type Sources = BTreeMap<&'static str, String>;

/// Reads the files of all places.
pub(super) fn sources(facts: &[Fact]) -> Result<Sources> {
    let mut sources = Sources::new();
    for Place { file, .. } in facts.iter().flat_map(|it| &it.places) {
        if !sources.contains_key(file) {
            let text = fs::read_to_string(workspace::root().join(file)).with_context(|| {
                format!("{file} cannot be read: correct the rows that name it in {DECLARED_IN}")
            })?;
            sources.insert(file, text::in_one_line(&text));
        }
    }
    Ok(sources)
}

/// Returns every row.
pub(super) fn all() -> Vec<Fact> {
    let services = [("kinesis", kinesis::rows()), ("lambda", lambda::rows()), ("sqs", sqs::rows())];
    let of = |(service, rows): (&'static str, Vec<Row>)| {
        rows.into_iter().map(move |(subject, what, places)| Fact { service, subject, what, places })
    };
    let mut all: Vec<Fact> = services.into_iter().flat_map(of).collect();
    all.extend(others::facts());
    all
}

/// A fact of one service.
type Row = (Subject, What, Vec<Place>);
