//! From the bodies of the Telemetry API to numbered events.
//!
//! Pure: reads only what it must (`type`, the request id of platform events) and passes every other byte on. Whatever
//! a body holds, it comes out as events: what cannot be read is wrapped, never dropped and never refused.

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

/// Members in a row that are no objects and shorter than [`TINY`], beyond which they are quarantined together.
const MOST_TINY: usize = 64;
/// Bytes below which such a member is tiny.
const TINY: usize = 64;

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
    RuntimeDone {
        /// The request.
        request_id: String,
        /// How long the function has run, if the event states it.
        duration: Option<Duration>,
    },
    /// `platform.initRuntimeDone`: the function's own init is over.
    InitDone,
    /// `platform.initStart` of an init that is repeated within an invocation: somebody waits for its end.
    InitRepeated,
    /// It is known now for which tenant the environment runs: [`Intake::source`] says so from here on.
    Tenant,
    /// An invocation names another tenant than the first one did. The first counts; signalled once.
    OtherTenant(String),
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
    /// How many events were read, whatever became of them.
    pub read: u64,
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
    /// None where every line is delivered.
    selection: Option<Selection>,
    /// Parts still to be taken whose invocations are known already.
    foreseen: usize,
    /// Whether records are made by invocation, so that each event must know its own.
    by_request: bool,
    /// Whether an invocation has named another tenant than the first.
    has_other_tenant: bool,
}

impl Intake {
    /// Numbers start at 1. `one_at_a_time` says whether invocations follow each other, so that a log line's time tells
    /// which one it belongs to.
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
        let attribution = self.attribution.as_ref().map(Attribution::restarted);
        let selection = self.selection.as_ref().map(Selection::restarted);
        let by_request = self.by_request;
        let anew = Self::new(source, self.types.clone(), false);
        *self = Self { attribution, selection, by_request, ..anew };
    }

    /// The number that was given last.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// An event of our own, with the next number.
    pub fn own(&mut self, event_type: &str, record: &serde_json::Value, now: Moment) -> Event {
        let time = humantime::format_rfc3339_millis(now.wall);
        let object = format!(r#"{{"time":"{time}","type":"{event_type}","record":{record}}}"#);
        self.number(&object, now.monotonic)
    }

    /// Takes one body, at this moment.
    pub fn accept(&mut self, body: &[u8], now: Moment) -> Accepted {
        let mut accepted = self.accept_body(body, now, false);
        self.decide(now, &mut accepted);
        accepted
    }

    /// Takes one body. Learns when the invocations were that it tells of, unless they are known.
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
            // Nothing in it is sure, not even that an array was meant.
            return self.unreadable(None, body, now, is_foreseen);
        }
        // First, so that lines which stand before the start of their invocation find it.
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

    /// Takes a part of a body, at this moment.
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
        // Lines of an invocation may stand behind the start of the next one.
        if self.foreseen == 0 {
            self.decide(now, &mut accepted);
        }
        accepted
    }

    /// Quarantines bytes that may hold any event.
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

    /// Gives an event its number.
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

    /// The invocation that an event belongs to, as it says itself or as its time tells.
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
            // Of a line that does not tell nobody knows that it is mild.
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

    /// Lines may be hidden in what is quarantined, so whatever is undecided goes before it.
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

/// Where a body tells that the environment was restored from a snapshot: what is from before that, and the rest, as two
/// bodies. Before it are the platform's events of init, which stand first; whatever else comes along may differ between
/// the environments that were restored from the same snapshot.
pub(crate) fn restored(body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const RESTORED: &str = "platform.restore";
    // Nearly always the answer; what a function prints may hold these words, too.
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

/// Returns what stands in a body from one piece to another.
fn between<'a>(body: &'a [u8], first: &Piece<'_>, last: &Piece<'_>) -> &'a [u8] {
    let start = first.bytes().as_ptr().addr() - body.as_ptr().addr();
    let end = last.bytes().as_ptr_range().end.addr() - body.as_ptr().addr();
    &body[start..end]
}

/// Whether this can be the id of a request. It becomes a partition key, of which Kinesis takes no empty one and none of
/// more than 256 characters.
fn is_id(text: &str) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_of_it)
}

#[cfg(test)]
mod tests;
