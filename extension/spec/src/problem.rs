//! Describes problems with settings to the person who set them.

use std::fmt;

/// A setting that is not usable as it is. Its [`Display`](fmt::Display) states name, value, problem and remedy in one
/// sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable, with its prefix.
    pub variable: String,
    /// The value as found.
    pub value: String,
    /// The problem with the value.
    pub wrong: String,
    /// The remedy, and the value that applies until then.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, wrong, remedy } = self;
        // An unknown variable may have any characters in its name.
        let variable = shortened(variable);
        write!(f, "{}={:?}: {wrong}; {remedy}", variable.escape_debug(), printable(value))
    }
}

/// The maximum length of a setting in messages, in characters.
const SHOWN: usize = 200;

/// Returns a setting as logs may show it, shortened and without the user and password of a URL.
pub fn printable(value: &str) -> String {
    // A URL without its scheme leaves `user:password@host`.
    let is_userinfo = |before: &str| before.contains(':') && !before.contains("://");
    match value.rsplit_once('@') {
        Some((before, host)) if is_userinfo(before) => shortened(&format!("…@{host}")),
        _ => shortened(&without_userinfo(value)),
    }
}

/// Returns a text without the users and passwords of the URLs in it. A password may contain any character, so
/// everything between `://` and the last `@` is left out.
pub fn without_userinfo(text: &str) -> String {
    let parts = text.split_once("://").zip(text.rsplit_once('@'));
    match parts {
        Some(((scheme, _), (before, host))) if before.len() >= scheme.len() + 3 => {
            format!("{scheme}://…@{host}")
        }
        _ => text.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHOWN {
        return text.to_owned();
    }
    let begin: String = text.chars().take(SHOWN).collect();
    format!("{begin}… ({count} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_shown_without_user_and_password() {
        for (set, shown) in [
            ("https://me:secret@sqs.example.com/1/q", "https://…@sqs.example.com/1/q"),
            ("https://me:s@cr/t ?x#@sqs.example.com", "https://…@sqs.example.com"),
            ("https://secret@sqs.example.com", "https://…@sqs.example.com"),
            ("me:secret@proxy:3128", "…@proxy:3128"),
            ("a\nb:c@d", "…@d"),
            ("me@example.com", "me@example.com"),
            ("https://sqs.example.com/1/q", "https://sqs.example.com/1/q"),
            ("orders", "orders"),
        ] {
            assert_eq!(printable(set), shown);
        }
        let several = "cannot reach http://a:b@c and https://d:e@f";
        assert_eq!(without_userinfo(several), "cannot reach http://…@f");
    }

    #[test]
    fn a_setting_of_thousands_of_characters_is_not_shown_whole() {
        let long = Problem {
            variable: "V".repeat(5_000),
            value: "é".repeat(5_000),
            wrong: "wrong".to_owned(),
            remedy: "mend it".to_owned(),
        };
        let text = long.to_string();
        assert!(text.chars().count() < 500, "{text}");
        assert!(text.contains("(5000 characters)"), "{text}");
    }
}
