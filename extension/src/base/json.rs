//! Finds the members of JSON objects by their bytes.
//!
//! `serde_json` alone decides whether a text is JSON. In a text that it has accepted, quotes, brackets and commas suffice to
//! find the members, so reading them needs neither a second parser nor an allocation.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize as _;
use serde_json::value::RawValue;

/// Returns the JSON value at the start of `text`; none if `serde_json` rejects it. Ignores the rest of the text.
pub(crate) fn value(text: &str) -> Option<&str> {
    let value = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(text));
    value.ok().map(RawValue::get)
}

/// Returns the members of an object in order, each as the JSON of its name and of its value. Other values have none.
///
/// `json` must be a value that `serde_json` has accepted.
pub(crate) fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = json.as_bytes();
    let mut at = if json.starts_with('{') { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        // A name follows a comma and whitespace; a value follows a colon and whitespace.
        let name = at + bytes[at..].iter().position(|byte| *byte == b'"')?;
        let name_end = string_end(bytes, name)?;
        let is_between = |byte: &u8| *byte == b':' || is_space(*byte);
        let value = name_end + bytes[name_end..].iter().position(|byte| !is_between(byte))?;
        let is_scalar = !matches!(bytes[value], b'"' | b'{' | b'[');
        let is_behind = |byte: &u8| matches!(byte, b',' | b'}') || is_space(*byte);
        at = if is_scalar {
            value + bytes[value..].iter().position(is_behind)?
        } else {
            token_end(bytes, value)
        };
        Some((&json[name..name_end], &json[value..at]))
    })
}

/// Returns the values of an object's members with these names. A name that no member or several members have yields
/// none, because readers differ on which of several counts.
pub(crate) fn values<'a, const N: usize>(json: &'a str, names: [&str; N]) -> [Option<&'a str>; N] {
    let mut found = [(None, 0); N];
    for (name, value) in members(json) {
        let name = text(name);
        if let Some(at) = names.iter().position(|it| name.as_deref() == Some(*it)) {
            found[at] = (Some(value), found[at].1 + 1);
        }
    }
    found.map(|(value, count)| value.filter(|_| count == 1))
}

/// Returns the text of a JSON string; none for other values and for strings with an unpaired surrogate.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if !plain.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

/// Returns the end of the token that starts here: an object or array up to its end, a string, or any other byte.
pub(crate) fn token_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at).unwrap_or(bytes.len()) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the end of the string that starts here, after its closing quote.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// True if JSON allows this byte between tokens.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
