//! Turns the data of a record into the events that Lambda generated, byte for byte. Pure.
//!
//! Each line is one event with its identity spliced in as the last member, or the first line holds the identity of all
//! (`ENVELOPE=record`). The text of an event is cut out and never re-serialized: `1.0` must not become `1`, nor `\u00fc`
//! become `ü`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{decode, wire};

/// The identity of an event: `instance`, `seq` and, for a part of an event, `part`.
///
/// It is the `source` that the extension adds to an event. Two events with the same identity are duplicates.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The name of the function; `None` if the event has no identity.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The extension process that numbered the event. It is empty if the event has no identity.
    pub instance: String,
    /// The number of the event within its instance, from 1; 0 if the event has no identity.
    pub seq: u64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The number of this part, from 1, if the event was too large for one record.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// The number of parts, if the event was too large for one record.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// The number of lines that follow, in the first line of a record with `ENVELOPE=record`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    /// All further members: `tenantId`, those of `LABELS`, and those of later releases. Their values are always text.
    #[serde(flatten)]
    pub labels: BTreeMap<String, String>,
}

/// Reads a member that is not null: the extension leaves a member out if it has no value.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
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
/// A record that cannot be decompressed or de-aggregated, that decompresses to more than 16 MiB, or that holds more
/// than 50,000 lines, gives a single error. With `ENVELOPE=record`, a record that lacks lines that its first line
/// announces gives an additional error at the end. Empty lines are skipped.
pub fn record(data: &[u8]) -> Vec<Result<Event, Broken>> {
    let whole = |why| vec![Err(Broken { line: format!("a record of {} bytes", data.len()), why })];
    let data = match decode::inflate(data) {
        Ok(data) => data,
        Err(why) => return whole(why),
    };
    let records = match decode::records(&data) {
        Ok(records) => records,
        Err(why) => return whole(why),
    };
    let lines: usize = records.iter().map(|it| it.split(|byte| *byte == b'\n').count() - 1).sum();
    if lines > wire::MAX_LINES {
        return whole(format!("it holds more than {} lines", wire::MAX_LINES));
    }
    let mut events = Vec::new();
    for lines in records {
        read(lines, &mut events);
    }
    events
}

/// Adds the events of the lines of a record, or of a record inside an aggregate.
fn read(lines: &[u8], events: &mut Vec<Result<Event, Broken>>) {
    // With `ENVELOPE=record`: the identity of the lines that follow, and their numbers.
    let (mut head, mut numbers) = (Source::default(), 0..0);
    for bytes in lines.split_inclusive(|byte| *byte == b'\n') {
        let line = bytes.strip_suffix(b"\n");
        if line.is_some_and(<[u8]>::is_empty) {
            continue;
        }
        let number = numbers.next();
        let event = line.ok_or_else(|| "the line does not end".to_owned()).and_then(|line| {
            let line = str::from_utf8(line).map_err(|error| format!("no UTF-8: {error}"))?;
            match number {
                // Every line is an event then.
                Some(seq) => Event::of(line.to_owned(), Source { seq, ..head.clone() }),
                None => Event::identified(line),
            }
        });
        match event {
            Ok(mut event) if number.is_none() && event.source.events.is_some() => {
                let following = event.source.events.take().unwrap_or_default();
                head = event.source;
                numbers = head.seq..head.seq.saturating_add(following);
            }
            event => events.push(event.map_err(|why| Broken {
                line: String::from_utf8_lossy(line.unwrap_or(bytes)).into_owned(),
                why,
            })),
        }
    }
    if !numbers.is_empty() {
        let line = "the first line of a record".to_owned();
        let why = format!("{} events that it announces are missing", numbers.end - numbers.start);
        events.push(Err(Broken { line, why }));
    }
}

impl Source {
    /// Fails unless the extension can have written this identity for an event of this type.
    ///
    /// `bytes` is the length of its text, which every event has that it announces.
    fn check(&self, kind: &str, bytes: usize) -> Result<(), String> {
        let Self { instance, seq, part, parts, events, .. } = self;
        let within = |name: &str, number: Option<u64>, most: u64| match number {
            Some(number) if !(1..=most).contains(&number) => {
                Err(format!("{name} is {number}, and must be a number from 1 to {most}"))
            }
            _ => Ok(()),
        };
        within("seq", Some(*seq), wire::MAX_NUMBER)?;
        within("parts", parts.map(u64::from), wire::MAX_PARTS.into())?;
        within("part", part.map(u64::from), parts.unwrap_or_default().into())?;
        within("events", *events, wire::MAX_LINES as u64)?;
        within("the last seq", Some(seq + events.unwrap_or(1) - 1), wire::MAX_NUMBER)?;
        if events.unwrap_or(1) * bytes as u64 > wire::MAX_INFLATED_BYTES as u64 {
            return Err("its \"source\" is of more events than it can be".to_owned());
        }
        if instance.is_empty() || part.is_some() != parts.is_some() {
            return Err("its \"source\" lacks a member".to_owned());
        }
        if (kind == wire::PART) != part.is_some() || (kind == wire::RECORD) != events.is_some() {
            return Err("its type does not fit its \"source\"".to_owned());
        }
        Ok(())
    }
}

impl Event {
    /// Reads a line that ends with its identity.
    fn identified(line: &str) -> Result<Self, String> {
        let (text, source) = unsplice(line)?;
        let bytes = line.len() - text.len();
        let event = Self::of(text, source)?;
        event.source.check(&event.kind, bytes)?;
        if event.source.part.is_some() && event.fragment().is_none() {
            return Err("a part holds no text".to_owned());
        }
        Ok(event)
    }

    /// Reads an event whose identity is known.
    fn of(text: String, source: Source) -> Result<Self, String> {
        let members = parse(&text)?;
        let string = |raw: &str| serde_json::from_str::<String>(raw).ok();
        let time_ms = members.time.and_then(string).as_deref().and_then(milliseconds);
        // A type that is not a string is shown raw, so that it has its line in a table.
        let kind = members.kind.map(|raw| string(raw).unwrap_or_else(|| raw.to_owned()));
        let of_record = members.record.and_then(request_id_of);
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
        // Between the tokens of an event that was joined from parts there may be line breaks. In strings JSON escapes them.
        let text = self.text.replace(['\n', '\r'], " ");
        let open = text.trim_end().strip_suffix('}').filter(|_| !self.source.instance.is_empty());
        let Some((open, source)) = open.zip(serde_json::to_string(&self.source).ok()) else {
            return text;
        };
        let comma = if open.trim_end().ends_with('{') { "" } else { "," };
        format!("{open}{comma}\"source\":{source}}}")
    }

    /// Returns the fragment that this line carries, if it is a part of a larger event.
    fn fragment(&self) -> Option<String> {
        let raw = parse(&self.text).ok()?.record?;
        (self.kind == wire::PART).then(|| serde_json::from_str(raw).ok()).flatten()
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
        return Err("its parts state different numbers of parts".to_owned());
    }
    if !numbers.iter().copied().eq(1..=of) {
        return Err(format!("{} of its {of} parts arrived", numbers.len()));
    }
    if parts.iter().map(|part| part.text.len()).sum::<usize>() > wire::MAX_INFLATED_BYTES {
        return Err("its parts are larger than an event can be".to_owned());
    }
    let fragments: Option<String> = parts.iter().map(|part| part.fragment()).collect();
    let text = fragments.ok_or("a part holds no fragment")?;
    let source = Source { part: None, parts: None, ..first.source.clone() };
    Event::of(text, source).map_err(|why| format!("its parts join to no event: {why}"))
}

/// Removes the identity from a line: exactly the bytes that the extension added.
fn unsplice(line: &str) -> Result<(String, Source), String> {
    let members = parse(line)?;
    let Some(("\"source\"", raw)) = members.last else {
        return Err("its last member is not \"source\"".to_owned());
    };
    if raw.len() > wire::MAX_SOURCE_BYTES {
        return Err(format!("its \"source\" has {} bytes", raw.len()));
    }
    let source = serde_json::from_str(raw).map_err(|e| format!("its \"source\" is odd: {e}"))?;
    // `raw` is a part of `line`, not a copy: where it begins tells where to cut.
    let begins = raw.as_ptr() as usize - line.as_ptr() as usize;
    let before = &line[..begins];
    let kept = before
        .strip_suffix(",\"source\":")
        // An event without any member leaves nothing for a comma to separate.
        .or_else(|| before.strip_suffix("\"source\":").filter(|_| members.count == 1))
        .ok_or("its \"source\" was not spliced in as ,\"source\":")?;
    Ok((format!("{kept}{}", &line[begins + raw.len()..]), source))
}

fn request_id_of(record: &str) -> Option<String> {
    serde_json::from_str(parse(record).ok()?.request_id?).ok()
}

fn milliseconds(time: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn parse(text: &str) -> Result<Members<'_>, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))
}

/// The members of an object that a reader needs, as raw text. Of members with the same name the last one counts.
#[derive(Default)]
struct Members<'a> {
    kind: Option<&'a str>,
    time: Option<&'a str>,
    record: Option<&'a str>,
    request_id: Option<&'a str>,
    last: Option<(&'a str, &'a str)>,
    count: usize,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    let (key, value) = (key.get(), value.get());
                    match key {
                        "\"type\"" => members.kind = Some(value),
                        "\"time\"" => members.time = Some(value),
                        "\"record\"" => members.record = Some(value),
                        "\"requestId\"" => members.request_id = Some(value),
                        _ => {}
                    }
                    members.last = Some((key, value));
                    members.count += 1;
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests;
