//! The settings of functions, as far as they are visible in a stream. Pure.

use std::collections::{BTreeMap, BTreeSet};

use extension_spec::{consuming, event_type};
use kinesis_telemetry_consumer::{self as consumer, Event};
use kinesis_telemetry_report::Setting;
use serde_json::Value;

use super::short;

/// Number of settings that are kept for all functions, and of values for one setting. Labels can have any number of both.
const MOST: (usize, usize) = (2_000, 20);
/// Size in bytes of the longest first line with an identity: the identity and the type.
const HEAD: usize = consuming::SOURCE_BYTES + 100;

/// Values by function and name.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<(String, String), BTreeSet<String>>);

impl Settings {
    /// Notes the settings that an event shows. `is_headed` is true if the first line of its record has the identity.
    pub(super) fn note(&mut self, event: &Event, record: &Value, is_headed: bool) {
        let source = &event.source;
        let envelope = match is_headed {
            _ if source.instance.is_empty() => "none",
            true => "record",
            false => "event",
        };
        let function = source.function.as_deref().unwrap_or_default();
        let mut note = |name: &str, value: &str| self.insert(function, name, value);
        note("envelope", envelope);
        match event.kind.as_str() {
            "function" => note("log format", if record.is_object() { "JSON" } else { "text" }),
            event_type::LEDGER => note("extension", text(record, "extension")),
            "platform.initStart" => note("runtime", text(record, "runtimeVersion")),
            _ => {}
        }
        for (name, value) in &source.labels {
            note(&format!("label {name}"), value);
        }
    }

    /// Returns all settings, sorted by function and name.
    pub(super) fn listed(&self) -> Vec<Setting> {
        let settings = self.0.iter().flat_map(|((function, name), values)| {
            values.iter().map(|value| Setting {
                function: function.clone(),
                name: name.clone(),
                value: value.clone(),
            })
        });
        settings.collect()
    }

    fn insert(&mut self, function: &str, name: &str, value: &str) {
        let key = (short(function), short(name));
        if value.is_empty() || (self.0.len() >= MOST.0 && !self.0.contains_key(&key)) {
            return;
        }
        let values = self.0.entry(key).or_default();
        if values.len() < MOST.1 {
            values.insert(short(value));
        }
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

/// Returns true if the first line of a record has the identity of the others (`ENVELOPE=record`).
pub(super) fn is_headed(data: &[u8]) -> bool {
    let is_plain = data.first() == Some(&b'{');
    let inflated = if is_plain { None } else { consumer::lines(data).ok() };
    let first = inflated.as_deref().unwrap_or(data).split(|byte| *byte == b'\n').next();
    // The first line of such a record is short; that of other records may have a megabyte.
    let first = first.filter(|line| line.len() <= HEAD).and_then(|line| str::from_utf8(line).ok());
    let kind = first.and_then(|line| serde_json::from_str::<Value>(line).ok());
    kind.is_some_and(|it| it["type"] == event_type::RECORD)
}
