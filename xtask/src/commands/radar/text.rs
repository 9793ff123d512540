//! Reads values out of texts. A pattern quotes the text around a value, and has `#` in the value's place. Pure.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};

/// Numbers that texts write as words.
const WORDS: [&str; 11] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/// The quotation marks of code, documents and AWS's texts.
const QUOTES: [char; 3] = ['"', '`', '\''];

/// The value of a limit, a default or an enumeration.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(f64),
    /// Words by their lower-case form, because one word may be written `INFO` and `info`.
    Words(BTreeMap<String, String>),
}

impl Value {
    pub(super) fn words<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Self {
        let words = words.into_iter().map(Into::into);
        Self::Words(words.map(|it| (it.to_ascii_lowercase(), it)).collect())
    }

    /// Returns true if no part of this value exceeds the other: a number is not larger, and each word is there as well.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one <= other,
            (Self::Words(some), Self::Words(all)) => some.keys().all(|it| all.contains_key(it)),
            _ => false,
        }
    }

    /// Returns the words that the other value lacks.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let (Self::Words(words), Self::Words(others)) = (self, other) else { return Vec::new() };
        words.iter().filter(|it| !others.contains_key(it.0)).map(|it| shown(it.1)).collect()
    }

    /// Returns the words that the other value has as well; of a number, the other one.
    pub(super) fn shared_with(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Words(words), Self::Words(others)) => {
                Self::words(words.iter().filter(|it| others.contains_key(it.0)).map(|it| it.1))
            }
            _ => other.clone(),
        }
    }

    /// Describes how `new` differs from this value.
    pub(super) fn change_to(&self, new: &Self) -> String {
        let (gone, added) = (self.beyond(new), new.beyond(self));
        let list = |what, words: Vec<String>| {
            (!words.is_empty()).then(|| format!("{what} {}", words.join(", ")))
        };
        let lists = [list("new:", added), list("gone:", gone)];
        let lists = lists.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let lists = if lists.is_empty() { lists } else { format!(" ({lists})") };
        format!("{self} → {new}{lists}")
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.is_within(other) && other.is_within(self)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&grouped(*number)),
            Self::Words(words) if words.is_empty() => f.write_str("none"),
            Self::Words(words) => {
                let words: Vec<String> = words.values().map(|it| shown(it)).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}

/// Returns a text of a wheel as a terminal may show it.
pub(super) fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Returns a number with commas, and with at most three digits of a fraction.
fn grouped(number: f64) -> String {
    let text = ((number * 1_000.0).round() / 1_000.0).to_string();
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let digits = whole.trim_start_matches('-').len();
    let mut grouped = String::new();
    for (at, c) in whole.chars().rev().enumerate() {
        let is_next = at > 0 && at % 3 == 0 && at < digits;
        grouped.extend(is_next.then_some(','));
        grouped.push(c);
    }
    grouped.chars().rev().collect::<String>() + fraction
}

/// Returns a text with one space between words, so that a pattern matches wherever lines are broken.
pub(super) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the number in the place of `#`, out of a text in one line. Fails unless the text has the pattern, and the same number wherever it has it.
pub(super) fn number(text: &str, pattern: &str) -> Result<Value> {
    let at = |rest: &str, suffix: &str| {
        let (number, rest) = product(rest)?;
        rest.starts_with(suffix).then_some(Value::Number(number))
    };
    only(text, pattern, at)
}

/// Returns the words in the place of `#`: the quoted ones where something is quoted, or else all.
pub(super) fn words(text: &str, pattern: &str) -> Result<Value> {
    let at = |rest: &str, suffix: &str| {
        let list = &rest[..rest.find(suffix)?];
        let found: Vec<&str> = match QUOTES.into_iter().find(|it| list.contains(*it)) {
            Some(quote) => list.split(quote).skip(1).step_by(2).collect(),
            None => list
                .split(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c))
                .filter(|it| !it.is_empty())
                .collect(),
        };
        (!found.is_empty()).then(|| Value::words(found))
    };
    only(text, pattern, at)
}

/// Reads at each place where the text has what precedes `#`.
fn only(text: &str, pattern: &str, read: impl Fn(&str, &str) -> Option<Value>) -> Result<Value> {
    let (prefix, suffix) = pattern.split_once('#').context("it has no #")?;
    let places = text.match_indices(prefix);
    let mut found = places.filter_map(|(at, _)| read(&text[at + prefix.len()..], suffix));
    let value = found.next().context("it is not stated")?;
    if let Some(other) = found.find(|it| *it != value) {
        bail!("it is {value} in one place and {other} in another");
    }
    Ok(value)
}

/// Reads `1_800`, `1,800`, `0.2`, `five` or `10 * 1024 * 1024`, and returns what follows.
fn product(text: &str) -> Option<(f64, &str)> {
    let (mut product, mut rest) = factor(text)?;
    while let Some((number, after)) = rest.strip_prefix(" * ").and_then(factor) {
        (product, rest) = (product * number, after);
    }
    Some((product, rest))
}

fn factor(text: &str) -> Option<(f64, &str)> {
    let letters = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    if let Some(number) = WORDS.iter().position(|it| it.eq_ignore_ascii_case(&text[..letters])) {
        return Some((u32::try_from(number).ok()?.into(), &text[letters..]));
    }
    let is_digit = |at: usize| text[at..].starts_with(|c: char| c.is_ascii_digit());
    let mut end = 0;
    while end < text.len() {
        let is_part = match text.as_bytes()[end] {
            b'0'..=b'9' => true,
            // What separates groups, or begins a fraction, stands between digits.
            b'_' | b',' | b'.' => end > 0 && is_digit(end + 1),
            _ => false,
        };
        if !is_part {
            break;
        }
        end += 1;
    }
    Some((text[..end].replace(['_', ','], "").parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::{Value, number, words};

    #[test]
    fn number_is_read_however_a_text_writes_it() {
        for (text, pattern, expected) in [
            ("const MAX: usize = 10 * 1024 * 1024;", "MAX: usize = #;", 10_485_760.0),
            ("const REST: usize = 6 * 1024 + 100;", "= # + 100", 6_144.0),
            ("the maximum is 1,800 seconds. For", "is # seconds.", 1_800.0),
            ("in (0, 34_359_738_368);", "in (0, #)", 34_359_738_368.0),
            ("between 0.2 MB and up to 3MB.", "between # MB", 0.2),
            ("up to 3MB.", "up to #MB", 3.0),
            ("up to 10.", "up to #.", 10.0),
            ("a limit of five calls", "limit of # calls", 5.0),
            ("for ten minutes", "for # minutes", 10.0),
            ("takes 1 or 2; takes 3 s", "takes # s", 3.0),
        ] {
            assert_eq!(number(text, pattern).unwrap(), Value::Number(expected), "{text}");
        }
    }

    #[test]
    fn text_without_the_pattern_or_with_two_values_is_refused() {
        for (text, pattern) in [
            ("at most 5 records", "at least # records"),
            ("at most 5 records", "at most # bytes"),
            ("at most some records", "at most # records"),
            ("at most 5 records; at most 6 records", "at most # records"),
            ("at most 5 records", "at most 5 records"),
        ] {
            assert!(number(text, pattern).is_err(), "{text}, {pattern}");
        }
        assert!(number("at most 5 records; at most 5 records", "at most # records").is_ok());
    }

    #[test]
    fn words_are_those_in_quotes_or_all_of_them() {
        let expected = Value::words(["A_1", "b.c"]);
        for text in ["[\"A_1\", \"b.c\"]", "[`a_1` or `B.C`.]", "['A_1' | 'b.c']", "[A_1|b.c]"] {
            assert_eq!(words(text, "[#]").unwrap(), expected, "{text}");
        }
        assert!(words("[]", "[#]").is_err() && words("[a", "[#]").is_err());
    }

    #[test]
    fn value_is_shown_for_people_and_terminals() {
        for (number, text) in
            [(0.0, "0"), (0.2, "0.2"), (999.0, "999"), (1_048_576.0, "1,048,576"), (-100.0, "-100")]
        {
            assert_eq!(Value::Number(number).to_string(), text);
        }
        assert_eq!(
            Value::words(["x\u{1b}[2J", "\u{202e}y"]).to_string(),
            "x\\u{1b}[2J, \\u{202e}y"
        );
    }

    #[test]
    fn change_names_what_came_and_what_went() {
        let of = |words: &[&str]| Value::words(words.iter().copied());
        let change = |old: &[&str], new: &[&str]| of(old).change_to(&of(new));
        assert_eq!(change(&["a"], &["a", "b"]), "a → a, b (new: b)");
        assert_eq!(change(&["a", "b"], &["a"]), "a, b → a (gone: b)");
        assert_eq!(change(&["a"], &["b"]), "a → b (new: b; gone: a)");
        assert_eq!(change(&["a"], &[]), "a → none (gone: a)");
        assert_eq!(Value::Number(900.0).change_to(&Value::Number(1_800.0)), "900 → 1,800");
    }
}
