//! Turns the data of a record into the events that Lambda generated, byte for byte. Pure.
//!
//! In what [`decode`] returns, each line is one event with its identity spliced in as the last member, or the first line holds
//! the identity of all (`ENVELOPE=record`). The text of an event is cut out and never re-serialized: `1.0` must not become
//! `1`, nor `\u00fc` become `ü`.

use std::fmt;

use extension_spec::event_type;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::decode;

/// The identity of an event: `instance`, `seq` and, for a part of an event, `part`.
///
/// It is the `source` that the extension adds to an event. Two events with the same identity are duplicates.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The name of the function; `None` if the event has no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The extension process that numbered the event. It is empty if the event has no identity.
    pub instance: String,
    /// The number of the event within its instance, from 1; 0 if the event has no identity.
    pub seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The number of this part, from 1, if the event was too large for one record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// The number of parts, if the event was too large for one record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// The number of lines that follow, in the first line of a record with `ENVELOPE=record`.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    /// Members that the extension adds on request (`LABELS`), and those of later releases.
    #[serde(flatten)]
    pub labels: Map<String, Value>,
}

/// An event that Lambda or the extension generated, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The JSON text as Lambda wrote it, byte for byte and without `source`. For a part it is the line without `source`.
    pub text: String,
    /// The `type`, for example `function` or `platform.report`. It is `(no type)` if there is none, and raw JSON if it is not a
    /// string.
    pub kind: String,
    /// The `time` in milliseconds since 1970-01-01T00:00:00Z, if it is an RFC 3339 timestamp.
    pub time_ms: Option<i64>,
    /// The ID of the invocation, from `record.requestId` or else `source.requestId`, if the event has one.
    pub request_id: Option<String>,
    /// The identity.
    pub source: Source,
}

/// A line, or a whole record, that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, with U+FFFD for bytes that are not UTF-8. It is a description if the whole record cannot be read.
    pub line: String,
    /// The reason, for people.
    pub why: String,
}

/// Returns the events of one record in their order, and an error for each line that cannot be read.
///
/// A record that cannot be decompressed or de-aggregated gives a single error. With `ENVELOPE=record`, a record whose number
/// of lines differs from what its first line states gives an additional error at the end. Empty lines are skipped.
pub fn record(data: &[u8]) -> Vec<Result<Event, Broken>> {
    let lines = match decode::lines(data) {
        Ok(lines) => lines,
        Err(why) => {
            return vec![Err(Broken { line: format!("a record of {} bytes", data.len()), why })];
        }
    };
    let mut lines = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let Some(first) = lines.next().map(line) else { return Vec::new() };
    match first {
        Ok(Event { kind, source, .. }) if kind == event_type::RECORD => of_head(&source, lines),
        first => [first].into_iter().chain(lines.map(line)).collect(),
    }
}

/// Returns the events after the first line of a record, which holds the identity of all. Every further line is an event,
/// whatever it holds.
fn of_head<'a>(head: &Source, lines: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Event, Broken>> {
    let numbered = lines.zip(head.seq..).map(|(bytes, seq)| {
        let broken =
            |why: String| Broken { line: String::from_utf8_lossy(bytes).into_owned(), why };
        let text = str::from_utf8(bytes).map_err(|error| broken(format!("no UTF-8: {error}")))?;
        let source = Source { seq, events: None, ..head.clone() };
        Event::of(text.to_owned(), source).map_err(broken)
    });
    let mut events: Vec<_> = numbered.collect();
    if head.events != Some(events.len() as u64) {
        let line = format!("the first line of a record of {} events", events.len());
        let why = format!("it says that {:?} follow", head.events.unwrap_or_default());
        events.push(Err(Broken { line, why }));
    }
    events
}

fn line(bytes: &[u8]) -> Result<Event, Broken> {
    let broken = |why: String| Broken { line: String::from_utf8_lossy(bytes).into_owned(), why };
    let line = str::from_utf8(bytes).map_err(|error| broken(format!("no UTF-8: {error}")))?;
    let (text, source) = unsplice(line).map_err(broken)?;
    Event::of(text, source).map_err(broken)
}

impl Event {
    /// Reads an event whose identity is known.
    fn of(text: String, source: Source) -> Result<Self, String> {
        let Members(members) = parse(&text)?;
        let member = |name: &str| members.iter().find(|(key, _)| *key == name).map(|(_, raw)| *raw);
        let string = |raw: &str| serde_json::from_str::<String>(raw).ok();
        let time_ms = member("\"time\"").and_then(string).as_deref().and_then(milliseconds);
        // A type that is no string still deserves its line in the table, so it is shown raw.
        let kind = member("\"type\"").map(|raw| string(raw).unwrap_or_else(|| raw.to_owned()));
        let of_record = member("\"record\"").and_then(request_id_of);
        let request_id = of_record.or_else(|| source.request_id.clone());
        let kind = kind.unwrap_or_else(|| "(no type)".to_owned());
        Ok(Self { text, kind, time_ms, request_id, source })
    }

    /// Reads a line that has no identity (`ENVELOPE=none`). Returns `None` if it is not a JSON object.
    pub fn without_identity(line: &str) -> Option<Self> {
        Self::of(line.to_owned(), Source::default()).ok()
    }

    /// Returns the event as one line of JSON without a line break, with its identity as `source` if it has one.
    pub fn line(&self) -> String {
        let open =
            self.text.trim_end().strip_suffix('}').filter(|_| !self.source.instance.is_empty());
        let Some((open, source)) = open.zip(serde_json::to_string(&self.source).ok()) else {
            return self.text.clone();
        };
        let comma = if open.trim_end().ends_with('{') { "" } else { "," };
        format!("{open}{comma}\"source\":{source}}}")
    }

    /// Returns the fragment that this line carries, if it is a part of a larger event.
    fn fragment(&self) -> Option<String> {
        let Members(members) = parse(&self.text).ok()?;
        let (_, raw) = members.iter().find(|(key, _)| *key == "\"record\"")?;
        (self.kind == event_type::PART).then(|| serde_json::from_str(raw).ok()).flatten()
    }
}

/// Joins the parts of one event.
///
/// `parts` are all parts with one `instance` and `seq`, sorted by `part`, each once.
///
/// # Errors
///
/// Returns a message if a part is missing, if the parts disagree on their number, or if they do not join to a JSON object.
pub fn join(parts: &[&Event]) -> Result<Event, String> {
    let first = parts.first().ok_or("no part at all")?;
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.source.part).collect();
    let of = first.source.parts.ok_or("a part does not say of how many")?;
    if parts.iter().any(|part| part.source.parts != Some(of)) {
        return Err("its parts do not agree on how many they are".to_owned());
    }
    if !numbers.iter().copied().eq(1..=of) {
        return Err(format!("only parts {numbers:?} of {of} arrived"));
    }
    let fragments: Option<String> = parts.iter().map(|part| part.fragment()).collect();
    let text = fragments.ok_or("a part holds no fragment")?;
    let source = Source { part: None, parts: None, ..first.source.clone() };
    Event::of(text, source).map_err(|why| format!("its parts join to no event: {why}"))
}

/// Removes the identity from a line: exactly the bytes that the extension added.
fn unsplice(line: &str) -> Result<(String, Source), String> {
    let Members(members) = parse(line)?;
    let Some(("\"source\"", raw)) = members.last() else {
        return Err("its last member is not \"source\"".to_owned());
    };
    let source = serde_json::from_str(raw).map_err(|e| format!("its \"source\" is odd: {e}"))?;
    // `raw` is a part of `line`, not a copy: where it begins tells where to cut.
    let begins = raw.as_ptr() as usize - line.as_ptr() as usize;
    let before = &line[..begins];
    let kept = before
        .strip_suffix(",\"source\":")
        // An event without any member leaves nothing for a comma to separate.
        .or_else(|| before.strip_suffix("\"source\":").filter(|_| members.len() == 1))
        .ok_or("its \"source\" was not spliced in as ,\"source\":")?;
    Ok((format!("{kept}{}", &line[begins + raw.len()..]), source))
}

fn request_id_of(record: &str) -> Option<String> {
    let Members(members) = parse(record).ok()?;
    let (_, raw) = members.iter().find(|(key, _)| *key == "\"requestId\"")?;
    serde_json::from_str(raw).ok()
}

fn milliseconds(time: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn parse(text: &str) -> Result<Members<'_>, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))
}

/// An object's members as raw text, in their order, duplicate names included.
struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    members.push((key.get(), value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests;
