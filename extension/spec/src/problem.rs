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
        let variable = shortened(variable);
        write!(f, "{}={:?}: {wrong}; {remedy}", variable.escape_debug(), printable(value))
    }
}

/// Most characters of a setting that are shown.
const SHOWN: usize = 200;

/// Returns a setting as a log may show it: without the user and the password of a URL, and not longer than a person reads.
pub fn printable(value: &str) -> String {
    // `user:password@host` is what is left of a URL whose scheme was forgotten.
    let is_userinfo = |before: &str| before.contains(':') && !before.contains("://");
    match value.rsplit_once('@') {
        Some((before, host)) if is_userinfo(before) => shortened(&format!("…@{host}")),
        _ => shortened(&without_userinfo(value)),
    }
}

/// Returns a text without the users and passwords of the URLs in it. A password may hold anything, so all that lies between `://` and
/// the last `@` is left out.
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
