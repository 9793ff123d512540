//! From the bodies of the Telemetry API to numbered events.
//!
//! Pure: reads only what it must (`type`, the request id of platform events) and passes every other byte on. Whatever
//! a body holds, it comes out as events: what cannot be read is wrapped, never dropped and never refused.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Instant, SystemTime};

use extension_spec::{Types, event_type};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Event, Source};
use crate::ledger::Ledger;
use crate::log;

/// What the extension must know of the events that have passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `platform.runtimeDone`: the function has finished this request.
    RuntimeDone(String),
}

/// Numbers events, and keeps the counts of what came in.
#[derive(Debug)]
pub struct Intake {
    source: Source,
    types: Types,
    last_seq: u64,
}

/// What is read of an event. All else stays bytes.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, rename = "type")]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "requestId")]
    request_id: String,
}

impl Intake {
    /// Numbers start at 1.
    pub fn new(source: Source, types: Types) -> Self {
        Self { source, types, last_seq: 0 }
    }

    /// Takes one body, appends its events to `events`, and says what they mean for the invocation.
    pub fn accept(
        &mut self,
        body: &[u8],
        now: (Instant, SystemTime),
        events: &mut VecDeque<Event>,
        ledger: &mut Ledger,
    ) -> Vec<Signal> {
        if body.is_empty() {
            return Vec::new();
        }
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(members) => members
                .into_iter()
                .filter_map(|member| self.member(member.get(), now, events, ledger))
                .collect(),
            Err(error) => {
                let wrapped = quarantine_body(body, &error.to_string(), now.1);
                self.number(&wrapped, now.0, events, ledger);
                Vec::new()
            }
        }
    }

    fn member(
        &mut self,
        text: &str,
        now: (Instant, SystemTime),
        events: &mut VecDeque<Event>,
        ledger: &mut Ledger,
    ) -> Option<Signal> {
        if !text.starts_with('{') {
            self.number(&quarantine_member(text, now.1), now.0, events, ledger);
            return None;
        }
        // An object of a shape that is new to us (`type` a number, say) still goes through, as one of unknown type.
        let peek = serde_json::from_str::<Peek<'_>>(text).ok();
        let (event_type, record) = peek.map_or((None, None), |it| (it.event_type, it.record));
        let event_type = event_type.as_deref().unwrap_or_default();
        let signal = match (event_type, record) {
            ("platform.runtimeDone", Some(record)) => serde_json::from_str::<Request>(record.get())
                .ok()
                .map(|request| Signal::RuntimeDone(request.request_id)),
            _ => None,
        };
        let own = || record.is_some_and(|record| log::is_own_line(record.get()));
        if !self.types.include(event_type) || (event_type == "extension" && own()) {
            ledger.filtered += 1;
        } else {
            self.number(text, now.0, events, ledger);
        }
        signal
    }

    fn number(
        &mut self,
        object: &str,
        now: Instant,
        events: &mut VecDeque<Event>,
        ledger: &mut Ledger,
    ) {
        ledger.received += 1;
        self.last_seq += 1;
        events.push_back(self.source.identify(object, self.last_seq, now));
    }
}

/// A body that is no JSON array, as an event.
fn quarantine_body(body: &[u8], reason: &str, now: SystemTime) -> String {
    let (encoding, body) = match std::str::from_utf8(body) {
        Ok(text) => ("text", Cow::Borrowed(text)),
        Err(_) => ("base64", Cow::Owned(base64_simd::STANDARD.encode_to_string(body))),
    };
    let record = serde_json::json!({ "reason": reason, "encoding": encoding, "body": body });
    quarantine(&record.to_string(), now)
}

/// A member of the array that is no object, as an event. Its own bytes stay, as the record's last member.
fn quarantine_member(text: &str, now: SystemTime) -> String {
    quarantine(&format!(r#"{{"reason":"not an object","value":{text}}}"#), now)
}

fn quarantine(record: &str, now: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(now);
    format!(r#"{{"time":"{time}","type":"{}","record":{record}}}"#, event_type::QUARANTINE)
}

#[cfg(test)]
mod tests;
