//! An error and the errors that it wraps.

use std::error::Error;
use std::iter::successors;

/// Returns the error and its causes, the outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&it| it.source())
}

/// Returns the error and its causes in one line without control characters.
pub(super) fn in_a_line(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    // Some errors repeat their cause.
    texts.dedup_by(|next, before| before.contains(next.as_str()));
    let text = texts.join(": ");
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::in_a_line;

    #[test]
    fn an_error_becomes_one_line_without_repetition() {
        let error = io::Error::other(io::Error::other("a\nb\u{1b}[31m\u{9b}  c"));
        assert_eq!(in_a_line(&error), "a b [31m c");
        let cause = anyhow::anyhow!("no file").context("no token");
        assert_eq!(in_a_line(cause.as_ref()), "no token: no file");
    }
}
