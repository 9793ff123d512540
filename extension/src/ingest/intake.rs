//! From the bodies of the Telemetry API to numbered events.
//!
//! Pure: reads only what it must (`type`, the request id of platform events) and passes every other byte on. Whatever
//! a body holds, it comes out as events: what cannot be read is wrapped, never dropped and never refused.

use std::borrow::Cow;
use std::time::{Instant, SystemTime};

use extension_spec::{Types, Wanted, event_type};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::clock::Moment;
use crate::buffer::ledger::LogsDropped;
use crate::event::level::level_of;
use crate::event::{Event, Source};
use crate::ingest::attribution::Attribution;
use crate::report::own_lines;

/// What the extension must know of the events that have passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `platform.start`: an invocation of this request has begun.
    Started {
        /// The request.
        request_id: String,
        /// When it began, in milliseconds since 1970.
        time_ms: u64,
    },
    /// `platform.runtimeDone`: the function has finished this request.
    RuntimeDone(String),
    /// `platform.initRuntimeDone`: the function's own init is over.
    InitDone,
    /// `platform.initStart` of an init that is repeated within an invocation: somebody waits for its end.
    InitRepeated,
    /// It is known now for which tenant the environment runs: [`Intake::source`] says so from here on.
    Tenant,
    /// Telemetry is missing, or cannot be read: the end of the function may be part of it.
    Gap,
}

/// What a body has brought.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Its events, in their order.
    pub events: Vec<Event>,
    /// What they mean for the invocation.
    pub signals: Vec<Signal>,
    /// How many events were not wanted, and have no number.
    pub filtered: u64,
    /// What the platform says it has dropped.
    pub logs_dropped: LogsDropped,
}

/// Numbers events.
#[derive(Debug)]
pub struct Intake {
    source: Source,
    types: Types,
    last_seq: u64,
    /// None where invocations run side by side, so that times tell nothing.
    attribution: Option<Attribution>,
    /// Whether records are made by invocation, so that each event must know its own.
    by_request: bool,
}

/// What is read of an event. All else stays bytes.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "requestId")]
    request_id: String,
    #[serde(rename = "tenantId", default)]
    tenant: serde_json::Value,
}

impl Intake {
    /// Numbers start at 1. `one_at_a_time` says whether invocations follow each other, so that a log line's time tells
    /// which one it belongs to.
    pub fn new(source: Source, types: Types, one_at_a_time: bool) -> Self {
        let attribution = one_at_a_time.then(Attribution::default);
        Self { source, types, last_seq: 0, attribution, by_request: false }
    }

    /// The same, with each event told which invocation it belongs to.
    #[must_use]
    pub fn by_request(self) -> Self {
        Self { by_request: true, ..self }
    }

    /// Who the events are of.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Begins again as another instance: with number 1, and without knowledge of any invocation.
    pub fn restart(&mut self, source: Source) {
        let attribution = self.attribution.as_ref().map(|_| Attribution::default());
        let Self { types, by_request, .. } = self;
        *self = Self {
            source,
            types: types.clone(),
            last_seq: 0,
            attribution,
            by_request: *by_request,
        };
    }

    /// The number that was given last.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// An event of our own, with the next number.
    pub fn own(&mut self, event_type: &str, record: &serde_json::Value, now: Moment) -> Event {
        let time = humantime::format_rfc3339_millis(now.wall);
        let object = format!(r#"{{"time":"{time}","type":"{event_type}","record":{record}}}"#);
        self.number(&object, None, now.monotonic)
    }

    /// Takes one body, at this moment.
    pub fn accept(&mut self, body: &[u8], now: Moment) -> Accepted {
        let mut accepted = Accepted::default();
        if body.is_empty() {
            return accepted;
        }
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(members) => {
                let members: Vec<Member<'_>> =
                    members.into_iter().map(|member| Member::read(member.get())).collect();
                // First, so that lines which stand before the start of their invocation find it.
                for member in &members {
                    self.note(member, &mut accepted.signals);
                    accepted.logs_dropped.add(member.logs_dropped());
                }
                for member in &members {
                    self.take(member, now, &mut accepted);
                }
            }
            Err(error) => {
                let wrapped = quarantine_body(body, &error.to_string(), now.wall);
                accepted.events.push(self.number(&wrapped, None, now.monotonic));
                accepted.signals.push(Signal::Gap);
            }
        }
        accepted
    }

    /// Learns what an event says about an invocation.
    fn note(&mut self, member: &Member<'_>, signals: &mut Vec<Signal>) {
        let is_start = match member.event_type() {
            "platform.logsDropped" => return signals.push(Signal::Gap),
            "platform.initRuntimeDone" => return signals.push(Signal::InitDone),
            "platform.initStart" if member.is_in_invocation() => {
                return signals.push(Signal::InitRepeated);
            }
            "platform.start" => true,
            "platform.runtimeDone" => false,
            _ => return,
        };
        let request = member.record().and_then(|record| serde_json::from_str(record).ok());
        let Some(Request { request_id, tenant }) = request else { return };
        let time = member.peek.as_ref().and_then(|peek| peek.time.as_deref());
        if let (Some(attribution), Some(time)) = (&mut self.attribution, time) {
            if is_start {
                attribution.started(&request_id, time);
            } else {
                attribution.done(&request_id, time);
            }
        }
        // An environment serves one tenant all its life.
        let tenant = tenant.as_str().filter(|_| is_start);
        if let Some(source) = tenant.and_then(|tenant| self.source.of_tenant(tenant)) {
            self.source = source;
            signals.push(Signal::Tenant);
        }
        if !is_start {
            signals.push(Signal::RuntimeDone(request_id));
        } else if let Some(time_ms) = time.and_then(milliseconds) {
            signals.push(Signal::Started { request_id, time_ms });
        }
    }

    fn take(&mut self, member: &Member<'_>, now: Moment, accepted: &mut Accepted) {
        let Member { text, .. } = member;
        if !text.starts_with('{') {
            let wrapped = quarantine_member(text, now.wall);
            accepted.events.push(self.number(&wrapped, None, now.monotonic));
            return;
        }
        let event_type = member.event_type();
        if member.is_own_line() || !self.wants(member) {
            accepted.filtered += 1;
            return;
        }
        let is_line = matches!(event_type, "function" | "extension");
        let request_id = self.attribution.as_ref().filter(|_| is_line).and_then(|attribution| {
            let time = member.peek.as_ref()?.time.as_deref()?;
            attribution.request_of(time, member.record()?).map(str::to_owned)
        });
        let mut event = self.number(text, request_id.as_deref(), now.monotonic);
        if self.by_request {
            event.request = self.request_of(member).map(Into::into);
        }
        accepted.events.push(event);
    }

    /// The invocation that an event belongs to, as it says itself or as its time tells.
    fn request_of(&self, member: &Member<'_>) -> Option<String> {
        member.request_id().or_else(|| {
            let time = member.peek.as_ref()?.time.as_deref()?;
            let owner = self.attribution.as_ref()?.owner_of(time)?;
            is_id(owner).then(|| owner.to_owned())
        })
    }

    fn wants(&self, member: &Member<'_>) -> bool {
        match self.types.wanted(member.event_type()) {
            Wanted::Always => true,
            Wanted::Never => false,
            // Of a line that does not tell nobody knows that it is mild.
            Wanted::From(lowest) => {
                member.record().and_then(level_of).is_none_or(|level| level >= lowest)
            }
        }
    }

    fn number(&mut self, object: &str, request_id: Option<&str>, now: Instant) -> Event {
        self.last_seq += 1;
        self.source.identify(object, self.last_seq, request_id, now)
    }
}

/// Where a body tells that the environment was restored from a snapshot: what is from before that, and the rest, as two
/// bodies. Before it are the platform's events of init, which stand first; whatever else comes along may differ between
/// the environments that were restored from the same snapshot.
pub(crate) fn restored(body: &[u8]) -> Option<(String, String)> {
    const RESTORED: &str = "platform.restore";
    // Nearly always the answer; what a function prints may hold these words, too.
    memmem::find(body, RESTORED.as_bytes())?;
    let members: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
    let of = |member: &&RawValue| Member::read(member.get()).event_type().to_owned();
    members.iter().position(|member| of(member).starts_with(RESTORED))?;
    let is_of_init = |member: &&&RawValue| {
        let event_type = of(member);
        event_type.starts_with("platform.init")
            || matches!(&*event_type, "platform.extension" | "platform.telemetrySubscription")
    };
    let before = members.iter().take_while(is_of_init).count();
    let array = |members: &[&RawValue]| {
        let texts: Vec<&str> = members.iter().map(|member| member.get()).collect();
        format!("[{}]", texts.join(","))
    };
    let (before, rest) = members.split_at(before);
    Some((if before.is_empty() { String::new() } else { array(before) }, array(rest)))
}

/// A member of the array: its text, and what was read of it if it is an object of the known shape. One of a shape that
/// is new to us (`type` a number, say) goes through as one of unknown type.
struct Member<'a> {
    text: &'a str,
    peek: Option<Peek<'a>>,
}

impl<'a> Member<'a> {
    fn read(text: &'a str) -> Self {
        Self { text, peek: serde_json::from_str(text).ok() }
    }

    fn event_type(&self) -> &str {
        self.peek.as_ref().and_then(|peek| peek.event_type.as_deref()).unwrap_or_default()
    }

    fn record(&self) -> Option<&'a str> {
        self.peek.as_ref()?.record.map(RawValue::get)
    }

    /// The request that its record names, if it can be one: a function may log whatever it wants under that name.
    fn request_id(&self) -> Option<String> {
        let Request { request_id, .. } = serde_json::from_str(self.record()?).ok()?;
        is_id(&request_id).then_some(request_id)
    }

    /// Of an init: whether it is repeated within an invocation, under the function's timeout.
    fn is_in_invocation(&self) -> bool {
        #[derive(Deserialize)]
        struct Init<'a> {
            #[serde(borrow)]
            phase: Cow<'a, str>,
        }
        let init = self.record().and_then(|record| serde_json::from_str::<Init<'_>>(record).ok());
        init.is_some_and(|init| init.phase == "invoke")
    }

    fn is_own_line(&self) -> bool {
        self.event_type() == "extension" && self.record().is_some_and(own_lines::is_own_line)
    }

    fn logs_dropped(&self) -> LogsDropped {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[derive(Default)]
        struct Dropped {
            dropped_records: u64,
            dropped_bytes: u64,
        }
        if self.event_type() != "platform.logsDropped" {
            return LogsDropped::default();
        }
        let dropped = self.record().and_then(|record| serde_json::from_str(record).ok());
        let Dropped { dropped_records, dropped_bytes } = dropped.unwrap_or_default();
        LogsDropped { records: dropped_records, bytes: dropped_bytes }
    }
}

/// Milliseconds since 1970, of a time as the platform writes it.
fn milliseconds(time: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// Whether this can be the id of a request. It becomes a partition key, of which Kinesis takes no empty one and none of
/// more than 256 characters.
fn is_id(text: &str) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_of_it)
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
