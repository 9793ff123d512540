//! Text of unknown origin, made harmless for HTML and JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns a value as one line in which control characters and bidirectional controls are visible.
///
/// A line break becomes `↵`, and U+202E `[U+202E]`.
pub(crate) fn visible(value: &str) -> Cow<'_, str> {
    replaced(value, is_unsafe)
}

/// Returns text of several lines in which control characters are visible, except for line breaks and tabs.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    // A carriage return before a line break shows nothing.
    let text: Cow<'_, str> =
        if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() };
    match replaced(&text, |c| is_unsafe(c) && c != '\n' && c != '\t') {
        Cow::Owned(safe) => safe.into(),
        Cow::Borrowed(_) => text,
    }
}

/// Returns text for HTML, in elements and in quoted attributes.
pub(crate) fn escape(value: &str) -> String {
    let value = visible(value);
    let mut html = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Returns a JSON document that a `<script>` element can hold. It stays the same document.
///
/// HTML ends the element at `</script` and changes its meaning at `<!--`, so no `<` is left. These characters occur only in
/// strings.
pub(crate) fn json(document: &str) -> String {
    let mut safe = String::with_capacity(document.len());
    for c in document.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Returns true for invisible characters, and for those that reorder or break a line. The table of the terminal (`cli/terminal`)
/// has the same characters; a test of `cli/stream` checks it, because this crate does not depend on the CLI.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn replaced(text: &str, is_replaced: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match u32::from(c) {
            _ if !is_replaced(c) => safe.push(c),
            0x0a => safe.push('↵'),
            code => _ = write!(safe, "[U+{code:04X}]"),
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::{Cow, escape, json, visible, visible_lines};

    #[test]
    fn controls_become_visible() {
        assert_eq!(visible("a\nb\u{1b}[31m\u{7f}\u{9b}"), "a↵b[U+001B][31m[U+007F][U+009B]");
        assert_eq!(visible("a\u{202e}b\u{e0041}"), "a[U+202E]b[U+E0041]");
    }

    #[test]
    fn line_breaks_and_tabs_of_log_lines_stay() {
        assert_eq!(visible_lines("one\r\n\ttwo\rthree\0"), "one\n\ttwo[U+000D]three[U+0000]");
    }

    #[test]
    fn text_of_every_script_is_unchanged() {
        let text = "Größe — 東京 — سلام — 👩‍👩‍👧 — e\u{301}";
        assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        assert_eq!(visible_lines(text), text);
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<a href=\"'&\">"), "&lt;a href=&quot;&#39;&amp;&quot;&gt;");
    }

    #[test]
    fn escaped_json_is_the_same_document() {
        let text = "</script><!--&\u{2028}\u{2029}<script>";
        let escaped = json(&serde_json::to_string(text).unwrap());
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
