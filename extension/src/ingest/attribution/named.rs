//! The request that a log line itself names.
//!
//! Knows the JSON members under which runtimes and Powertools log a request id, and Lambda's own text formats.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Members that name a request, in lower case and without `_`, `-` and `.`.
const MEMBERS: [&str; 5] =
    ["requestid", "awsrequestid", "functionrequestid", "lambdarequestid", "faasinvocationid"];
/// Members that hold such a member: the span of `lambda_runtime` for Rust, and the contexts of Java's loggers and others.
const HOLDERS: [&str; 4] = ["\"span\"", "\"contextMap\"", "\"mdc\"", "\"context\""];
/// Levels that stand before an id.
const LEVELS: [&str; 8] =
    ["TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"];
/// Lambda's formats say the request within the first characters.
const HEAD: usize = 256;

/// Returns the request that a line names, given as the JSON of its `record`; none if it names none. Runtimes log during
/// init, too: then Node names `undefined` and Python nothing, which is an empty name.
pub(super) fn named(record: &str) -> Option<Cow<'_, str>> {
    let has = |text: &[u8]| memmem::find(record.as_bytes(), text).is_some();
    let may_have_member = || has(b"equest") || has(b"nvocation");
    if record.starts_with('{') {
        return if may_have_member() { of_object(record) } else { None };
    }
    let text = record.strip_prefix('"')?;
    if text.starts_with('{') {
        let text: Cow<'_, str> =
            if may_have_member() { serde_json::from_str(record).ok()? } else { return None };
        return of_object(&text).map(|name| name.into_owned().into());
    }
    let may_be_head =
        text.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '[');
    if may_be_head { of_text(&head(text)).map(|name| name.to_owned().into()) } else { None }
}

fn of_object(object: &str) -> Option<Cow<'_, str>> {
    let members = Members { is_outer: true };
    serde_json::Deserializer::from_str(object).deserialize_map(members).ok()?
}

/// Finds the first member that names a request with a text: in the object itself, else one level down in a holder.
struct Members {
    is_outer: bool,
}

impl<'de> Visitor<'de> for Members {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut held) = (None, None);
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value = map.next_value::<&RawValue>()?.get();
            if found.is_none() && names_request(name.get()) && value.len() > 2 {
                found = string(value);
            }
            if self.is_outer && held.is_none() && value.starts_with('{') && is_holder(name.get()) {
                let members = Self { is_outer: false };
                let mut inner = serde_json::Deserializer::from_str(value);
                held = inner.deserialize_map(members).unwrap_or_default();
            }
        }
        Ok(found.or(held))
    }
}

fn string(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

fn is_holder(name: &str) -> bool {
    HOLDERS.contains(&name)
}

fn names_request(name: &str) -> bool {
    let letters = name.chars().filter(|c| !"\"_-.".contains(*c)).map(|c| c.to_ascii_lowercase());
    // The longest of them.
    name.len() <= 24 && MEMBERS.contains(&&*letters.collect::<String>())
}

/// Decodes the beginning of a JSON string, as far as formats need it.
fn head(text: &str) -> String {
    let mut chars = text.chars();
    let mut head = String::new();
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
    head
}

/// Reads Lambda's text formats: of Node and .NET `time, id, level, message`, of Python `[level], time, id, message`, both
/// separated by tabs; of Ruby; `RequestId: id`; and what log4j2 and others are set up for, an id behind the time or the level.
fn of_text(head: &str) -> Option<&str> {
    let fields: Vec<&str> = head.splitn(5, '\t').collect();
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic());
    match *fields {
        [time, id, level, _, ..] if is_time(time) && is_word(level) => return Some(id),
        [level, time, id, _, ..] if is_level(level) && is_time(time) => return Some(id),
        _ => {}
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
        let is_moment = |c: char| c.is_ascii_digit() || "-:.,+TZ[]".contains(c);
        if !is_prefix && !LEVELS.contains(&word) && !word.chars().all(is_moment) {
            return None;
        }
    }
    None
}

/// Reads Ruby's format: `I, [time #process]  LEVEL id -- program: message`. The id is empty during init; a logger that the
/// function makes itself writes neither the id nor its space.
fn of_ruby(head: &str) -> Option<&str> {
    let (severity, rest) = head.split_once(", [")?;
    let (time, rest) = rest.split_once(']')?;
    let (level, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    let (id, _) = rest.split_once(" -- ")?;
    let is_ruby = level.starts_with(severity) && LEVELS.contains(&level) && is_time(time);
    (is_ruby && severity.len() == 1 && !id.contains(' ')).then_some(id)
}

/// True for `[INFO]`.
fn is_level(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.chars().all(|c| c.is_ascii_alphabetic()))
}

/// True for an RFC 3339 time, roughly.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[13] == b':'
}

/// True for an id of the form that Lambda gives requests.
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
        assert_eq!(named(&both).as_deref(), Some(ID), "its own member comes first");
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
