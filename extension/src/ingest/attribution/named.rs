//! Finds the request that a log line itself names.
//!
//! It knows the JSON members under which runtimes and Powertools log a request id, and Lambda's own text formats.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

use crate::base::json;

/// Members that name a request, in lower case and without `_`, `-` and `.`.
const MEMBERS: [&str; 5] =
    ["requestid", "awsrequestid", "functionrequestid", "lambdarequestid", "faasinvocationid"];
/// Members that contain such a member: the span of `lambda_runtime` for Rust, and the contexts of loggers for Java and
/// others.
const HOLDERS: [&str; 4] = ["\"span\"", "\"contextMap\"", "\"mdc\"", "\"context\""];
/// Levels that may precede an id.
const LEVELS: [&str; 8] =
    ["TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"];
/// The number of characters within which Lambda's formats name the request.
const HEAD: usize = 256;

/// Returns the request that a line names, given as the JSON of its `record`; none if it names none. Runtimes also log
/// during init. Node then writes `undefined`, and Python nothing, which is an empty name.
pub(super) fn named(record: &str) -> Option<Cow<'_, str>> {
    let may_have_member = || has(record, "equest") || has(record, "nvocation");
    if record.starts_with('{') {
        return if may_have_member() { of_object(record, true) } else { None };
    }
    let text = record.strip_prefix('"')?;
    if text.starts_with('{') {
        let text = if may_have_member() { json::text(record)? } else { return None };
        return of_object(json::value(&text)?, true).map(|name| name.into_owned().into());
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '[') {
        return None;
    }
    match head(text) {
        Cow::Borrowed(head) => of_text(head).map(Cow::Borrowed),
        Cow::Owned(head) => of_text(&head).map(|name| name.to_owned().into()),
    }
}

/// True if a record contains this word. It searches for the second letter, which is rare.
fn has(record: &str, word: &str) -> bool {
    let (record, word) = (record.as_bytes(), word.as_bytes());
    memchr_iter(word[1], record).any(|at| record[at.saturating_sub(1)..].starts_with(word))
}

/// Finds the first member that names a request with a text: in the object itself, otherwise one level down in a holder.
fn of_object(object: &str, is_outer: bool) -> Option<Cow<'_, str>> {
    let mut held = None;
    for (name, value) in json::members(object) {
        if names_request(name)
            && value.len() > 2
            && let Some(found) = json::text(value)
        {
            return Some(found);
        }
        if is_outer && held.is_none() && value.starts_with('{') && HOLDERS.contains(&name) {
            held = of_object(value, false);
        }
    }
    held
}

/// True for the JSON of a name of one of [`MEMBERS`].
fn names_request(name: &str) -> bool {
    let letters = || name.bytes().filter(|byte| !b"\"_-.".contains(byte));
    let is_it = |member: &str| letters().map(|it| it.to_ascii_lowercase()).eq(member.bytes());
    // The longest member has 17 letters, plus quotes and separators.
    name.len() <= 24 && MEMBERS.into_iter().any(is_it)
}

/// Decodes the start of a JSON string, as far as the formats need it.
fn head(text: &str) -> Cow<'_, str> {
    let most = text.len().min(HEAD);
    let end = memchr2(b'"', b'\\', &text.as_bytes()[..most]);
    let plain = &text[..end.unwrap_or_else(|| text.ceil_char_boundary(most))];
    let rest = &text[plain.len()..];
    if end.is_none() || ["\"", "\\n", "\\r"].iter().any(|it| rest.starts_with(it)) {
        return Cow::Borrowed(plain);
    }
    let mut chars = rest.chars();
    let mut head = String::with_capacity(HEAD + 4);
    head.push_str(plain);
    while let Some(c) = chars.next().filter(|c| *c != '"' && head.len() < HEAD) {
        let decoded = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n' | 'r') => break,
                Some('u') => match chars.by_ref().take(4).collect::<String>().as_str() {
                    "0009" => '\t',
                    _ => '?',
                },
                _ => '?',
            },
            c => c,
        };
        head.push(decoded);
    }
    head.into()
}

/// Reads the text formats of Lambda and common loggers: tab-separated `time, id, level, message` (Node, .NET) and
/// `[level], time, id, message` (Python), Ruby's format, `RequestId: id`, and log4j2 layouts with an id after the time
/// or the level.
fn of_text(head: &str) -> Option<&str> {
    let mut fields = head.split('\t');
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic());
    if let (Some(first), Some(second), Some(third), Some(_)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    {
        if is_time(first) && is_word(third) {
            return Some(second);
        }
        if is_level(first) && is_time(second) {
            return Some(third);
        }
    }
    if let Some(id) = of_ruby(head) {
        return Some(id);
    }
    let mut words = head.split([' ', '\t']).filter(|word| !word.is_empty());
    for _ in 0..5 {
        let word = words.next()?;
        if word == "RequestId:" {
            return words.next();
        }
        if is_id(word) {
            return Some(word);
        }
        let is_prefix = matches!(word, "START" | "END" | "REPORT") || is_level(word);
        let is_moment = |byte: u8| byte.is_ascii_digit() || b"-:.,+TZ[]".contains(&byte);
        if !is_prefix && !LEVELS.contains(&word) && !word.bytes().all(is_moment) {
            return None;
        }
    }
    None
}

/// Reads Ruby's format: `I, [time #process]  LEVEL id -- program: message`. The id is empty during init. A logger that
/// the function creates itself writes neither the id nor its space.
fn of_ruby(head: &str) -> Option<&str> {
    let (severity, rest) = head.split_at_checked(1)?;
    let rest = rest.strip_prefix(", [")?;
    let (time, rest) = rest.split_once(']')?;
    let (level, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    let (id, _) = rest.split_once(" -- ")?;
    let is_ruby = level.starts_with(severity) && LEVELS.contains(&level) && is_time(time);
    (is_ruby && !id.contains(' ')).then_some(id)
}

/// True for a level in brackets, such as `[INFO]`.
fn is_level(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.chars().all(|c| c.is_ascii_alphabetic()))
}

/// True if a text looks like an RFC 3339 time.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[13] == b':'
}

/// True for an id in the format of Lambda's request ids.
fn is_id(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa";
    const TIME: &str = "2026-08-09T12:34:11.000Z";

    fn of_line(text: &str) -> Option<String> {
        named(&serde_json::Value::from(text).to_string()).map(Cow::into_owned)
    }

    #[test]
    fn members_of_json_lines_name_the_request() {
        for name in [
            "requestId",
            "AWSRequestId",
            "function_request_id",
            "request_id",
            "awsRequestId",
            "aws_request_id",
            "faas.invocation_id",
        ] {
            let object = format!(r#"{{"level":"INFO","{name}":"{ID}"}}"#);
            assert_eq!(named(&object).as_deref(), Some(ID), "{name}");
            assert_eq!(of_line(&object).as_deref(), Some(ID), "{name}, as text");
        }
        for object in [
            r#"{"request":"x"}"#,
            r#"{"a":{"requestId":"nested"}}"#,
            r#"{"requestId":""}"#,
            r#"{"requestId":null}"#,
            r#"{"requestId":7}"#,
            r#"{"message":"requestId"}"#,
            r#"["requestId"]"#,
        ] {
            assert_eq!(named(object), None, "{object}");
            assert_eq!(of_line(object), None, "{object}, as text");
        }
        assert_eq!(named(r#"{"requestId":null,"request_id":"a\u0062"}"#).as_deref(), Some("ab"));
    }

    #[test]
    fn members_one_level_down_name_the_request() {
        for holder in ["span", "contextMap", "mdc", "context"] {
            for name in ["requestId", "AWSRequestId", "faas.invocation_id"] {
                let object = format!(r#"{{"a":1,"{holder}":{{"b":[],"{name}":"{ID}"}}}}"#);
                assert_eq!(named(&object).as_deref(), Some(ID), "{object}");
                assert_eq!(of_line(&object).as_deref(), Some(ID), "{object}, as text");
            }
            for value in [r#"{"span":{"requestId":"x"}}"#, r#"[{"requestId":"x"}]"#, "{}", "7"] {
                let object = format!(r#"{{"{holder}":{value},"requestId":""}}"#);
                assert_eq!(named(&object), None, "{object}");
            }
        }
        let both = format!(r#"{{"context":{{"requestId":"other"}},"requestId":"{ID}"}}"#);
        assert_eq!(named(&both).as_deref(), Some(ID), "its own member has precedence");
    }

    #[test]
    fn the_text_format_of_ruby_names_the_request() {
        let line = |rest: &str| of_line(&format!("I, [2026-08-09T12:34:11.123456 #8]  {rest}"));
        assert_eq!(line(&format!("INFO {ID} -- : hello")).as_deref(), Some(ID));
        assert_eq!(line("INFO A -- app: hello -- there\n").as_deref(), Some("A"));
        assert_eq!(line("INFO  -- : cold").as_deref(), Some(""), "during init");
        assert_eq!(line("INFO -- : hello -- there"), None, "a logger of the function's own");
        assert_eq!(line("hello A -- there"), None);
    }

    #[test]
    fn text_formats_of_lambda_name_the_request() {
        for line in [
            format!("{TIME}\t{ID}\tINFO\thello"),
            format!("{TIME}\t{ID}\twarn\thello"),
            format!("{TIME}\t{ID}\tERROR\tInvoke Error \t{{}}"),
            format!("[INFO]\t{TIME}\t{ID}\thello\n"),
            format!("START RequestId: {ID} Version: $LATEST"),
            format!("RequestId: {ID} Error: Runtime exited"),
            format!("{TIME} {ID} Task timed out after 3.00 seconds"),
            format!("2026-08-09 12:34:11 {ID} INFO  Handler - hello"),
            format!("[INFO] {TIME} {ID} hello"),
            format!("INFO {ID} hello"),
        ] {
            assert_eq!(of_line(&line).as_deref(), Some(ID), "{line}");
        }
        assert_eq!(
            of_line(&format!("{TIME}\tundefined\tINFO\tcold")).as_deref(),
            Some("undefined")
        );
        assert_eq!(of_line(&format!("[INFO]\t{TIME}\t\tcold")).as_deref(), Some(""));
        assert_eq!(of_line(&format!("{TIME}\tr-1\tINFO\thello")).as_deref(), Some("r-1"));
        for line in [
            "hello".to_owned(),
            format!("order {ID} paid"),
            format!("{TIME}\thello\tworld"),
            format!("{TIME} hello {ID}"),
            format!("ORDER {ID} paid"),
            "[INFO] hello".to_owned(),
            format!("[1,2]\t{TIME}\tx\ty"),
            "é".repeat(1_000),
        ] {
            assert_eq!(of_line(&line), None, "{line}");
        }
    }
}
