//! Checks how the body of a request becomes events.

use std::time::{Duration, Instant, SystemTime};

use extension_spec::{Config, Envelope, Types, Value, Wanted, event_type};
use kinesis_telemetry_extension::{Accepted, Event, Intake, Moment, Source};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Takes the bytes as a body, twice, under every envelope and whether or not invocations follow each other. Checks that
/// every event is one line of JSON with the next number, and begins with its own bytes.
pub fn intake(data: &[u8]) {
    filters_by_type(data);
    for envelope in Envelope::ALL {
        for one_at_a_time in [true, false] {
            let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB").in_envelope(*envelope);
            let mut intake = Intake::new(source, default().types, one_at_a_time);
            let mut next = 1;
            for by_request in [false, true] {
                if by_request {
                    intake = intake.by_request();
                }
                let accepted = intake.accept(data, now());
                for event in &accepted.events {
                    assert_eq!(event.seq, next, "numbers have no gaps");
                    next += 1;
                    is_a_line(event, *envelope);
                    if by_request {
                        belongs_to_its_request(event);
                    }
                }
                assert_eq!(intake.last_seq() + 1, next);
                holds_all(data, &accepted);
            }
        }
    }
}

/// Checks that the intake filters events by the type that `serde_json` reads, whatever escapes, duplicates and
/// whitespace there are.
fn filters_by_type(data: &[u8]) {
    let types = <Types as Value>::parse("platform.report").expect("this is a type");
    let Ok(members) = serde_json::from_slice::<Vec<&RawValue>>(data) else { return };
    let is_filtered = |it: &&&RawValue| {
        it.get().starts_with('{') && types.wanted(&type_of(it.get())) == Wanted::Never
    };
    let expected = members.iter().filter(is_filtered).count() as u64;
    let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB");
    let accepted = Intake::new(source, types.clone(), true).accept(data, now());
    // An event with a reserved type is wrapped, even if it has other types, too.
    let reserved = accepted.events.iter().filter(|it| holds(it, r#""reason":"reserved type""#));
    let reserved = reserved.count() as u64;
    assert!((expected.saturating_sub(reserved)..=expected).contains(&accepted.filtered));
}

/// Returns the type of an event if it occurs once, and neither time nor record occurs twice; otherwise an empty one.
fn type_of(event: &str) -> String {
    if ["time", "type", "record"].iter().any(|name| values(event, name).len() > 1) {
        return String::new();
    }
    let value = values(event, "type").pop();
    value.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default()
}

/// Returns the values that `serde_json` reads of an object's members with this name.
fn values<'a>(object: &'a str, name: &str) -> Vec<&'a RawValue> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(&'de RawValue, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let members = serde_json::Deserializer::from_str(object).deserialize_map(Members);
    let members = members.expect("it is an object").into_iter();
    let is_it = |it: &RawValue| serde_json::from_str::<String>(it.get()).is_ok_and(|it| it == name);
    members.filter(|(it, _)| is_it(it)).map(|(_, value)| value).collect()
}

/// Checks that a platform event belongs to the request that `serde_json` reads, including escapes, if it is named once.
fn belongs_to_its_request(event: &Event) {
    let own = String::from_utf8_lossy(&event.line[..event.own_len]) + "}";
    if !type_of(&own).starts_with("platform.") {
        return;
    }
    let [record] = values(&own, "record")[..] else { return };
    let record = record.get();
    let ids = if record.starts_with('{') { values(record, "requestId") } else { Vec::new() };
    let [id] = ids[..] else { return };
    let Ok(id) = serde_json::from_str::<String>(id.get()) else { return };
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(is_id) {
        assert_eq!(event.request.as_deref(), Some(&*id));
    }
}

fn default() -> Config {
    let nothing: [(&str, &str); 0] = [];
    let config = extension_spec::load(nothing).config;
    let types = Value::parse("platform,function,extension").expect("these are the categories");
    Config { types, ..config }
}

/// Checks that an event is one line of JSON, and ends with an identity if the envelope requires it.
fn is_a_line(event: &Event, envelope: Envelope) {
    let line = std::str::from_utf8(&event.line).expect("a line is text");
    let json = line.strip_suffix('\n').expect("a line ends");
    assert!(!json.contains(['\n', '\r']), "a line is one");
    serde_json::from_str::<&RawValue>(json).expect("a line is JSON");
    assert!(json.starts_with('{'), "an event is an object");
    let identity = &json[event.own_len..];
    if envelope == Envelope::Event {
        let identity = identity.strip_prefix(',').unwrap_or(identity);
        let identity = format!("{{{identity}");
        let source: serde_json::Value = serde_json::from_str(&identity).expect("it is JSON");
        assert_eq!(source["source"]["seq"], event.seq);
    } else {
        assert_eq!(identity, "}");
    }
    let own = format!("{}}}", &json[..event.own_len]);
    let read = serde_json::from_str::<serde_json::Value>(&own).unwrap_or_default();
    if read["type"].as_str().is_some_and(|it| it.starts_with(event_type::PREFIX)) {
        assert!(is_wrapped(&read), "only the extension uses its types");
    }
    let key = event.request.as_deref();
    assert!(key.is_none_or(|key| (1..=256).contains(&key.chars().count())), "it can be a key");
}

/// Checks that every member of the body is an event with its own bytes or was filtered, and that everything else is
/// quarantined.
fn holds_all(data: &[u8], accepted: &Accepted) {
    let mut events = accepted.events.iter();
    let Ok(members) = serde_json::from_slice::<Vec<&RawValue>>(data) else {
        assert_eq!(accepted.events.is_empty() && accepted.filtered == 0, data.is_empty());
        if accepted.filtered == 0 {
            covers(data, &accepted.events);
        }
        return;
    };
    assert_eq!(members.len() as u64, accepted.events.len() as u64 + accepted.filtered);
    let mut filtered = 0;
    for member in members {
        let text = member.get();
        let Some(own) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            let event = events.next().expect("what is no object is not filtered");
            assert!(holds(event, text) && holds(event, event_type::QUARANTINE));
            continue;
        };
        let own: String = ["{", own].concat().chars().filter(|c| !"\r\n".contains(*c)).collect();
        let mut rest = events.clone();
        let is_it = |event: &Event| {
            let is_own = event.line[..event.own_len] == *own.as_bytes();
            is_own || holds(event, r#""reason":"reserved type""#) && holds(event, text)
        };
        if rest.next().is_some_and(is_it) {
            events = rest;
        } else {
            filtered += 1;
        }
    }
    assert_eq!((events.count(), filtered), (0, accepted.filtered), "each has its own bytes");
}

/// Checks that the events contain the bytes of the body in order, except for the separators of members.
fn covers(body: &[u8], events: &[Event]) {
    let without_breaks = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect()
    };
    let body = without_breaks(body);
    let mut rest = &*body;
    let are_separators = |bytes: &[u8]| bytes.iter().all(|byte| b" \t,[]".contains(byte));
    for event in events {
        let held = without_breaks(&held(event));
        let at = rest.windows(held.len().max(1)).position(|bytes| bytes == held);
        let at = at.unwrap_or_else(|| panic!("{} is in the body", held.escape_ascii()));
        assert!(are_separators(&rest[..at]), "{} is lost", rest[..at].escape_ascii());
        rest = &rest[at + held.len()..];
    }
    assert!(are_separators(rest), "{} is lost", rest.escape_ascii());
}

/// Returns true if the intake has just wrapped it. Such an event must not come from outside.
fn is_wrapped(event: &serde_json::Value) -> bool {
    event["type"] == event_type::QUARANTINE && event["time"] == "2026-08-09T12:34:56.000Z"
}

/// Returns the bytes of the body that an event contains.
fn held(event: &Event) -> Vec<u8> {
    let own = &event.line[..event.own_len];
    let object = [own, b"}"].concat();
    let read: serde_json::Value = serde_json::from_slice(&object).unwrap_or_default();
    if !is_wrapped(&read) {
        return object;
    }
    let record = &read["record"];
    let Some(text) = record["body"].as_str() else {
        let own = String::from_utf8_lossy(own);
        let value = own.split_once(r#""value":"#).expect("a value is held").1;
        return value.strip_suffix('}').expect("the record ends").as_bytes().to_vec();
    };
    match record["encoding"].as_str() {
        Some("base64") => base64_simd::STANDARD.decode_to_vec(text).expect("it is base64"),
        _ => text.as_bytes().to_vec(),
    }
}

fn holds(event: &Event, text: &str) -> bool {
    let text: String = text.chars().filter(|c| !"\r\n".contains(*c)).collect();
    std::str::from_utf8(&event.line).is_ok_and(|line| line.contains(&text))
}

/// Returns an arbitrary moment.
pub(crate) fn now() -> Moment {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_786_278_896);
    Moment { monotonic: Instant::now(), wall }
}
