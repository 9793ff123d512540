//! Text of unknown origin, made safe to show.
//!
//! Records, dead letters, names and responses of services may contain any characters. A terminal interprets control characters
//! (ECMA-48: C0, C1 such as U+009B, and the escape sequences that they begin) as commands. Bidirectional controls (Unicode
//! Standard Annex 9) change the order in which a line is read. A line break within a value could forge a line of our own output.

use std::borrow::Cow;

/// Returns a value as one line that a terminal shows as it is: a space for line breaks and tabs, U+FFFD for other controls.
pub fn plain(value: &str) -> Cow<'_, str> {
    replaced(value, is_unsafe, |c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => " ".into(),
        _ => "\u{fffd}".into(),
    })
}

/// Returns at most `most_chars` characters of a value, as [`plain`] shows them, and `…` if the value has more.
pub fn beginning(value: &str, most_chars: usize) -> String {
    match value.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}…", plain(&value[..end])),
        None => plain(value).into_owned(),
    }
}

/// Returns output of several lines without the controls in it. Its line breaks stay: [`plain`] removes those of a value.
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| is_unsafe(c) && c != '\n', |_| "\u{fffd}".into())
}

/// Returns a JSON document with `\u` escapes for the controls in its strings. It stays the same document.
pub fn json(document: &str) -> Cow<'_, str> {
    let is_escaped = |c| is_unsafe(c) && c != '\n';
    replaced(document, is_escaped, |c| match c.encode_utf16(&mut [0; 2]) {
        // JSON contains these characters only between tokens; in strings they are escaped.
        [0x09 | 0x0D] => " ".into(),
        [unit] => format!("\\u{unit:04x}").into(),
        units => format!("\\u{:04x}\\u{:04x}", units[0], units[1]).into(),
    })
}

/// Returns true for characters that a terminal interprets as commands, and for those that reorder or break a line.
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

fn replaced(
    text: &str,
    is_replaced: impl Fn(char) -> bool,
    replacement: impl Fn(char) -> Cow<'static, str>,
) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return text.into();
    }
    let safe = |c: char| if is_replaced(c) { replacement(c) } else { c.to_string().into() };
    text.chars().map(safe).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of character that must not reach a terminal.
    const UNSAFE: [char; 16] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\r',
        '\u{b}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{90}',
        '\u{9b}',
        '\u{9d}',
        '\u{202e}',
        '\u{2066}',
        '\u{2029}',
        '\u{200f}',
        '\u{e0041}',
    ];

    #[test]
    fn no_control_reaches_a_terminal_in_any_form() {
        for c in UNSAFE {
            let text = format!("a{c}b\nc");
            assert!(!plain(&text).contains([c, '\n']), "{c:?}");
            assert!(!lines(&text).contains(c) && lines(&text).ends_with("b\nc"), "{c:?}");
        }
        assert_eq!(plain("one\r\ntwo\tthree\u{1b}[31m"), "one  two three\u{fffd}[31m");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(beginning("üü\nü", 4), "üü ü");
        assert_eq!(beginning("üü\nü", 3), "üü …");
    }

    #[test]
    fn text_of_every_script_is_unchanged() {
        let text = "Größe — 東京 — سلام — 👩‍👩‍👧 — e\u{301}";
        assert!(matches!(plain(text), Cow::Borrowed(same) if same == text));
        assert!(matches!(json(text), Cow::Borrowed(_)));
    }

    #[test]
    fn escaped_json_is_the_same_document() {
        let name =
            |c: char| if c < ' ' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        let document: String = UNSAFE.iter().map(|&c| name(c)).collect();
        let escaped = json(&document);
        assert!(!escaped.contains(UNSAFE), "{escaped}");
        assert!(escaped.contains("\\u009b") && escaped.ends_with("\\udb40\\udc41"), "{escaped}");
        assert_eq!(json("{\n\t\"a\":\r1\n}"), "{\n \"a\": 1\n}");
    }
}
