//! Defines which events are delivered.

use crate::level::LogLevel;
use crate::value::{Kind, Value};

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

/// The event types to deliver. A word of the list is a category (`platform`, `function`, `extension`), a category of
/// log lines with a lowest level (`function:warn`), or a single type (`platform.report`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Types(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    event_type: String,
    lowest: Option<LogLevel>,
}

/// The rule by which events of a type are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every event is delivered.
    Always,
    /// A log line of this level or above is delivered, and so is one whose level is unknown.
    From(LogLevel),
    /// No event is delivered.
    Never,
}

impl Types {
    /// A regular expression for one word of the list that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str = r"^(platform(\.[A-Za-z0-9]+)?|(function|extension)(:(trace|debug|info|warn|error|fatal))?)$";

    /// The categories that Lambda knows. A type starts with one of them, followed by a dot if more follows.
    pub const CATEGORIES: [&'static str; 3] = ["platform", "function", "extension"];

    /// Returns the categories to subscribe to. `platform` is always among them, because the extension itself needs its
    /// events.
    pub fn subscription(&self) -> Vec<&'static str> {
        Self::CATEGORIES
            .into_iter()
            .filter(|category| {
                *category == "platform" || self.0.iter().any(|word| word.event_type == *category)
            })
            .collect()
    }

    /// Returns the rule for events of this type. Types of unknown categories are delivered, so that events which AWS
    /// adds later are not lost.
    pub fn wanted(&self, event_type: &str) -> Wanted {
        let category = event_type.split('.').next().unwrap_or_default();
        if !Self::CATEGORIES.contains(&category) {
            return Wanted::Always;
        }
        let of_it = |word: &&Word| word.event_type == event_type || word.event_type == category;
        // If a type is selected twice, the wider rule counts.
        self.0.iter().filter(of_it).fold(Wanted::Never, |wanted, word| {
            match (wanted, word.lowest) {
                (Wanted::Always, _) | (_, None) => Wanted::Always,
                (Wanted::From(one), Some(other)) => Wanted::From(one.min(other)),
                (Wanted::Never, Some(level)) => Wanted::From(level),
            }
        })
    }
}

impl Word {
    fn parse(text: &str) -> Option<Self> {
        let (event_type, level) = match text.split_once(':') {
            Some((event_type, level)) => (event_type, Some(level)),
            None => (text, None),
        };
        let is_single = event_type.strip_prefix("platform.").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let has_levels = event_type == "function" || event_type == "extension";
        let lowest = match level {
            None => None,
            Some(word) if has_levels => {
                Some(LogLevel::ALL.into_iter().find(|level| level.word() == word)?)
            }
            Some(_) => return None,
        };
        (is_single || Types::CATEGORIES.contains(&event_type))
            .then(|| Self { event_type: event_type.to_owned(), lowest })
    }
}

impl Value for Types {
    const KIND: Kind = Kind::Types;
    const EXPECTED: &'static str = "platform, function, extension, single types such as platform.report, or log lines of at least a level such as function:warn, separated by commas";
    fn parse(text: &str) -> Option<Self> {
        text.split(',').map(|word| Word::parse(word.trim())).collect::<Option<_>>().map(Self)
    }
}
