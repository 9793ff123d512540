//! Reads the time, the type and the record of an event. Everything else stays bytes.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use extension_spec::event_type;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::base::json;
use crate::buffer::ledger::LogsDropped;
use crate::report::own_lines;

/// A member of the array: its text, and the values that were read if it is an object. Each value is read separately, so
/// an unexpected form (`type` is a number, or occurs twice) does not affect the others, and the event passes.
#[derive(Clone, Default)]
pub(super) struct Member<'a> {
    pub(super) text: &'a str,
    pub(super) time: Option<Cow<'a, str>>,
    event_type: Option<Cow<'a, str>>,
    pub(super) record: Option<&'a str>,
    /// True if one of its types is reserved for the extension.
    pub(super) is_reserved: bool,
}

/// The invocation that a platform event names.
pub(super) struct Request<'a> {
    pub(super) request_id: Cow<'a, str>,
    pub(super) tenant: Option<Cow<'a, str>>,
}

impl<'de> Deserialize<'de> for Member<'de> {
    /// Reads an object, except for its text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Peek)
    }
}

/// Reads an object member by member, because `serde_json` allocates when it skips a nested object.
struct Peek;

impl<'de> Visitor<'de> for Peek {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        let mut member = Member::default();
        let (mut times, mut types, mut records) = (0, 0, 0);
        // Names are read raw: a name with an unpaired surrogate is not a text, and must not hide the other members.
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let value = value.get();
            match &*json::text(name.get()).unwrap_or_default() {
                "time" => {
                    times += 1;
                    member.time = json::text(value);
                }
                "type" => {
                    types += 1;
                    member.event_type = json::text(value);
                    member.is_reserved |= is_reserved(value);
                }
                "record" => {
                    records += 1;
                    member.record = Some(value);
                }
                _ => {}
            }
        }
        // If a member occurs several times, readers differ on which one counts.
        if times > 1 || types > 1 || records > 1 {
            return Ok(Member { is_reserved: member.is_reserved, ..Member::default() });
        }
        Ok(member)
    }
}

impl<'a> Member<'a> {
    /// Returns this member with its text.
    pub(super) fn with_text(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// Reads an event again whose text was read before.
    pub(super) fn of(text: &'a str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::default()).with_text(text)
    }

    /// True if it is an object, as every event is.
    pub(super) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// Returns its type; empty if it has none.
    pub(super) fn event_type(&self) -> &str {
        self.event_type.as_deref().unwrap_or_default()
    }

    /// True if it is a log line of the function or of an extension.
    pub(super) fn is_line(&self) -> bool {
        matches!(self.event_type(), "function" | "extension")
    }

    /// Returns the invocation that a platform event names.
    pub(super) fn request(&self) -> Option<Request<'a>> {
        let [request_id, tenant] = json::values(self.record?, ["requestId", "tenantId"]);
        let request_id = request_id.and_then(json::text)?;
        Some(Request { request_id, tenant: tenant.and_then(json::text) })
    }

    /// Returns the X-Ray root trace id in `platform.start`: the value of `Root` in `Root=1-…;Parent=…;Sampled=1`.
    pub(super) fn root_trace_id(&self) -> Option<Cow<'a, str>> {
        let [tracing] = json::values(self.record?, ["tracing"]);
        let [header] = json::values(tracing?, ["value"]);
        let header = json::text(header?)?;
        let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
        (!root.is_empty()).then(|| root.to_owned().into())
    }

    /// True if the function has failed according to `platform.runtimeDone`. Every status except success is a failure,
    /// and so is a missing one.
    pub(super) fn has_failed(&self) -> bool {
        let [status] = json::values(self.record.unwrap_or_default(), ["status"]);
        status != Some(r#""success""#)
    }

    /// Returns how long a function ran according to `platform.runtimeDone`.
    pub(super) fn duration(&self) -> Option<Duration> {
        let [metrics] = json::values(self.record?, ["metrics"]);
        let [ms] = json::values(metrics?, ["durationMs"]);
        let ms: f64 = ms?.parse().ok()?;
        Duration::try_from_secs_f64(ms / 1_000.0).ok()
    }

    /// True for an init that is repeated within an invocation, under the function's timeout.
    pub(super) fn is_in_invocation(&self) -> bool {
        let [phase] = json::values(self.record.unwrap_or_default(), ["phase"]);
        phase.is_some_and(|phase| phase == r#""invoke""#)
    }

    /// True if the extension itself printed it.
    pub(super) fn is_own_line(&self) -> bool {
        self.event_type() == "extension" && self.record.is_some_and(own_lines::is_own_line)
    }

    /// Returns the numbers in `platform.logsDropped`; zero for other events.
    pub(super) fn logs_dropped(&self) -> LogsDropped {
        #[derive(Default, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Dropped {
            dropped_records: u64,
            dropped_bytes: u64,
        }
        if self.event_type() != "platform.logsDropped" {
            return LogsDropped::default();
        }
        let dropped = self.record.and_then(|record| serde_json::from_str(record).ok());
        let Dropped { dropped_records, dropped_bytes } = dropped.unwrap_or_default();
        LogsDropped { records: dropped_records, bytes: dropped_bytes }
    }
}

/// True if a type, as JSON, is reserved for the extension. It also reads strings with unpaired surrogates.
fn is_reserved(json: &str) -> bool {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<bool, E> {
            Ok(bytes.starts_with(event_type::PREFIX.as_bytes()))
        }
    }
    // Most types end here.
    if !json.starts_with("\"k") && !json.starts_with("\"\\") {
        return false;
    }
    serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes).unwrap_or(false)
}
