//! One event: its identity, and how identity is spliced into its bytes.
//!
//! Knows the shape of `source` and nothing of where events come from or go to.

pub(crate) mod level;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use extension_spec::{Envelope, event_type};

/// Introduces the id of the request in `source`.
const REQUEST_MEMBER: &str = ",\"requestId\":\"";

/// An event under its identity, as the one line that a consumer will read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's JSON text, with `source` as its last member where the envelope says so, ending in the line's only
    /// `\n`.
    pub line: Box<[u8]>,
    /// How many bytes of the line are the event's own; after them come a comma, if there are any members, and `source`.
    pub own_len: usize,
    /// Its number, as in `source`.
    pub seq: u64,
    /// When it reached us.
    pub received: Instant,
    /// When it began to wait for its delivery: later than `received` if its invocation was undecided until then.
    pub released: Instant,
    /// The invocation that it belongs to, where somebody wants to know.
    pub request: Option<Arc<str>>,
}

impl Event {
    /// Bytes that an event takes in addition to its line: itself in a queue that has grown to twice what it holds, and what
    /// the allocator adds to a line.
    pub(crate) const OVERHEAD: usize = 2 * size_of::<Self>() + 16;

    /// Returns the bytes that it takes in memory.
    pub(crate) fn memory(&self) -> usize {
        self.line.len() + Self::OVERHEAD
    }

    /// What its `source` says of its invocation, with a comma before it; nothing if it says nothing.
    fn request_member(&self) -> &str {
        let source = std::str::from_utf8(&self.line[self.own_len..]).unwrap_or_default();
        let Some(at) = source.rfind(REQUEST_MEMBER) else { return "" };
        // An id holds no quotes.
        let id = at + REQUEST_MEMBER.len();
        source[id..].find('"').map_or("", |end| &source[at..=id + end])
    }
}

/// Whether lines begin with one that says the identity of all others.
pub(crate) fn is_record_head(lines: &[u8]) -> bool {
    lines
        .strip_prefix(br#"{"type":""#)
        .is_some_and(|rest| rest.starts_with(event_type::RECORD.as_bytes()))
}

/// Who an event comes from: says everything in `source` but the number.
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
    /// `instance` is new per process, so that a consumer can tell two environments (and two lives of one) apart.
    /// Events carry their own `source`, unless another envelope is chosen.
    pub fn new(function: &str, version: &str, instance: &str) -> Self {
        let (function, version) = (function.to_owned(), version.to_owned());
        let (instance, envelope) = (instance.into(), Envelope::Event);
        let (tenant, labels, head) = (None, Vec::new(), String::new());
        Self { function, version, tenant, labels, instance, envelope, head }.headed()
    }

    /// With what stands before the number.
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

    /// The same function as another instance.
    #[must_use]
    pub fn of_instance(&self, instance: &str) -> Self {
        Self { instance: instance.into(), ..self.clone() }.headed()
    }

    /// The same for this tenant; nothing if it is already.
    pub fn of_tenant(&self, tenant: &str) -> Option<Self> {
        let is_new = self.tenant.as_deref() != Some(tenant);
        is_new.then(|| Self { tenant: Some(tenant.to_owned()), ..self.clone() }.headed())
    }

    /// Adds constant members, by name and value.
    #[must_use]
    pub(crate) fn with_labels(self, labels: Vec<(String, String)>) -> Self {
        Self { labels, ..self }.headed()
    }

    /// Returns the tenant that the environment serves, if it is known.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The same with another envelope.
    #[must_use]
    pub fn in_envelope(self, envelope: Envelope) -> Self {
        Self { envelope, ..self }
    }

    /// Name of the function.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The instance id.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The same, for those who keep it.
    pub fn shared_instance(&self) -> Arc<str> {
        self.instance.clone()
    }

    /// Gives an event its number: the object's own bytes, then `source` if events carry their own, then `\n`.
    /// `request_id` says which invocation it belongs to, where it does not say so itself.
    ///
    /// `object` is the text of a JSON object. Raw line breaks in it can only stand between tokens, because JSON
    /// strings hold none, and are removed so that an event is one line.
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
                // Of a platform event, where it was a JSON string; an id that would need escapes is no id.
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

    /// Returns how many bytes of a line follow the event's own, so that the line is allocated once, at its size.
    fn len_behind(&self, seq: u64, request_id: Option<&str>) -> usize {
        let digits = seq.checked_ilog10().map_or(1, |log| log as usize + 1);
        let request = request_id.map_or(0, |id| REQUEST_MEMBER.len() + id.len() + 1);
        let source = match self.envelope {
            Envelope::Event => 1 + self.head.len() + digits + request + 1,
            _ => 0,
        };
        source + "}\n".len()
    }

    /// The first line of a record whose events carry no identity of their own: they have the numbers from `first` on.
    pub fn of_record(&self, first: u64, events: u64) -> String {
        let Self { head, .. } = self;
        format!("{{\"type\":\"{}\",{head}{first},\"events\":{events}}}}}\n", event_type::RECORD)
    }

    /// The `source` of one part of an event, without the `\n`.
    pub fn of_part(&self, event: &Event, part: usize, parts: usize) -> String {
        let request = event.request_member();
        format!(r#"{}{}{request},"part":{part},"parts":{parts}}}"#, self.head, event.seq)
    }
}

#[cfg(test)]
mod tests;
