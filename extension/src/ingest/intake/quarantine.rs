//! Wraps invalid input as an event, so that it is delivered and never dropped.

use std::borrow::Cow;
use std::time::SystemTime;

use extension_spec::event_type;
use memchr::memmem;
use serde_json::value::RawValue;

/// Returns the text of an event that contains invalid bytes: not JSON, or not a JSON array where one is expected.
/// Without a `reason` the event states the JSON parser's error.
pub(super) fn bytes(reason: Option<&str>, bytes: &[u8], now: SystemTime) -> String {
    let reason = reason.map_or_else(|| parser_says(bytes), str::to_owned);
    // As text, each of these bytes would take six times as much space.
    let controls = bytes.iter().filter(|byte| **byte < b' ').count();
    let (encoding, body) = match std::str::from_utf8(bytes) {
        Ok(text) if controls <= bytes.len() / 16 + 16 => ("text", Cow::Borrowed(text)),
        _ => ("base64", Cow::Owned(base64_simd::STANDARD.encode_to_string(bytes))),
    };
    let reason = serde_json::Value::from(reason);
    let mut record = format!(r#"{{"reason":{reason},"encoding":"{encoding}","body":"#).into_bytes();
    serde_json::to_writer(&mut record, &body).expect("memory takes all that is written");
    record.push(b'}');
    event(std::str::from_utf8(&record).expect("JSON is text"), now)
}

fn parser_says(bytes: &[u8]) -> String {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(_) => "not an array".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Returns the text of an event that contains a JSON value which is not an event. The value's bytes are the record's
/// last member.
pub(super) fn value(reason: &str, text: &str, now: SystemTime) -> String {
    event(&format!(r#"{{"reason":"{reason}","value":{text}}}"#), now)
}

fn event(record: &str, now: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(now);
    format!(r#"{{"time":"{time}","type":"{}","record":{record}}}"#, event_type::QUARANTINE)
}

/// True if invalid bytes may have been an event of the platform: an object that is not a log line.
pub(super) fn may_be_of_the_platform(bytes: &[u8]) -> bool {
    const TYPE: &[u8] = b"\"type\"";
    let is_line = |at: usize| {
        let rest = bytes[at + TYPE.len()..].trim_ascii_start();
        let value = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start).unwrap_or_default();
        value.starts_with(b"\"function\"") || value.starts_with(b"\"extension\"")
    };
    bytes.contains(&b'{') && !memmem::find_iter(bytes, TYPE).any(is_line)
}
