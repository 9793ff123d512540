//! Turns the bodies of the Telemetry API into numbered events.
//!
//! Pure: it reads only what it must (`type`, the request id of platform events) and passes every other byte on. Every
//! body becomes events: unreadable input is wrapped, never dropped and never refused.

mod learn;
mod members;
mod parts;
mod peek;
mod quarantine;
mod select;

use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_spec::{Types, Wanted};
use memchr::memmem;

use crate::base::clock::Moment;
use crate::buffer::ledger::LogsDropped;
use crate::event::level::level_of;
use crate::event::{Event, Source};
use crate::ingest::attribution::Attribution;
use crate::ingest::selection::Selection;
use learn::is_gap;
use members::{Piece, members};
pub(crate) use parts::{Part, parts};
use peek::Member;

/// The number of tiny non-objects in a row above which they are quarantined together.
const MOST_TINY: usize = 64;
/// The size below which such a member is tiny, in bytes.
const TINY: usize = 64;

/// A fact about received events that other modules need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `platform.start`: an invocation of this request has started.
    Started {
        /// The request.
        request_id: String,
        /// The start time, in milliseconds since 1970.
        time_ms: u64,
    },
    /// `platform.runtimeDone`: the function has finished this request.
    RuntimeDone {
        /// The request.
        request_id: String,
        /// How long the function ran, if the event states it.
        duration: Option<Duration>,
    },
    /// `platform.initRuntimeDone`: the function's own init has finished.
    InitDone,
    /// `platform.initStart` of an init that is repeated within an invocation, which waits for its end.
    InitRepeated,
    /// The tenant of the environment is known now: [`Intake::source`] states it from here on.
    Tenant,
    /// An invocation names another tenant than the first one did. The first one counts. It is signalled once.
    OtherTenant(String),
    /// Telemetry is missing or unreadable. It may have included the end of the function.
    Gap,
}

/// The result of reading a body.
#[derive(Debug, Default)]
pub struct Accepted {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The signals in these events.
    pub signals: Vec<Signal>,
    /// The number of events that were read, whatever happened to them.
    pub read: u64,
    /// The number of events that were filtered out and have no number.
    pub filtered: u64,
    /// The numbers that the platform reports as dropped.
    pub logs_dropped: LogsDropped,
}

/// Reads bodies and numbers their events.
#[derive(Debug)]
pub struct Intake {
    source: Source,
    types: Types,
    last_seq: u64,
    /// None if invocations run concurrently, so that times decide nothing.
    attribution: Option<Attribution>,
    /// None if every line is delivered.
    selection: Option<Selection>,
    /// The number of parts that are still to be read although their invocations are known already.
    foreseen: usize,
    /// True if records are made by invocation, so that each event needs its own.
    by_request: bool,
    /// True if an invocation has named another tenant than the first.
    has_other_tenant: bool,
}

impl Intake {
    /// Creates an intake whose numbers start at 1. `one_at_a_time` is true if invocations follow each other, so that
    /// the time of a log line decides which one it belongs to.
    pub fn new(source: Source, types: Types, one_at_a_time: bool) -> Self {
        let attribution = one_at_a_time.then(Attribution::default);
        Self {
            source,
            types,
            last_seq: 0,
            attribution,
            selection: None,
            foreseen: 0,
            by_request: false,
            has_other_tenant: false,
        }
    }

    /// Returns the intake with the invocation set on each event.
    #[must_use]
    pub fn by_request(self) -> Self {
        Self { by_request: true, ..self }
    }

    /// Returns the source of the events.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Starts again as another instance, with number 1 and without known invocations.
    pub fn restart(&mut self, source: Source) {
        let attribution = self.attribution.as_ref().map(Attribution::restarted);
        let selection = self.selection.as_ref().map(Selection::restarted);
        let by_request = self.by_request;
        let anew = Self::new(source, self.types.clone(), false);
        *self = Self { attribution, selection, by_request, ..anew };
    }

    /// Returns the number of the latest event.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Returns an event of the extension itself, with the next number.
    pub fn own(&mut self, event_type: &str, record: &serde_json::Value, now: Moment) -> Event {
        let time = humantime::format_rfc3339_millis(now.wall);
        let object = format!(r#"{{"time":"{time}","type":"{event_type}","record":{record}}}"#);
        self.number(&object, now.monotonic)
    }

    /// Reads a body at this moment.
    pub fn accept(&mut self, body: &[u8], now: Moment) -> Accepted {
        let mut accepted = self.accept_body(body, now, false);
        self.decide(now, &mut accepted);
        accepted
    }

    /// Reads a body. Unless its invocations are already known, learns their times first.
    fn accept_body(&mut self, body: &[u8], now: Moment, is_foreseen: bool) -> Accepted {
        let mut accepted = Accepted::default();
        if body.is_empty() {
            return accepted;
        }
        let Some(pieces) = members(body) else {
            return self.unreadable(None, body, now, is_foreseen);
        };
        let pieces: Vec<(Piece<'_>, Member<'_>)> = pieces.collect();
        if let [(Piece::Invalid { .. }, _), (Piece::Unfinished, _)] = &*pieces {
            // Nothing is certain in it, not even that it was meant as an array.
            return self.unreadable(None, body, now, is_foreseen);
        }
        // This comes first, so that lines find an invocation that starts later in the body.
        for (piece, member) in &pieces {
            if !is_foreseen {
                self.attribute(piece, member, now);
            }
            match piece {
                Piece::Value(_) => self.note(member, &mut accepted.signals),
                piece if is_gap(piece) => accepted.signals.push(Signal::Gap),
                Piece::Invalid { .. } | Piece::Unfinished => {}
            }
            accepted.logs_dropped.add(member.logs_dropped());
        }
        self.place(now, &mut accepted);
        let mut rest = &*pieces;
        while let [(piece, member), others @ ..] = rest {
            let run = rest.iter().take_while(|(piece, member)| is_tiny(piece, member)).count();
            if run > MOST_TINY {
                let (run, others) = rest.split_at(run);
                let bytes = between(body, &run[0].0, &run[run.len() - 1].0);
                self.quarantine(Some("not objects"), bytes, now, &mut accepted);
                rest = others;
                continue;
            }
            rest = others;
            match piece {
                Piece::Value(_) => self.take(member, now, &mut accepted),
                Piece::Invalid { bytes, .. } => self.quarantine(None, bytes, now, &mut accepted),
                Piece::Unfinished => {}
            }
        }
        accepted
    }

    /// Reads a part of a body at this moment.
    pub(crate) fn accept_part(&mut self, part: &Part, now: Moment) -> Accepted {
        let is_foreseen = self.foreseen > 0;
        self.foreseen = self.foreseen.saturating_sub(1);
        let mut accepted = match part {
            Part::Body(body) => self.accept_body(body, now, is_foreseen),
            Part::Raw(bytes) => {
                let reason = Some("part of a body that is not an array");
                self.unreadable(reason, bytes, now, is_foreseen)
            }
        };
        // Lines of an invocation may follow the start of the next one.
        if self.foreseen == 0 {
            self.decide(now, &mut accepted);
        }
        accepted
    }

    /// Quarantines bytes that may contain any event.
    fn unreadable(
        &mut self,
        reason: Option<&str>,
        bytes: &[u8],
        now: Moment,
        is_foreseen: bool,
    ) -> Accepted {
        let mut accepted = Accepted::default();
        if !is_foreseen {
            self.gap();
        }
        self.quarantine(reason, bytes, now, &mut accepted);
        accepted.signals.push(Signal::Gap);
        accepted
    }

    fn take(&mut self, member: &Member<'_>, now: Moment, accepted: &mut Accepted) {
        let reason = match member {
            member if !member.is_object() => Some("not an object"),
            member if member.is_reserved => Some("reserved type"),
            _ => None,
        };
        if let Some(reason) = reason {
            self.push_quarantined(&quarantine::value(reason, member.text, now.wall), now, accepted);
            return;
        }
        accepted.read += 1;
        let is_own_line = member.is_own_line();
        let is_wanted = !is_own_line && self.wants(member);
        if !is_own_line && !self.select(member, is_wanted, now, accepted) {
            return;
        }
        if !is_wanted {
            accepted.filtered += 1;
            return;
        }
        let event = self.identify(member, now.monotonic);
        accepted.events.push(event);
    }

    /// Numbers an event.
    fn identify(&mut self, member: &Member<'_>, received: Instant) -> Event {
        let attribution = self.attribution.as_ref().filter(|_| member.is_line());
        let request_id = attribution.and_then(|attribution| {
            attribution.request_of(member.time.as_deref()?, member.record?)
        });
        self.last_seq += 1;
        let mut event = self.source.identify(member.text, self.last_seq, request_id, received);
        if self.by_request {
            event.request = self.request_of(member);
        }
        event
    }

    /// Returns the invocation that an event names, or the one that its time decides.
    fn request_of(&self, member: &Member<'_>) -> Option<Arc<str>> {
        let named = member.request().map(|request| request.request_id);
        named.filter(|id| is_id(id)).map(Into::into).or_else(|| {
            let (attribution, time) = (self.attribution.as_ref()?, member.time.as_deref()?);
            let invocation = match member.record.filter(|_| member.is_line()) {
                Some(record) => attribution.invocation_of(time, record)?,
                None => attribution.owner_of(time)?,
            };
            is_id(invocation).then(|| invocation.into())
        })
    }

    fn wants(&self, member: &Member<'_>) -> bool {
        match self.types.wanted(member.event_type()) {
            Wanted::Always => true,
            Wanted::Never => false,
            // Lines with an unknown level are delivered.
            Wanted::From(lowest) => {
                member.record.and_then(level_of).is_none_or(|level| level >= lowest)
            }
        }
    }

    fn quarantine(
        &mut self,
        reason: Option<&str>,
        bytes: &[u8],
        now: Moment,
        accepted: &mut Accepted,
    ) {
        self.push_quarantined(&quarantine::bytes(reason, bytes, now.wall), now, accepted);
    }

    /// Adds a quarantined event. It may contain lines, so everything undecided is released first.
    fn push_quarantined(&mut self, wrapped: &str, now: Moment, accepted: &mut Accepted) {
        accepted.read += 1;
        if let Some(selection) = &mut self.selection {
            selection.gap();
        }
        self.release(now, accepted);
        accepted.events.push(self.number(wrapped, now.monotonic));
    }

    fn number(&mut self, object: &str, now: Instant) -> Event {
        self.last_seq += 1;
        self.source.identify(object, self.last_seq, None, now)
    }
}

/// Splits a body at the restore from a snapshot into two bodies: events from before it, and the rest. Only the
/// platform's init events at the start count as earlier. Everything else may differ between environments that were
/// restored from the same snapshot.
pub(crate) fn restored(body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const RESTORED: &str = "platform.restore";
    // Most bodies end here. Lines of the function may contain these words, too.
    memmem::find(body, RESTORED.as_bytes())?;
    let members = members(body)?;
    let is_restored = |(_, member): (_, Member<'_>)| member.event_type().starts_with(RESTORED);
    members.clone().any(is_restored).then_some(())?;
    let is_of_init = |member: &Member<'_>| {
        let event_type = member.event_type();
        event_type.starts_with("platform.init")
            || matches!(event_type, "platform.extension" | "platform.telemetrySubscription")
    };
    let mut texts = Vec::new();
    for (piece, member) in members {
        if is_of_init(&member) {
            texts.push(member.text);
            continue;
        }
        let before = if texts.is_empty() {
            Vec::new()
        } else {
            [b"[", &*texts.join(",").into_bytes(), b"]"].concat()
        };
        let start = piece.bytes().as_ptr().addr() - body.as_ptr().addr();
        return Some((before, [b"[", &body[start..]].concat()));
    }
    None
}

/// True for a member that is too small to be worth an event of its own if there are many.
fn is_tiny(piece: &Piece<'_>, member: &Member<'_>) -> bool {
    let is_foreign = match piece {
        Piece::Value(_) => !member.is_object(),
        Piece::Invalid { .. } => true,
        Piece::Unfinished => false,
    };
    is_foreign && piece.bytes().len() < TINY
}

/// Returns the bytes of a body from one piece to another.
fn between<'a>(body: &'a [u8], first: &Piece<'_>, last: &Piece<'_>) -> &'a [u8] {
    let start = first.bytes().as_ptr().addr() - body.as_ptr().addr();
    let end = last.bytes().as_ptr_range().end.addr() - body.as_ptr().addr();
    &body[start..end]
}

/// True if this can be a request id. It becomes a partition key, which must have 1 to 256 characters in Kinesis.
fn is_id(text: &str) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_of_it)
}

#[cfg(test)]
mod tests;
