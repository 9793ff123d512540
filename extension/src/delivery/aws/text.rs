//! Prepares external text for the log: bounded, without control characters and without secrets.

use extension_spec::without_userinfo;

/// Replaces the middle of a text that is too long.
const GAP: &str = " … ";

/// Returns the text on one line, with at most `most` characters.
///
/// A text that is too long loses its middle, because services name the action first and the cause last. The result ends
/// before a session token, which rejections of a signature and some proxies quote.
pub(super) fn clean(text: &str, most: usize) -> String {
    let words = |c: char| c.is_whitespace() || is_unprintable(c);
    let text = without_userinfo(before_token(text));
    let words = text.split(words).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    let count = line.chars().count();
    if count <= most {
        return line;
    }
    let kept = most.saturating_sub(GAP.chars().count());
    let tail = kept / 3;
    let head: String = line.chars().take(kept - tail).collect();
    let tail: String = line.chars().skip(count - tail).collect();
    format!("{head}{GAP}{tail}")
}

/// True for control characters and for marks that change the displayed order of text.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

fn before_token(text: &str) -> &str {
    const TOKEN: &[u8] = b"x-amz-security-token";
    let is_token = |it: &[u8]| it.eq_ignore_ascii_case(TOKEN);
    // The match starts with an ASCII letter, so the cut is between characters.
    text.as_bytes().windows(TOKEN.len()).position(is_token).map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let text = format!("User: {} is not allowed because no policy allows it", "é".repeat(900));
        let line = clean(&text, 200);
        assert_eq!(line.chars().count(), 200);
        assert!(
            line.starts_with("User: é") && line.ends_with("because no policy allows it"),
            "{line}"
        );
        assert_eq!(clean("short", 200), "short");
    }

    #[test]
    fn a_text_is_one_line_without_control_characters() {
        assert_eq!(
            clean("<html>\r\n\t<p>\u{1b}[31mno\u{202e}\0 way\u{2028}", 50),
            "<html> <p> [31mno way"
        );
    }

    #[test]
    fn a_text_hides_the_userinfo_of_a_url() {
        assert_eq!(
            clean("cannot reach https://me:se cret@host/", 100),
            "cannot reach https://…@host/"
        );
    }

    #[test]
    fn a_text_ends_before_a_session_token() {
        assert_eq!(
            clean("we got x-amz-date:now X-Amz-Security-Token: secret", 100),
            "we got x-amz-date:now"
        );
    }
}
