//! Defines an event and its identity, and splices the identity into the event's bytes.
//!
//! This module knows the format of `source`, but not where events come from or go to.

pub(crate) mod level;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use extension_spec::{Envelope, event_type};

/// The start of the request id in `source`.
const REQUEST_MEMBER: &str = ",\"requestId\":\"";

/// An event with its identity, as the one line that consumers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's JSON text. `source` is its last member if the envelope requires it. The only `\n` is at the end.
    pub line: Box<[u8]>,
    /// The number of the event's own bytes at the start of the line. A comma (if the event has members) and `source`
    /// follow.
    pub own_len: usize,
    /// The event's number, as in `source`.
    pub seq: u64,
    /// When the event reached the extension.
    pub received: Instant,
    /// When the event became ready for delivery. It is later than `received` if its invocation was undecided until
    /// then.
    pub released: Instant,
    /// The invocation that the event belongs to, if the settings need it.
    pub request: Option<Arc<str>>,
}

impl Event {
    /// Bytes of memory that an event takes in addition to its line: its entry in a queue with a capacity of up to twice
    /// its length, and the allocator's overhead for the line.
    pub(crate) const OVERHEAD: usize = 2 * size_of::<Self>() + 16;

    /// Returns the bytes of memory that the event takes.
    pub(crate) fn memory(&self) -> usize {
        self.line.len() + Self::OVERHEAD
    }

    /// Returns the request id as a member of `source`, with a leading comma; empty if `source` has none.
    fn request_member(&self) -> &str {
        let source = std::str::from_utf8(&self.line[self.own_len..]).unwrap_or_default();
        let Some(at) = source.rfind(REQUEST_MEMBER) else { return "" };
        // A request id contains no quotes.
        let id = at + REQUEST_MEMBER.len();
        source[id..].find('"').map_or("", |end| &source[at..=id + end])
    }
}

/// True if the first of these lines states the identity of all others.
pub(crate) fn is_record_head(lines: &[u8]) -> bool {
    lines
        .strip_prefix(br#"{"type":""#)
        .is_some_and(|rest| rest.starts_with(event_type::RECORD.as_bytes()))
}

/// The origin of events: everything in `source` except the number.
#[derive(Clone, Debug)]
pub struct Source {
    function: String,
    version: String,
    tenant: Option<String>,
    labels: Vec<(String, String)>,
    instance: Arc<str>,
    envelope: Envelope,
    head: String,
}

impl Source {
    /// Creates the source of an instance, with `source` in each event. Each process has a new `instance`, so that
    /// consumers can distinguish environments, and processes of one environment.
    pub fn new(function: &str, version: &str, instance: &str) -> Self {
        let (function, version) = (function.to_owned(), version.to_owned());
        let (instance, envelope) = (instance.into(), Envelope::Event);
        let (tenant, labels, head) = (None, Vec::new(), String::new());
        Self { function, version, tenant, labels, instance, envelope, head }.headed()
    }

    /// Builds the text that precedes the number.
    fn headed(self) -> Self {
        let quoted = |text: &str| serde_json::to_string(text).expect("a text is JSON");
        let Self { function, version, tenant, labels, instance, .. } = &self;
        let mut head =
            format!(r#""source":{{"function":{},"version":{}"#, quoted(function), quoted(version));
        if let Some(tenant) = tenant {
            write!(head, r#","tenantId":{}"#, quoted(tenant)).expect("a string takes all");
        }
        for (name, value) in labels {
            write!(head, ",{}:{}", quoted(name), quoted(value)).expect("a string takes all");
        }
        write!(head, r#","instance":{},"seq":"#, quoted(instance)).expect("a string takes all");
        Self { head, ..self }
    }

    /// Returns this source with another instance id.
    #[must_use]
    pub fn of_instance(&self, instance: &str) -> Self {
        Self { instance: instance.into(), ..self.clone() }.headed()
    }

    /// Returns this source with this tenant; none if it already has it.
    pub fn of_tenant(&self, tenant: &str) -> Option<Self> {
        let is_new = self.tenant.as_deref() != Some(tenant);
        is_new.then(|| Self { tenant: Some(tenant.to_owned()), ..self.clone() }.headed())
    }

    /// Adds constant members, given by name and value.
    #[must_use]
    pub(crate) fn with_labels(self, labels: Vec<(String, String)>) -> Self {
        Self { labels, ..self }.headed()
    }

    /// Returns the tenant that the environment serves, if it is known.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Returns this source with another envelope.
    #[must_use]
    pub fn in_envelope(self, envelope: Envelope) -> Self {
        Self { envelope, ..self }
    }

    /// Returns the name of the function.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// Returns the instance id.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Returns the instance id as a shared string.
    pub fn shared_instance(&self) -> Arc<str> {
        self.instance.clone()
    }

    /// Numbers an event: its own bytes, then `source` if the envelope requires it, then `\n`. `request_id` is the
    /// invocation that it belongs to, if the event does not state it.
    ///
    /// `object` is the text of a JSON object. Raw line breaks are removed so that an event is one line. They can only
    /// stand between tokens, because JSON strings contain none.
    pub fn identify(
        &self,
        object: &str,
        seq: u64,
        request_id: Option<&str>,
        received: Instant,
    ) -> Event {
        let own = object.trim_end().strip_suffix('}').unwrap_or(object);
        let mut line = String::with_capacity(own.len() + self.len_behind(seq, request_id));
        if memchr::memchr2(b'\n', b'\r', own.as_bytes()).is_some() {
            line.extend(own.chars().filter(|c| !matches!(c, '\n' | '\r')));
        } else {
            line.push_str(own);
        }
        let own_len = line.len();
        if self.envelope == Envelope::Event {
            if !line.trim_end().ends_with('{') {
                line.push(',');
            }
            line.push_str(&self.head);
            write!(line, "{seq}").expect("a string takes all that is written");
            if let Some(id) = request_id {
                // The id comes from a JSON string of a platform event. Request ids contain no characters that need
                // escapes.
                line.push_str(REQUEST_MEMBER);
                let is_foreign = |c: char| !c.is_ascii_alphanumeric() && c != '-';
                id.split(is_foreign).for_each(|run| line.push_str(run));
                line.push('"');
            }
            line.push('}');
        }
        line.push_str("}\n");
        Event {
            line: line.into_bytes().into(),
            own_len,
            seq,
            received,
            released: received,
            request: None,
        }
    }

    /// Returns the number of bytes after the event's own, so that the line is allocated once at its size.
    fn len_behind(&self, seq: u64, request_id: Option<&str>) -> usize {
        let digits = seq.checked_ilog10().map_or(1, |log| log as usize + 1);
        let request = request_id.map_or(0, |id| REQUEST_MEMBER.len() + id.len() + 1);
        let source = match self.envelope {
            Envelope::Event => 1 + self.head.len() + digits + request + 1,
            _ => 0,
        };
        source + "}\n".len()
    }

    /// Returns the first line of a record whose events carry no identity. The record has `events` events, numbered from
    /// `first`.
    pub fn of_record(&self, first: u64, events: u64) -> String {
        let Self { head, .. } = self;
        format!("{{\"type\":\"{}\",{head}{first},\"events\":{events}}}}}\n", event_type::RECORD)
    }

    /// Returns the `source` of one part of an event, without the `\n`.
    pub fn of_part(&self, event: &Event, part: usize, parts: usize) -> String {
        let request = event.request_member();
        format!(r#"{}{}{request},"part":{part},"parts":{parts}}}"#, self.head, event.seq)
    }
}

#[cfg(test)]
mod tests;
